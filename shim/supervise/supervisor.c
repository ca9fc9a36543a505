/* SPDX-License-Identifier: MIT */
#include "family.h"
#include "kernel.h"
#include "prevent.h"

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
		struct pollfd p[] = {{.fd = listener},
		                     {.fd = supervisor, .events = POLLIN},
		                     {.fd = front, .events = POLLIN}};
		if (poll(p, 3, -1) < 0)
			continue;
		if (p[0].revents & POLLHUP)
			_exit(0);
		if (p[1].revents & POLLIN)
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

/* Forks one, in the group that the command has. */
static void start_keeper(struct family *family)
{
	int supervisor = (int)syscall(NR_PIDFD_OPEN, getpid(), 0);
	pid_t keeper = fork();
	if (keeper == 0)
		be_keeper(family, supervisor);
	family->shared->keeper = keeper;
	close(supervisor);
}

static void reap(struct family *family, int signals)
{
	struct signalfd_siginfo info;
	int status;
	(void)!read(signals, &info, sizeof info);
	while (has_news(family->shared, &status)) {
		int sig = WIFCONTINUED(status) ? SIGCONT : 0;
		if (WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP)
			sig = SIGSTOP;
		/* From here, so that they come in the same order. */
		if (sig != 0 && getppid() == family->front)
			kill(family->front, sig);
		else
			tell(family->news_end, status);
	}
}

static _Noreturn void watch(struct family *family)
{
	struct shared *shared = family->shared;
	int signals = open_signals();
	start_keeper(family);
	setsid();
	for (bool over = false; !over || shared->command != 0;) {
		struct pollfd p[] = {{.fd = over ? -1 : shared->listener, .events = POLLIN},
		                     {.fd = signals, .events = POLLIN},
		                     {.fd = family->news_end}};
		if (poll(p, 3, -1) < 0)
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
		if (shared->keeper == 0 && !over)
			start_keeper(family);
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
	ioctl(family->shared->listener, NOTIF_SET_FLAGS, SYNC_WAKE_UP);
	prepare_to_prevent();
	tell(family->news_end, 0);
	tell(gate, 0);
	close(gate);
	watch(family);
}
