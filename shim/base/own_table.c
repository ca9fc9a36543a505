/* SPDX-License-Identifier: MIT */
#include "own_table.h"

#include "kernel.h"
#include "sandbox.h"
#include "sys.h"
#include "threads.h"
#include <linux/futex.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#pragma weak getauxval

/*
 * Apart from the caller's stack: on that, a handler may run meanwhile, which the kernel calls
 * for what the caller does itself (see uninterrupted.c).
 */
enum {
	GUARD = 64 * 1024,  /* a page at least; who leaves the stack meets SIGSEGV there */
	STACK = 64 * 1024,  /* of the process: room for a handler, too */
	WAITING = 4 * 1024, /* of the thread */
	MEMORY = GUARD + STACK + WAITING
};

/* At the end of that memory, above the stack. */
struct own_table {
	_Alignas(16) atomic_int running; /* the kernel clears it when the thread has ended */
	atomic_bool done;
	bool forks;   /* the thread makes the process, which works */
	char *memory; /* that this is in */
	int process;  /* the program's */
	void (*work)(void *);
	struct own_table *next; /* of those that were left to themselves */
	_Alignas(16) char arg[];
};

/*
 * Some file systems do more when a copy of a descriptor is closed: FUSE asks its server, NFS
 * writes to its own. No call may wait for these, and the program may be that server. So a
 * thread that takes longer is left to itself; until all such have ended, there is no other.
 */
static const long patience[2] = {0, 100000000}; /* as a struct timespec */
static _Atomic(struct own_table *) left;

/*
 * If work() is done in a process, that is the child of the thread, which waits for it whatever
 * the caller does, and with which it ends. There is no such thread if a child would be the
 * first process of another PID namespace.
 */
enum { PROCESS = CLONE_VM };

/* As a C library makes a thread, so that debuggers know what it is. */
enum {
	THREAD = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
	         CLONE_SYSVSEM | CLONE_CHILD_CLEARTID
};

/*
 * What every ABI lets a function use above its stack pointer: for its argument (i386), or to
 * save registers (s390x).
 */
enum { ABOVE = 160 };

/* Makes a task that begins with own_table_start(t), on that stack. */
#if defined __x86_64__ && !defined __clang_analyzer__
static inline long begin(long flags, struct own_table *t, char *stack)
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
	                 : "0"((long)SYS_clone), "D"(flags), "S"(stack), "d"(0L), "r"(clear)
	                 : "rcx", "r11", "memory", "cc");
	return result;
}
#elif defined __i386__
static inline long begin(long flags, struct own_table *t, char *stack)
{
	long result;
	__asm__ volatile("int $0x80\n\t"
	                 "testl %%eax, %%eax\n\t"
	                 "jnz 1f\n\t"
	                 "movl %%edi, (%%esp)\n\t"
	                 "call own_table_start\n"
	                 "1:"
	                 : "=a"(result)
	                 : "0"(SYS_clone), "b"(flags), "c"(stack), "d"(0), "S"(0), "D"(t)
	                 : "memory", "cc");
	return result;
}
#elif defined __aarch64__
static inline long begin(long flags, struct own_table *t, char *stack)
{
	register long x8 __asm__("x8") = SYS_clone;
	register long x0 __asm__("x0") = flags;
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
static inline long begin(long flags, struct own_table *t, char *stack)
{
	register long r1 __asm__("r1") = SYS_clone;
	register long r2 __asm__("r2") = (long)stack;
	register long r3 __asm__("r3") = flags;
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
static inline long begin(long flags, struct own_table *t, char *stack)
{
	(void)flags;
	(void)t;
	(void)stack;
	return -ENOSYS;
}
#endif

_Noreturn void own_table_start(struct own_table *t);

static void fork_and_wait(struct own_table *t)
{
	t->forks = false;
	long process = begin(PROCESS, t, (char *)t - ABOVE - WAITING);
	if (process > 0)
		sys(SYS_wait4, process, 0, __WALL, 0, 0, 0);
}

/* What is closed here is not closed in the program. */
__attribute__((used)) _Noreturn void own_table_start(struct own_table *t)
{
	if (t->forks) {
		fork_and_wait(t);
	} else if (sys(SYS_unshare, CLONE_FILES, 0, 0, 0, 0, 0) == 0) {
		if (sys_getpid() != t->process)
			sys(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0, 0);
		t->work(t->arg);
		atomic_store(&t->done, true);
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

static void release(struct own_table *t)
{
	sys(SYS_munmap, (long)t->memory, MEMORY, 0, 0, 0, 0);
}

static void leave(struct own_table *t)
{
	t->next = atomic_load(&left);
	while (!atomic_compare_exchange_weak(&left, &t->next, t))
		;
}

/*
 * Have all ended that were left to themselves? A child of fork() has their memory, but not
 * them; one of vfork() shares it.
 */
static bool is_none_left(void)
{
	struct own_table *t = atomic_load(&left) == NULL ? NULL : atomic_exchange(&left, NULL);
	bool none = true;
	for (struct own_table *next; t != NULL; t = next) {
		next = t->next;
		if (atomic_load(&t->running) == 0) {
			release(t);
			continue;
		}
		none = none && t->process != sys_getpid();
		leave(t);
	}
	return none;
}

/* Returns whether the thread has ended. */
static bool wait_for(struct own_table *t)
{
	while (atomic_load(&t->running) != 0)
		if (sys(SYS_futex, (long)&t->running, FUTEX_WAIT, 1, (long)patience, 0, 0) ==
		            -ETIMEDOUT &&
		    atomic_load(&t->done))
			return false;
	return true;
}

/*
 * With a copy of the argument, because a handler that runs meanwhile may leave the caller's
 * stack for good, by siglongjmp(3).
 */
static bool run(struct own_table *t, void (*work)(void *), void *arg, size_t size)
{
	t->running = 1;
	t->work = work;
	memcpy(t->arg, arg, size);
	if (begin(THREAD, t, (char *)t - ABOVE) < 0) {
		release(t);
		return false;
	}
	bool ended = wait_for(t), done = atomic_load(&t->done);
	memcpy(arg, t->arg, size);
	if (ended)
		release(t);
	else
		leave(t);
	return done;
}

bool own_table_run(void (*work)(void *), void *arg, size_t size, bool in_process)
{
	const size_t above = (sizeof(struct own_table) + size + 15) / 16 * 16;
	if (is_single_threaded() || is_sandboxed() || is_imitation() || !is_none_left())
		return false;
	char *memory = sys_mmap(MEMORY);
	if (memory == NULL)
		return false;
	struct own_table *t = (struct own_table *)(memory + MEMORY - above);
	t->memory = memory;
	t->process = sys_getpid();
	t->forks = in_process;
	if (sys_mprotect((unsigned long)memory, GUARD, PROT_NONE) == 0)
		return run(t, work, arg, size);
	release(t);
	return false;
}
