/* SPDX-License-Identifier: MIT */
#include "own_table.h"

#include "kernel.h"
#include "sandbox.h"
#include "sys.h"
#include "threads.h"
#include "uninterrupted.h"
#include <linux/futex.h>
#include <linux/sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/auxv.h>

#pragma weak getauxval

struct own_table {
	atomic_int running; /* the kernel clears it when the thread has left the stack */
	void (*work)(void *);
	void *arg;
	bool done;
	struct signal_mask mask; /* of the caller, and its stack for signals */
	stack_t signal_stack;
};

/* As a C library makes a thread, so that debuggers know what it is. */
enum {
	FLAGS = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
	        CLONE_SYSVSEM | CLONE_CHILD_CLEARTID
};

/*
 * Makes a thread that begins with own_table_start(t), on the same stack, 256 bytes further
 * down: that leaves the caller room to wait in.
 */
#if defined __x86_64__ && !defined __clang_analyzer__
static inline long begin(struct own_table *t)
{
	register struct own_table *clear __asm__("r10") = t;
	long result;
	__asm__ volatile("syscall\n\t"
	                 "testq %%rax, %%rax\n\t"
	                 "jnz 1f\n\t"
	                 "subq $256, %%rsp\n\t"
	                 "andq $-16, %%rsp\n\t"
	                 "movq %%r10, %%rdi\n\t"
	                 "call own_table_start\n"
	                 "1:"
	                 : "=a"(result)
	                 : "0"((long)SYS_clone), "D"((long)FLAGS), "S"(0L), "d"(0L), "r"(clear)
	                 : "rcx", "r11", "memory", "cc");
	return result;
}
#elif defined __i386__
static inline long begin(struct own_table *t)
{
	long result;
	__asm__ volatile("int $0x80\n\t"
	                 "testl %%eax, %%eax\n\t"
	                 "jnz 1f\n\t"
	                 "subl $256, %%esp\n\t"
	                 "andl $-16, %%esp\n\t"
	                 "movl %%edi, (%%esp)\n\t"
	                 "call own_table_start\n"
	                 "1:"
	                 : "=a"(result)
	                 : "0"(SYS_clone), "b"(FLAGS), "c"(0), "d"(0), "S"(0), "D"(t)
	                 : "memory", "cc");
	return result;
}
#elif defined __aarch64__
static inline long begin(struct own_table *t)
{
	register long x8 __asm__("x8") = SYS_clone;
	register long x0 __asm__("x0") = FLAGS;
	register long x1 __asm__("x1") = 0;
	register long x2 __asm__("x2") = 0;
	register long x3 __asm__("x3") = 0;
	register struct own_table *x4 __asm__("x4") = t;
	__asm__ volatile("svc 0\n\t"
	                 "cbnz x0, 1f\n\t"
	                 "sub sp, sp, #256\n\t"
	                 "mov x0, x4\n\t"
	                 "bl own_table_start\n"
	                 "1:"
	                 : "+r"(x0)
	                 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4)
	                 : "memory", "cc");
	return x0;
}
#elif defined __s390x__
/* The stack comes first here, and whoever is called saves registers above its own. */
static inline long begin(struct own_table *t)
{
	register long r1 __asm__("r1") = SYS_clone;
	register long r2 __asm__("r2") = 0;
	register long r3 __asm__("r3") = FLAGS;
	register long r4 __asm__("r4") = 0;
	register struct own_table *r5 __asm__("r5") = t;
	register long r6 __asm__("r6") = 0;
	__asm__ volatile("svc 0\n\t"
	                 "ltgr %%r2, %%r2\n\t"
	                 "jnz 1f\n\t"
	                 "aghi %%r15, -416\n\t"
	                 "lgr %%r2, %%r5\n\t"
	                 "brasl %%r14, own_table_start\n"
	                 "1:"
	                 : "+d"(r2)
	                 : "d"(r1), "d"(r3), "d"(r4), "d"(r5), "d"(r6)
	                 : "memory", "cc");
	return r2;
}
#else
static inline long begin(struct own_table *t)
{
	(void)t;
	return -ENOSYS;
}
#endif

static void set_mask(const struct signal_mask *mask)
{
	int result = -1;
	for (int i = 0; i < 2 && result != 0; i++) /* once may be a passing failure */
		result = (int)sys(SYS_rt_sigprocmask, SIG_SETMASK, (long)mask, 0, sizeof *mask,
		                  0, 0);
}

_Noreturn void own_table_start(struct own_table *t);

/*
 * The stack may be one that a handler of SIGSEGV makes larger. What is closed here is not
 * closed in the program.
 */
__attribute__((used)) _Noreturn void own_table_start(struct own_table *t)
{
	sys(SYS_sigaltstack, (long)&t->signal_stack, 0, 0, 0, 0, 0);
	set_mask(&t->mask);
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

/* All of them: a handler that runs in the caller would overwrite the stack of the thread. */
static bool block_signals(struct signal_mask *before)
{
	struct signal_mask all;
	memset(&all, 0xff, sizeof all);
	return sys(SYS_rt_sigprocmask, SIG_BLOCK, (long)&all, (long)before, sizeof all, 0, 0) ==
	       0;
}

__attribute__((noinline)) bool own_table_run(void (*work)(void *), void *arg)
{
	struct own_table t = {.running = 1, .work = work, .arg = arg};
	if (is_single_threaded() || is_sandboxed() || is_imitation() ||
	    sys(SYS_sigaltstack, 0, (long)&t.signal_stack, 0, 0, 0, 0) != 0 ||
	    !block_signals(&t.mask))
		return false;
	if (begin(&t) > 0)
		while (atomic_load(&t.running) != 0)
			sys(SYS_futex, (long)&t.running, FUTEX_WAIT, 1, 0, 0, 0);
	set_mask(&t.mask);
	return t.done;
}
