/* SPDX-License-Identifier: MIT */
#include "family.h"
#include "kernel.h"

#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

static _Noreturn void watch(struct family *family);

static _Noreturn void be_keeper(struct family *family, int supervisor)
{
	const int kept[] = {family->listener, supervisor};
	keep_only(kept, 2);
	setsid();
	struct pollfd p[] = {{.fd = family->listener}, {.fd = supervisor, .events = POLLIN}};
	while (poll(p, 2, -1) < 0 || p[1].revents == 0)
		if (p[0].revents & POLLHUP)
			_exit(0);
	family->news_end = -1;
	family->shared->command = 0; /* it has ended, or is nobody's any more */
	leave_keeper(family, (int)syscall(NR_PIDFD_OPEN, getpid(), 0));
	take_over(family->listener, &family->shared->flight);
	watch(family);
}

void leave_keeper(struct family *family, int supervisor)
{
	/* Without a listener, nothing is served, and nothing tells when all has ended. */
	if (family->listener >= 0 && fork() == 0)
		be_keeper(family, supervisor);
	close(supervisor);
}

static void reap(struct family *family, int signals)
{
	struct signalfd_siginfo info;
	int status;
	(void)!read(signals, &info, sizeof info);
	while (has_news(family->shared, &status)) {
		bool stops = WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP;
		/* From here, so that they come in the same order. */
		if ((stops || WIFCONTINUED(status)) && getppid() == family->front)
			kill(family->front, stops ? SIGSTOP : SIGCONT);
		else
			tell(family->news_end, status);
	}
}

static _Noreturn void watch(struct family *family)
{
	struct shared *shared = family->shared;
	int signals = open_signals();
	setsid();
	for (bool over = false; !over || shared->command != 0;) {
		struct pollfd p[] = {{.fd = over ? -1 : family->listener, .events = POLLIN},
		                     {.fd = signals, .events = POLLIN},
		                     {.fd = family->news_end}};
		if (poll(p, 3, -1) < 0)
			continue;
		over |= (p[0].revents & POLLHUP) != 0;
		if (p[0].revents & POLLIN)
			serve(family->listener, &shared->flight);
		if (p[1].revents & POLLIN)
			reap(family, signals);
		if (p[2].revents & POLLHUP) {
			family->news_end = -1;
			if (shared->command != 0) { /* the front was killed before it */
				kill(shared->command, SIGKILL);
				leave_keeper(family, (int)syscall(NR_PIDFD_OPEN, getpid(), 0));
			}
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
	const int kept[] = {family->listener, gate, family->news_end};
	keep_only(kept, 3);
	take_over(family->listener, &family->shared->flight);
	tell(family->news_end, family->listener);
	tell(gate, 0);
	close(gate);
	watch(family);
}
