/* SPDX-License-Identifier: MIT */
#include "own_table.h"

#include "kernel.h"
#include "sandbox.h"
#include "sys.h"
#include "threads.h"
#include <linux/futex.h>
#include <linux/sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/auxv.h>

#pragma weak getauxval

/*
 * Apart from the caller's stack: on that, a handler may run meanwhile, which the kernel calls
 * for what the caller does itself (see uninterrupted.c).
 */
enum {
	GUARD = 64 * 1024, /* a page at least; who leaves the stack meets SIGSEGV there */
	STACK = 64 * 1024, /* room for a handler, too */
	MEMORY = GUARD + STACK
};

/* At the end of that memory, above the stack. */
struct own_table {
	_Alignas(16) atomic_int running; /* the kernel clears it when the thread is done */
	bool done;
	void (*work)(void *);
	_Alignas(16) char arg[];
};

/* As a C library makes a thread, so that debuggers know what it is. */
enum {
	FLAGS = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
	        CLONE_SYSVSEM | CLONE_CHILD_CLEARTID
};

/*
 * What every ABI lets a function use above its stack pointer: for its argument (i386), or to
 * save registers (s390x).
 */
enum { ABOVE = 160 };

/* Makes a thread that begins with own_table_start(t), on that stack. */
#if defined __x86_64__ && !defined __clang_analyzer__
static inline long begin(struct own_table *t, char *stack)
{
	register struct own_table *clear __asm__("r10") = t;
	long result;
	__asm__ volatile("syscall\n\t"
	                 "testq %%rax, %%rax\n\t"
	                 "jnz 1f\n\t"
	                 "movq %%r10, %%rdi\n\t"
	                 "call own_table_start\n"
	                 "1:"
	                 : "=a"(result)
	                 : "0"((long)SYS_clone), "D"((long)FLAGS), "S"(stack), "d"(0L),
	                   "r"(clear)
	                 : "rcx", "r11", "memory", "cc");
	return result;
}
#elif defined __i386__
static inline long begin(struct own_table *t, char *stack)
{
	long result;
	__asm__ volatile("int $0x80\n\t"
	                 "testl %%eax, %%eax\n\t"
	                 "jnz 1f\n\t"
	                 "movl %%edi, (%%esp)\n\t"
	                 "call own_table_start\n"
	                 "1:"
	                 : "=a"(result)
	                 : "0"(SYS_clone), "b"(FLAGS), "c"(stack), "d"(0), "S"(0), "D"(t)
	                 : "memory", "cc");
	return result;
}
#elif defined __aarch64__
static inline long begin(struct own_table *t, char *stack)
{
	register long x8 __asm__("x8") = SYS_clone;
	register long x0 __asm__("x0") = FLAGS;
	register long x1 __asm__("x1") = (long)stack;
	register long x2 __asm__("x2") = 0;
	register long x3 __asm__("x3") = 0;
	register struct own_table *x4 __asm__("x4") = t;
	__asm__ volatile("svc 0\n\t"
	                 "cbnz x0, 1f\n\t"
	                 "mov x0, x4\n\t"
	                 "bl own_table_start\n"
	                 "1:"
	                 : "+r"(x0)
	                 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4)
	                 : "memory", "cc");
	return x0;
}
#elif defined __s390x__
/* The stack comes first here. */
static inline long begin(struct own_table *t, char *stack)
{
	register long r1 __asm__("r1") = SYS_clone;
	register long r2 __asm__("r2") = (long)stack;
	register long r3 __asm__("r3") = FLAGS;
	register long r4 __asm__("r4") = 0;
	register struct own_table *r5 __asm__("r5") = t;
	register long r6 __asm__("r6") = 0;
	__asm__ volatile("svc 0\n\t"
	                 "ltgr %%r2, %%r2\n\t"
	                 "jnz 1f\n\t"
	                 "lgr %%r2, %%r5\n\t"
	                 "brasl %%r14, own_table_start\n"
	                 "1:"
	                 : "+d"(r2)
	                 : "d"(r1), "d"(r3), "d"(r4), "d"(r5), "d"(r6)
	                 : "memory", "cc");
	return r2;
}
#else
static inline long begin(struct own_table *t, char *stack)
{
	(void)t;
	(void)stack;
	return -ENOSYS;
}
#endif

_Noreturn void own_table_start(struct own_table *t);

/* What is closed here is not closed in the program. */
__attribute__((used)) _Noreturn void own_table_start(struct own_table *t)
{
	if (sys(SYS_unshare, CLONE_FILES, 0, 0, 0, 0, 0) == 0) {
		t->work(t->arg);
		t->done = true;
		sys(SYS_close_range, 0, -1, 0, 0, 0, 0);
	}
	for (;;)
		sys(SYS_exit, 0, 0, 0, 0, 0, 0);
}

/*
 * Valgrind and qemu-user have no vDSO. Valgrind's tools would report races, because they can't
 * know that the caller waits.
 */
static bool is_imitation(void)
{
	return getauxval != NULL && getauxval(AT_SYSINFO_EHDR) == 0;
}

/*
 * With a copy of the argument, because a handler that runs meanwhile may leave the caller's
 * stack for good, by siglongjmp(3).
 */
static bool run(char *memory, void (*work)(void *), void *arg, size_t size)
{
	const size_t above = (sizeof(struct own_table) + size + 15) / 16 * 16;
	struct own_table *t = (struct own_table *)(memory + MEMORY - above);
	t->running = 1;
	t->work = work;
	memcpy(t->arg, arg, size);
	if (begin(t, (char *)t - ABOVE) < 0)
		return false;
	while (atomic_load(&t->running) != 0)
		sys(SYS_futex, (long)&t->running, FUTEX_WAIT, 1, 0, 0, 0);
	memcpy(arg, t->arg, size);
	return t->done;
}

bool own_table_run(void (*work)(void *), void *arg, size_t size)
{
	if (is_single_threaded() || is_sandboxed() || is_imitation())
		return false;
	char *memory = sys_mmap(MEMORY);
	if (memory == NULL)
		return false;
	bool done = sys_mprotect((unsigned long)memory, GUARD, PROT_NONE) == 0 &&
	            run(memory, work, arg, size);
	sys(SYS_munmap, (long)memory, MEMORY, 0, 0, 0, 0);
	return done;
}
