/* SPDX-License-Identifier: MIT */
#include "family.h"

#include "descriptors.h"
#include "keeper.h"

#include <errno.h>
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

static _Noreturn void end_as(int status)
{
	if (WIFSIGNALED(status)) {
		prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* one core is enough */
		suffer(WTERMSIG(status));
		_exit(128 + WTERMSIG(status));
	}
	_exit(WEXITSTATUS(status));
}

/* The command has stopped: the shell that waits for us is to see that. If somebody has let it
 * go on meanwhile, nobody would let us. */
static void stop_as(const struct family *family, int status)
{
	if (family->shared->stopped)
		suffer(WSTOPSIG(status));
}

/* Passes a signal on, unless the command has got it as we have: as one of our group. */
static void pass_on(const struct family *family, pid_t command, int signals)
{
	struct signalfd_siginfo info;
	if (read(signals, &info, sizeof info) != sizeof info || info.ssi_signo == SIGCHLD)
		return;
	int sig = (int)info.ssi_signo;
	if (group_got(family, sig))
		return;
	if (info.ssi_code == SI_QUEUE)
		sigqueue(command, sig,
		         (union sigval) {.sival_ptr = (void *)(uintptr_t)info.ssi_ptr});
	else
		kill(command, sig);
}

/* The supervisor was killed: the command is our child now. */
static void wait_myself(struct family *family, pid_t command)
{
	int status;
	pid_t child;
	while ((child = waitpid(-1, &status, WNOHANG | WUNTRACED | WCONTINUED)) > 0) {
		if (child != command)
			continue;
		family->shared->stopped = WIFSTOPPED(status);
		if (WIFSTOPPED(status))
			stop_as(family, status);
		else if (!WIFCONTINUED(status))
			end_as(status);
	}
}

static void follow(struct family *family, pid_t supervisor, const struct news *news)
{
	if (news->what == STOPPED)
		stop_as(family, news->value);
	if (news->what != ENDED)
		return;
	if (news->detail) /* it ends too: what the tree has used is accounted to us */
		waitpid(supervisor, NULL, 0);
	end_as(news->value);
}

static _Noreturn void accompany(struct family *family, pid_t supervisor, pid_t command)
{
	sigset_t all;
	sigfillset(&all);
	int signals = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
	const int kept[] = {family->front_end, family->asks_end, signals};
	close_all_but(kept, 3);
	(void)!chdir("/");
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	for (;;) {
		struct pollfd p[] = {{.fd = family->front_end, .events = POLLIN},
		                     {.fd = signals, .events = POLLIN}};
		struct news news;
		if (poll(p, 2, -1) < 0)
			continue;
		if (p[0].revents & POLLIN && read(p[0].fd, &news, sizeof news) == sizeof news)
			follow(family, supervisor, &news);
		else if (p[0].revents & POLLHUP)
			family->front_end = -1;
		if (p[1].revents & POLLIN)
			pass_on(family, command, signals);
		if (family->front_end < 0)
			wait_myself(family, command);
	}
}

enum obstacle be_front(struct family *family, int *error)
{
	struct news news = {.what = UNABLE, .detail = NO_PROCESS};
	pid_t supervisor = fork();
	*error = errno;
	if (supervisor == 0) {
		close(family->front_end);
		close(family->asks_end);
		be_supervisor(family);
	}
	close(family->news_end);
	close(family->witness_end);
	family->news_end = family->witness_end = -1;
	if (supervisor > 0 && read(family->front_end, &news, sizeof news) == sizeof news)
		*error = news.value;
	if (news.what == RUNS)
		accompany(family, supervisor, news.value);
	if (supervisor > 0)
		waitpid(supervisor, NULL, 0);
	return (enum obstacle)news.detail;
}
