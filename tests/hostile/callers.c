/* SPDX-License-Identifier: MIT */
/*
 * callers WORD... : connect() from unusual places, and if something is missing. Says
 * what came of it, and whether descriptors were left.
 *
 *   plain                  as it is
 *   handler                in a signal handler, on an alternate stack of the size that the
 *                          system recommends
 *   stack BYTES            on a stack of that size; another process watches sockets with epoll,
 *                          which makes a repair look deeper
 *   growing BYTES          the same, but a handler of SIGSEGV makes the stack larger
 *   atexit                 in an atexit() handler
 *   vfork, vfork-shared    in a vfork() child, on a socket of its own or of its parent
 *   chroot DIR             after chroot() to DIR
 *   refuse NAME [ERRNO]    after a seccomp filter that refuses that system call, with EPERM
 *   trap NAME              the same, but a handler of SIGSYS refuses it
 *   reuse-stderr WHAT      after stderr was closed, and is now descriptor 2 of a "socket", the
 *                          connecting one, or a "file"; says what was written there
 *   swapped, swapped-nonblock
 *                          says what its descriptor is afterwards (see swap.c)
 *   none-below-3           with descriptors 0 to 2 closed
 *
 * MOVE_RANGE does the same in a process with another thread (see move-range.h).
 *
 * and what goes before another command line, which it then executes:
 *
 *   broken-stderr COMMAND...       with a pipe as stderr that has no reader
 *   full-stderr COMMAND...         with a pipe as stderr that is full
 *   many N COMMAND...              with N descriptors more, or as many as the limit allows
 */
#include "attempt.h"
#include "move-range.h"

#include <err.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>

static int open_socket(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	if (fd < 0)
		err(2, "socket");
	return fd;
}

/* What can be told when nearly nothing works any more. */
static void attempt_and_tell(int fd)
{
	struct tally t = {0};
	int before = descriptors();
	write(-1, "begin", 5); /* for who reads a trace */
	int outcome = attempt(fd);
	write(-1, "end", 3);
	int after = descriptors();
	count(&t, fd, outcome);
	show(&t);
	if (after != before)
		printf("descriptors: %d, then %d\n", before, after);
	abort_and_close(fd);
}

static void in_handler(int sig)
{
	(void)sig;
	attempt_and_tell(open_socket());
}

/* The recommended size; before glibc 2.34 a constant that may be less than the kernel needs. */
static size_t signal_stack(void)
{
	size_t recommended = (size_t)SIGSTKSZ, needed = 4 * getauxval(AT_MINSIGSTKSZ);
	return recommended > needed ? recommended : needed;
}

static void connect_in_handler(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t size = (signal_stack() + page - 1) / page * page;
	/* Whoever needs more meets a page that can't be written. */
	char *stack = mmap(NULL, page + size, PROT_READ | PROT_WRITE,
	                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (stack == MAP_FAILED || mprotect(stack, page, PROT_NONE) != 0)
		err(2, "stack");
	if (sigaltstack(&(stack_t) {.ss_sp = stack + page, .ss_size = size}, NULL) != 0)
		err(2, "sigaltstack");
	sigaction(SIGUSR1,
	          &(struct sigaction) {.sa_handler = in_handler, .sa_flags = SA_ONSTACK}, NULL);
	raise(SIGUSR1);
}

static int watching_process(void)
{
	int ends[2], set = epoll_create1(0);
	struct epoll_event event = {.events = EPOLLIN};
	char byte;
	if (set < 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0 ||
	    epoll_ctl(set, EPOLL_CTL_ADD, ends[0], &event) != 0)
		err(2, "epoll");
	pid_t child = fork();
	if (child == 0) {
		close(ends[1]);
		read(ends[0], &byte, 1); /* until this process ends */
		_exit(0);
	}
	close(set);
	close(ends[0]);
	return child < 0 ? -1 : ends[1];
}

static struct {
	ucontext_t back, there;
	int fd, outcome;
} small;

static void on_small_stack(void)
{
	small.outcome = attempt(small.fd);
}

static void on_guard_page(int sig, siginfo_t *info, void *context)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *at = info->si_addr;
	(void)context;
	if (mprotect(at - (uintptr_t)at % page, page, PROT_READ | PROT_WRITE) != 0)
		signal(sig, SIG_DFL);
}

static void grow_stack(void)
{
	size_t size = signal_stack();
	const struct sigaction action = {.sa_sigaction = on_guard_page,
	                                 .sa_flags = SA_SIGINFO | SA_ONSTACK};
	sigaltstack(&(stack_t) {.ss_sp = malloc(size), .ss_size = size}, NULL);
	sigaction(SIGSEGV, &action, NULL);
}

/* Whoever needs more meets a page that can't be written. */
static void connect_on_stack(size_t size)
{
	struct tally t = {0};
	size_t page = (size_t)sysconf(_SC_PAGESIZE), all = (size / page + 2) * page;
	char *low = mmap(NULL, all, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (low == MAP_FAILED || mprotect(low, page, PROT_NONE) != 0 || watching_process() < 0)
		err(2, "stack");
	small.fd = open_socket();
	getcontext(&small.there);
	small.there.uc_stack.ss_sp = low + page;
	small.there.uc_stack.ss_size = size;
	small.there.uc_link = &small.back;
	makecontext(&small.there, on_small_stack, 0);
	swapcontext(&small.back, &small.there);
	count(&t, small.fd, small.outcome);
	show(&t);
	abort_and_close(small.fd);
}

static void at_exit(void)
{
	attempt_and_tell(open_socket());
}

/* The child has its parent's memory, and its own descriptors. */
static void connect_in_vfork(int shared)
{
	static volatile int outcome, self, more;
	int before = descriptors();
	pid_t pid = vfork();
	if (pid == 0) {
		int fd = shared >= 0 ? shared : socket(AF_INET, SOCK_STREAM, 0);
		int open = descriptors();
		outcome = attempt(fd);
		self = to_itself(fd);
		more = descriptors() - open;
		if (shared < 0)
			abort_and_close(fd);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	puts(self ? "self-connected" : outcome == ECONNREFUSED ? "refused" : "other");
	if (more != 0 || descriptors() != before)
		puts("descriptors are left");
	if (shared >= 0 && to_itself(shared))
		puts("the parent's socket is self-connected");
}

/* The handler's answer takes the place of the call's. */
static void refuse_call(int sig, siginfo_t *info, void *context)
{
	mcontext_t *m = &((ucontext_t *)context)->uc_mcontext;
	(void)sig;
	(void)info;
#if defined __x86_64__
	m->gregs[REG_RAX] = -EPERM;
#elif defined __i386__
	m->gregs[REG_EAX] = -EPERM;
#elif defined __aarch64__
	m->regs[0] = (unsigned long)-EPERM;
#elif defined __s390x__
	m->gregs[2] = (unsigned long)-EPERM;
#endif
}

/* How the filter refuses the call. */
static void refuse(const char *name, unsigned how)
{
	const struct sigaction action = {.sa_sigaction = refuse_call, .sa_flags = SA_SIGINFO};
	static const struct {
		const char *name;
		int number;
	} calls[] = {{"socket", SYS_socket},
	             {"dup3", SYS_dup3},
	             {"openat", SYS_openat},
	             {"getsockopt", SYS_getsockopt},
	             {"setsockopt", SYS_setsockopt},
	             {"bind", SYS_bind},
	             {"getsockname", SYS_getsockname},
	             {"fcntl", SYS_fcntl},
	             {"prctl", SYS_prctl},
	             {"getdents64", SYS_getdents64},
	             {"readlinkat", SYS_readlinkat},
	             {"statx", SYS_statx},
	             {"rt_sigprocmask", SYS_rt_sigprocmask}};
	struct sock_filter filter[] = {
	        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1), BPF_STMT(BPF_RET | BPF_K, how),
	        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
	struct sock_fprog program = {sizeof filter / sizeof filter[0], filter};
	size_t i = 0, n = sizeof calls / sizeof calls[0];
	while (i < n && strcmp(calls[i].name, name) != 0)
		i++;
	if (i == n)
		errx(2, "%s: no such call", name);
	filter[1].k = (unsigned)calls[i].number;
	sigaction(SIGSYS, &action, NULL);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) != 0)
		err(125, "seccomp");
}

/* What is written to descriptor 2, which is no longer stderr. */
static void reuse_stderr(const char *what)
{
	struct sockaddr_in any = loopback(0);
	char got[512] = "";
	int fd, other, server = socket(AF_INET, SOCK_STREAM, 0);
	if (server < 0 || bind(server, (struct sockaddr *)&any, sizeof any) != 0)
		err(2, "bind");
	close(server);

	close(STDERR_FILENO);
	if (strcmp(what, "file") == 0) {
		other = memfd_create("stderr", 0);
		fd = open_socket();
	} else {
		other = fd = open_socket();
	}
	if (other != STDERR_FILENO)
		errx(2, "it is descriptor %d", other);
	int outcome = attempt(fd);
	if (other == fd && outcome == 0) {
		write(fd, "end", 3);
		other = accept(500, NULL, NULL); /* see serve.c */
	}
	ssize_t n = pread(other, got, sizeof got - 1, 0);
	if (n < 0)
		n = recv(other, got, sizeof got - 1, 0);
	struct tally t = {0};
	count(&t, fd, outcome);
	show(&t);
	printf("written: '%.*s'\n", (int)(n < 0 ? 0 : n), got);
}

static void with_none_below_3(void)
{
	int out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 10);
	int fd = fcntl(open_socket(), F_DUPFD_CLOEXEC, 10);
	for (int i = 0; i < 10; i++)
		close(i);
	int before = descriptors(), outcome = attempt(fd);
	dprintf(out, "%s\n", outcome == ECONNREFUSED ? "refused" : "other");
	if (to_itself(fd))
		dprintf(out, "self-connected\n");
	if (descriptors() != before)
		dprintf(out, "descriptors are left\n");
}

static void tell_what_is_left(bool nonblock)
{
	struct stat st;
	struct sockaddr_in local = {0};
	socklen_t len = sizeof local;
	char byte;
	int fd = open_socket(), before = descriptors();
	if (nonblock)
		fcntl(fd, F_SETFL, O_NONBLOCK);
	int outcome = attempt(fd);
	if (outcome != 0)
		printf("connect: %s\n", strerrorname_np(outcome));
	if (descriptors() != before)
		printf("descriptors: %d, then %d\n", before, descriptors());
	if (to_itself(fd))
		printf("self-connected%s\n",
		       recv(fd, &byte, 1, MSG_DONTWAIT) == 1 ? ", and has sent to itself" : "");
	else if (fstat(fd, &st) != 0)
		printf("nothing\n");
	else if (S_ISREG(st.st_mode))
		printf("a file\n");
	else if (getsockname(fd, (struct sockaddr *)&local, &len) == 0 && local.sin_port == 0)
		printf("a new socket\n");
	else
		printf("a used socket\n");
	abort_and_close(fd);
}

static void execute(char **command)
{
	execvp(command[0], command);
	err(127, "%s", command[0]);
}

static void with_stderr(bool full, char **command)
{
	int p[2];
	char junk[4096] = "";
	if (pipe(p) != 0)
		err(2, "pipe");
	signal(SIGPIPE, SIG_DFL);
	fcntl(p[1], F_SETFL, O_NONBLOCK);
	while (full && write(p[1], junk, sizeof junk) > 0)
		;
	fcntl(p[1], F_SETFL, 0);
	dup2(p[1], STDERR_FILENO);
	close(p[1]);
	if (!full)
		close(p[0]);
	execute(command);
}

static void with_many(int n, char **command)
{
	struct rlimit limit;
	getrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_max < (rlim_t)n + 100)
		n = (int)limit.rlim_max - 100;
	limit.rlim_cur = (rlim_t)n + 100;
	setrlimit(RLIMIT_NOFILE, &limit);
	for (int i = 0; i < n; i++)
		if (dup(STDIN_FILENO) < 0)
			err(2, "dup");
	execute(command);
}

static void *wait_for_the_end(void *unused)
{
	pause();
	return unused;
}

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "plain", *arg = argc > 2 ? argv[2] : "";
	pthread_t thread;
	int fd;
	move_range();
	if (getenv("MOVE_RANGE") != NULL)
		pthread_create(&thread, NULL, wait_for_the_end, NULL);
	if (strcmp(word, "handler") == 0) {
		connect_in_handler();
	} else if (strcmp(word, "stack") == 0) {
		connect_on_stack((size_t)atoi(arg));
	} else if (strcmp(word, "growing") == 0) {
		grow_stack();
		connect_on_stack((size_t)atoi(arg));
	} else if (strcmp(word, "atexit") == 0) {
		atexit(at_exit);
	} else if (strcmp(word, "vfork") == 0) {
		connect_in_vfork(-1);
	} else if (strcmp(word, "vfork-shared") == 0) {
		connect_in_vfork(open_socket());
	} else if (strcmp(word, "chroot") == 0) {
		if (chroot(arg) != 0 || chdir("/") != 0)
			err(125, "chroot");
		attempt_and_tell(open_socket());
	} else if (strcmp(word, "refuse") == 0) {
		fd = open_socket();
		refuse(arg, SECCOMP_RET_ERRNO | (argc > 3 ? (unsigned)atoi(argv[3]) : EPERM));
		attempt_and_tell(fd);
	} else if (strcmp(word, "trap") == 0) {
		fd = open_socket();
		refuse(arg, SECCOMP_RET_TRAP);
		attempt_and_tell(fd);
	} else if (strcmp(word, "reuse-stderr") == 0) {
		reuse_stderr(arg);
	} else if (strcmp(word, "swapped") == 0) {
		tell_what_is_left(false);
	} else if (strcmp(word, "swapped-nonblock") == 0) {
		tell_what_is_left(true);
	} else if (strcmp(word, "none-below-3") == 0) {
		with_none_below_3();
	} else if (strcmp(word, "broken-stderr") == 0) {
		with_stderr(false, argv + 2);
	} else if (strcmp(word, "full-stderr") == 0) {
		with_stderr(true, argv + 2);
	} else if (strcmp(word, "many") == 0) {
		with_many(atoi(arg), argv + 3);
	} else {
		attempt_and_tell(open_socket());
	}
	return 0;
}
