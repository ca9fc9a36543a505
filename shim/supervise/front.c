/* SPDX-License-Identifier: MIT */
#include "family.h"
#include "task.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

/* Lets sig have its default effect on this process. */
static void suffer(int sig)
{
	sigset_t set;
	signal(sig, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, sig);
	kill(getpid(), sig);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

/* The command has this status: whoever waits for us is to see it. */
static void follow(const struct family *family, int status, int listener)
{
	if (WIFSTOPPED(status) && family->shared->stopped) /* still */
		suffer(WSTOPSIG(status));
	if (WIFSTOPPED(status) || WIFCONTINUED(status))
		return;
	struct pollfd tree = {.fd = listener};
	/* If that has ended too, the supervisor does: so it is accounted to us what it has
	 * used. */
	if (poll(&tree, 1, 0) == 1 && (tree.revents & POLLHUP) != 0)
		while (wait(NULL) > 0)
			;
	if (WIFSIGNALED(status)) {
		prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* one core is enough */
		suffer(WTERMSIG(status));
		_exit(128 + WTERMSIG(status));
	}
	_exit(WEXITSTATUS(status));
}

/* Was sig, which we were sent, sent to our whole group? The keeper is a member of it. */
static bool group_got(const struct family *family, int sig)
{
	int yes = 0;
	/* A signal to a group is sent to its members one by one, while the kernel holds a lock
	 * that this call waits for. */
	setpgid(0, getpgrp());
	return tell(family->asks_end, sig) && hear(family->asks_end, &yes) && yes;
}

/* A command that has a group of its own, as shells have, gets the terminal that our group was
 * given when it was continued. */
static void hand_terminal_to(pid_t group)
{
	int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC);
	if (tcgetpgrp(terminal) == getpgrp())
		tcsetpgrp(terminal, group);
	close(terminal);
}

/* Passes a signal on, unless the command has got it as we have: as one of our group; or the
 * supervisor has let us go on, as the command does. */
static void pass_on(const struct family *family, pid_t command, pid_t supervisor, int signals)
{
	struct signalfd_siginfo info;
	if (read(signals, &info, sizeof info) != sizeof info || info.ssi_signo == SIGCHLD ||
	    info.ssi_pid == (uint32_t)supervisor)
		return;
	int sig = (int)info.ssi_signo;
	pid_t group = getpgid(command);
	if (group == getpgrp() && group_got(family, sig))
		return;
	if (sig == SIGCONT)
		hand_terminal_to(group);
	if (info.ssi_code == SI_QUEUE)
		sigqueue(command, sig,
		         (union sigval) {.sival_ptr = (void *)(uintptr_t)info.ssi_ptr});
	else
		kill(command, sig);
}

static _Noreturn void accompany(struct family *family, pid_t supervisor)
{
	struct shared *shared = family->shared;
	const pid_t command = shared->command;
	int listener = borrow(supervisor, shared->listener), signals = open_signals(), status;
	const int kept[] = {family->front_end, family->asks_end, listener, signals};
	keep_only(kept, 4);
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	for (bool alone = false;;) {
		struct pollfd p[] = {{.fd = alone ? -1 : family->front_end, .events = POLLIN},
		                     {.fd = signals, .events = POLLIN},
		                     {.fd = alone ? listener : -1, .events = POLLIN}};
		if (poll(p, 3, -1) < 0)
			continue;
		if (p[0].revents & POLLIN && hear(family->front_end, &status)) {
			follow(family, status, listener);
		} else if (p[0].revents & POLLHUP) {
			alone = true; /* the supervisor was killed: the command is our child */
			take_over(listener, &shared->flight);
		}
		if (p[1].revents & POLLIN)
			pass_on(family, command, supervisor, signals);
		if (p[2].revents & POLLIN)
			serve(listener, &shared->flight);
		while (alone && has_news(shared, &status))
			follow(family, status, listener);
		/* It ended, and the supervisor was killed before it said how. */
		if (alone && kill(command, 0) != 0 && errno == ESRCH)
			follow(family, SIGKILL, listener);
	}
}

void be_front(struct family *family)
{
	int runs;
	family->shared->obstacle.what = "no more processes";
	pid_t supervisor = fork();
	if (supervisor < 0)
		family->shared->obstacle.error = errno;
	if (supervisor == 0) {
		close(family->front_end);
		close(family->asks_end);
		be_supervisor(family);
	}
	close(family->news_end);
	close(family->witness_end);
	if (supervisor > 0 && hear(family->front_end, &runs))
		accompany(family, supervisor);
	waitpid(supervisor, NULL, 0);
}
