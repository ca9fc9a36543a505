/* SPDX-License-Identifier: MIT */
#include "family.h"
#include "filter.h"
#include "kernel.h"
#include "launch/execute.h"
#include "task.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* What noselfconn has for the command's LD_PRELOAD, and not for ours. */
#define PRELOAD "NOSELFCONN_PRELOAD"

void be_command(const struct family *family)
{
	const char *preload = getenv(PRELOAD);
	if (preload != NULL)
		setenv("LD_PRELOAD", preload, 1);
	unsetenv(PRELOAD);
	signal(SIGCHLD, family->on_child);
	sigprocmask(SIG_SETMASK, &family->mask, NULL);
	_exit(execute(family->command));
}

/* In the child. */
static _Noreturn void enter(const struct family *family, int gate)
{
	int go, listener = install_filter();
	if (!tell(gate, listener < 0 ? -errno : listener) || listener < 0 || !hear(gate, &go))
		_exit(1);
	if (family->verbose)
		say(family->subject, "supervised, with all that it starts");
	be_command(family);
}

/* In the parent. */
static bool take_listener(struct family *family, pid_t child, int gate)
{
	char byte;
	int number = -ECHILD;
	hear(gate, &number);
	if (number == -EBUSY)
		return fail(family, "it already is, by another program than noselfconn", EBUSY);
	if (number < 0)
		return fail(family, "seccomp(2) gives no listener here", -number);
	family->listener = borrow(child, number);
	if (family->listener < 0)
		return fail(family,
		            "the sockets of a child can't be reached (a container needs "
		            "CAP_SYS_PTRACE for that; Yama's ptrace_scope 2 and 3 forbid it)",
		            errno);
	if (peek(child, (uintptr_t)family, &byte, sizeof byte))
		return true;
	return fail(family, "the memory of a child can't be read", errno);
}

bool start_command(struct family *family, int *gate)
{
	int ends[2];
	/* With it came POLLHUP of a listener. */
	if (syscall(NR_CLOSE_RANGE, ~0U, ~0U, 0) != 0)
		return fail(family, "it takes Linux 5.9", errno);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
		return fail(family, "no more descriptors", errno);
	pid_t child = fork();
	if (child == 0) {
		close(ends[0]);
		enter(family, ends[1]);
	}
	if (child < 0)
		return fail(family, "no more processes", errno);
	close(ends[1]);
	*gate = ends[0];
	family->shared->command = child;
	return take_listener(family, child, *gate);
}

bool has_news(struct shared *shared, int *status)
{
	pid_t child;
	while ((child = waitpid(-1, status, WNOHANG | WUNTRACED | WCONTINUED)) > 0) {
		if (child != shared->command)
			continue;
		shared->stopped = WIFSTOPPED(*status);
		if (WIFEXITED(*status) || WIFSIGNALED(*status))
			shared->command = 0;
		return true;
	}
	return false;
}
