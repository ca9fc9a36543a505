/* SPDX-License-Identifier: MIT */
#include "command.h"

#include "borrow.h"
#include "descriptors.h"
#include "filter.h"
#include "launch/execute.h"
#include "opening.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* What noselfconn has for the command's LD_PRELOAD, and not for ours. */
#define PRELOAD "NOSELFCONN_PRELOAD"

enum { NOT_RUN = 125 };

void be_command(const struct family *family)
{
	const char *preload = getenv(PRELOAD);
	if (preload != NULL)
		setenv("LD_PRELOAD", preload, 1);
	unsetenv(PRELOAD);
	sigprocmask(SIG_SETMASK, &family->mask, NULL);
	_exit(execute(family->command));
}

/*
 * In the child. A filter can't be taken back, so that the parent first tries whether it reaches
 * a process, on the descriptor gate. Then the listener's number is told, and it takes that.
 */
static _Noreturn void enter(const struct family *family, int gate)
{
	int go = 0;
	if (!tell(gate, gate) || !hear(gate, &go))
		_exit(NOT_RUN);
	int listener = install_filter();
	if (!tell(gate, listener < 0 ? -errno : listener) || listener < 0 || !hear(gate, &go))
		_exit(NOT_RUN);
	close(listener);
	close(gate);
	if (family->verbose)
		fprintf(stderr, "noselfconn: %s: supervised, with all that it starts\n",
		        family->subject);
	be_command(family);
}

/* In the parent. Returns the listener, or -1. */
static int take_listener(pid_t child, int gate, enum obstacle *obstacle, int *error)
{
	int number = -1, copy = -1;
	*obstacle = NO_SOCKETS;
	if (hear(gate, &number))
		copy = borrow(child, number);
	*error = errno;
	if (copy < 0)
		return -1;
	close(copy);
	*obstacle = NO_MEMORY;
	*error = memory_refused(child);
	if (*error != 0)
		return -1;
	*obstacle = NO_FILTER;
	*error = ECHILD;
	if (!tell(gate, 0) || !hear(gate, &number))
		return -1;
	*error = -number;
	if (number < 0)
		return -1;
	int listener = borrow(child, number);
	*error = errno;
	return listener;
}

pid_t start_command(const struct family *family, int *listener, int *gate,
                    enum obstacle *obstacle, int *error)
{
	int ends[2] = {-1, -1};
	*obstacle = NO_PROCESS;
	pid_t child = -1;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0)
		child = fork();
	*error = errno;
	if (child == 0) {
		close(ends[0]);
		enter(family, ends[1]);
	}
	if (ends[1] >= 0)
		close(ends[1]);
	*listener = child < 0 ? -1 : take_listener(child, ends[0], obstacle, error);
	*gate = ends[0];
	if (*listener >= 0)
		return child;
	if (ends[0] >= 0)
		close(ends[0]);
	if (child > 0)
		waitpid(child, NULL, 0);
	return 0;
}

void let_run(int gate)
{
	tell(gate, 0);
	close(gate);
}
