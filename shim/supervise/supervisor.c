/* SPDX-License-Identifier: MIT */
#include "command.h"
#include "descriptors.h"
#include "kernel.h"
#include "range.h"

#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static _Noreturn void watch(struct family *family);

/* All signals are blocked here: those that the group got are pending. */
static void bear_witness(int front)
{
	int sig;
	sigset_t set;
	const struct timespec now = {0};
	if (!hear(front, &sig))
		return;
	sigemptyset(&set);
	sigaddset(&set, sig);
	tell(front, sigtimedwait(&set, NULL, &now) == sig);
}

static _Noreturn void be_keeper(struct family *family, int supervisor)
{
	int listener = family->shared->listener, front = family->witness_end;
	const int kept[] = {listener, supervisor, front};
	keep_only(kept, 3);
	while (supervisor >= 0 || front >= 0) {
		struct pollfd p[] = {
		        {.fd = listener}, {.fd = supervisor}, {.fd = front, .events = POLLIN}};
		if (poll(p, 3, -1) < 0)
			continue;
		if (p[0].revents & POLLHUP)
			_exit(0);
		if (p[1].revents & POLLHUP)
			supervisor = -1;
		if (p[2].revents & POLLHUP)
			front = -1;
		else if (p[2].revents & POLLIN)
			bear_witness(front);
	}
	family->news_end = family->witness_end = -1;
	family->shared->command = 0; /* it has ended, or is nobody's any more */
	take_over(listener, &family->shared->flight);
	watch(family);
}

/* Forks one, in our group. Returns our end of a socket, which is hung up if it ends; -1: none.
 */
static int start_keeper(struct family *family)
{
	int ends[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
		return -1;
	pid_t keeper = fork();
	if (keeper == 0) {
		close(ends[0]);
		be_keeper(family, ends[1]);
	}
	close(ends[1]);
	if (keeper > 0)
		return ends[0];
	close(ends[0]);
	return -1;
}

/* Has the last task ended that has the filter? */
static bool nobody_is_left(int listener)
{
	struct pollfd p = {.fd = listener};
	return poll(&p, 1, 0) == 1 && (p.revents & POLLHUP) != 0;
}

static void reap(struct family *family, int signals)
{
	struct signalfd_siginfo info;
	int status;
	(void)!read(signals, &info, sizeof info);
	while (has_news(family->shared, &status)) {
		family->shared->last = nobody_is_left(family->shared->listener);
		tell(family->news_end, status);
	}
}

static _Noreturn void watch(struct family *family)
{
	struct shared *shared = family->shared;
	int keeper = start_keeper(family), signals = open_signals();
	setsid();
	for (bool over = false; !over || shared->command != 0;) {
		struct pollfd p[] = {{.fd = over ? -1 : shared->listener, .events = POLLIN},
		                     {.fd = signals, .events = POLLIN},
		                     {.fd = family->news_end},
		                     {.fd = keeper}};
		if (poll(p, 4, -1) < 0)
			continue;
		over |= (p[0].revents & POLLHUP) != 0;
		if (p[0].revents & POLLIN)
			serve(shared->listener, &shared->flight);
		if (p[1].revents & POLLIN)
			reap(family, signals);
		if (p[2].revents & POLLHUP) {
			if (shared->command != 0) /* the front was killed before it */
				kill(shared->command, SIGKILL);
			family->news_end = -1;
		}
		if (p[3].revents & POLLHUP && !over) {
			close(keeper);
			keeper = start_keeper(family);
		}
	}
	while (wait(NULL) > 0) /* the keeper ends too */
		;
	_exit(0);
}

void be_supervisor(struct family *family)
{
	int gate = -1;
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	if (!start_command(family, &gate)) {
		close(gate);
		wait(NULL); /* what was begun ends */
		_exit(0);
	}
	const int kept[] = {family->shared->listener, gate, family->news_end,
	                    family->witness_end};
	keep_only(kept, 4);
	/* The answer and the task change places on one processor; since Linux 6.6. */
	ioctl(family->shared->listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS,
	      SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
	open_range();
	tell(family->news_end, 0);
	tell(gate, 0);
	close(gate);
	watch(family);
}
