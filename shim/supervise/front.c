/* SPDX-License-Identifier: MIT */
#include "family.h"
#include "kernel.h"
#include "task.h"

#include <errno.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * A signal to stop takes a SIGCONT back that is pending, and is taken back by a later one. So
 * this one, which is blocked, is always pending here: if it is not, a SIGCONT has come.
 */
enum { TRACE = SIGTTOU };

static bool is_pending(int sig)
{
	sigset_t pending;
	sigpending(&pending);
	return sigismember(&pending, sig) == 1;
}

/* Lets sig have its default effect on this process, but does not stop if the command goes on:
 * if that is not known yet, the supervisor will send SIGCONT. */
static void suffer(int sig, const struct shared *shared)
{
	sigset_t set;
	signal(sig, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, sig);
	kill(getpid(), sig);
	if (!shared->stopped && shared->command != 0)
		signal(sig, SIG_IGN);
	else if (!is_pending(TRACE))
		kill(getpid(), SIGCONT);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

/* The command has this status: whoever waits for us is to see it. */
static void follow(struct family *family, int status, int pidfd, int witness)
{
	if (WIFSTOPPED(status))
		suffer(WSTOPSIG(status), family->shared);
	if (WIFSTOPPED(status) || WIFCONTINUED(status))
		return;
	struct pollfd tree = {.fd = family->listener};
	close(witness);
	/* If that has ended too, the supervisor does, or has before we could have the listener:
	 * so it is accounted to us what it has used. */
	bool over = poll(&tree, 1, 0) == 1 && (tree.revents & POLLHUP) != 0;
	if (!over)
		leave_keeper(family, pidfd);
	while (waitpid(-1, NULL, over ? 0 : WNOHANG) > 0)
		;
	if (WIFSIGNALED(status)) {
		prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* one core is enough */
		suffer(WTERMSIG(status), family->shared);
		_exit(128 + WTERMSIG(status));
	}
	_exit(WEXITSTATUS(status));
}

/* All signals are blocked here: those that the group got are pending. */
static _Noreturn void bear_witness(int front)
{
	int sig;
	sigset_t set;
	const struct timespec now = {0};
	keep_only(&front, 1);
	while (hear(front, &sig)) {
		sigemptyset(&set);
		sigaddset(&set, sig);
		tell(front, sigtimedwait(&set, NULL, &now) == sig);
	}
	_exit(0);
}

/* Returns a socket through which it can be asked, or -1. */
static int start_witness(void)
{
	int ends[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
		return -1;
	pid_t witness = fork();
	if (witness == 0)
		bear_witness(ends[1]);
	close(ends[1]);
	if (witness > 0)
		return ends[0];
	close(ends[0]);
	return -1;
}

/* Was sig, which we were sent, sent to our whole group? */
static bool group_got(int witness, int sig)
{
	int yes = 0;
	/* A signal to a group is sent to its members one by one, while the kernel holds a lock
	 * that this call waits for. */
	setpgid(0, getpgrp());
	return tell(witness, sig) && hear(witness, &yes) && yes;
}

/* Has a later signal taken sig back, in the witness too? */
static bool is_taken_back(int sig)
{
	setpgid(0, getpgrp()); /* the same */
	return sig == SIGCONT ? is_pending(SIGTSTP) || is_pending(SIGTTIN)
	                      : (sig == SIGTSTP || sig == SIGTTIN) && is_pending(SIGCONT);
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
static void pass_on(pid_t command, pid_t supervisor, int witness, int signals)
{
	struct signalfd_siginfo info;
	if (read(signals, &info, sizeof info) != sizeof info)
		return;
	int sig = (int)info.ssi_signo;
	pid_t group = getpgid(command);
	if (sig == SIGCONT)
		kill(getpid(), TRACE);
	if (sig == SIGCHLD || info.ssi_pid == (uint32_t)supervisor ||
	    (group == getpgrp() && group_got(witness, sig)) || is_taken_back(sig))
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
	int signals = open_signals(), witness = start_witness(), status;
	int pidfd = (int)syscall(NR_PIDFD_OPEN, supervisor, 0);
	const int kept[] = {family->front_end, family->listener, signals, witness, pidfd};
	keep_only(kept, 5);
	kill(getpid(), TRACE);
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	for (bool alone = false;;) {
		struct pollfd p[] = {{.fd = alone ? -1 : family->front_end, .events = POLLIN},
		                     {.fd = signals, .events = POLLIN},
		                     {.fd = alone ? family->listener : -1, .events = POLLIN},
		                     {.fd = witness}};
		if (poll(p, 4, -1) < 0)
			continue;
		if (p[3].revents & POLLHUP) { /* it was killed */
			close(witness);
			witness = start_witness();
		}
		if (p[0].revents & POLLIN && hear(family->front_end, &status)) {
			follow(family, status, pidfd, witness);
		} else if (p[0].revents & POLLHUP) {
			alone = true; /* the supervisor was killed: the command is our child */
			leave_keeper(family, (int)syscall(NR_PIDFD_OPEN, getpid(), 0));
			pidfd = -1;
			take_over(family->listener, &shared->flight);
		}
		if (p[1].revents & POLLIN)
			pass_on(command, supervisor, witness, signals);
		if (p[2].revents & POLLIN)
			serve(family->listener, &shared->flight);
		while (alone && has_news(shared, &status))
			follow(family, status, pidfd, witness);
		/* It ended, and the supervisor was killed before it said how. */
		if (alone && kill(command, 0) != 0 && errno == ESRCH)
			follow(family, SIGKILL, pidfd, witness);
	}
}

void be_front(struct family *family)
{
	int ends[2];
	sigset_t all;
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	family->shared = mmap(NULL, sizeof *family->shared, PROT_READ | PROT_WRITE,
	                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (family->shared == MAP_FAILED ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
		fail(family, "no memory or descriptors", errno);
		return;
	}
	family->front_end = ends[0];
	family->news_end = ends[1];
	pid_t supervisor = fork();
	if (supervisor < 0)
		fail(family, "no more processes", errno);
	if (supervisor == 0) {
		close(family->front_end);
		be_supervisor(family);
	}
	close(family->news_end);
	if (supervisor > 0 && hear(family->front_end, &family->listener)) {
		family->listener = borrow(supervisor, family->listener);
		accompany(family, supervisor);
	}
	waitpid(supervisor, NULL, 0);
}
