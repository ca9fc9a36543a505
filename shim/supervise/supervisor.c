/* SPDX-License-Identifier: MIT */
#include "supervisor.h"

#include "command.h"
#include "descriptors.h"
#include "keeper.h"
#include "range.h"

#include <errno.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static void inform(struct family *family, enum what what, int value, int detail)
{
	struct news news = {what, value, detail};
	send(family->news_end, &news, sizeof news, MSG_NOSIGNAL);
}

/* What has become of the command. Returns its pid, or 0 after its end. */
static pid_t heard_of(struct family *family, int listener, pid_t command, int status)
{
	family->shared->stopped = WIFSTOPPED(status);
	if (WIFSTOPPED(status))
		inform(family, STOPPED, status, 0);
	if (WIFSTOPPED(status) || WIFCONTINUED(status))
		return command;
	bool last = nobody_is_left(listener);
	inform(family, ENDED, status, last);
	close(family->news_end);
	family->news_end = -1;
	return 0;
}

static pid_t reap(struct family *family, int listener, int children, pid_t command)
{
	struct signalfd_siginfo info;
	int status;
	pid_t child;
	(void)!read(children, &info, sizeof info);
	while ((child = waitpid(-1, &status, WNOHANG | WUNTRACED | WCONTINUED)) > 0)
		if (child == command)
			command = heard_of(family, listener, command, status);
	return command;
}

static int listen_to_children(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* The last process of the tree has ended, for which the keeper ends too. */
static _Noreturn void end(void)
{
	while (wait(NULL) > 0)
		;
	_exit(0);
}

void watch(struct family *family, int listener, pid_t command)
{
	int children = listen_to_children(), keeper = start_keeper(family, listener);
	setsid();
	if (family->witness_end >= 0)
		close(family->witness_end);
	family->witness_end = -1;
	command = reap(family, listener, children, command);
	for (bool over = false;;) {
		struct pollfd p[] = {{.fd = over ? -1 : listener, .events = POLLIN},
		                     {.fd = children, .events = POLLIN},
		                     {.fd = family->news_end},
		                     {.fd = keeper}};
		if (poll(p, 4, -1) < 0)
			continue;
		if (p[0].revents & POLLIN)
			serve(listener, &family->shared->flight);
		if (p[1].revents & POLLIN)
			command = reap(family, listener, children, command);
		if (p[2].revents & POLLHUP && command > 0) { /* the front was killed */
			kill(command, SIGKILL);
			close(family->news_end);
			family->news_end = -1;
		}
		over |= (p[0].revents & POLLHUP) != 0;
		if (over && command == 0)
			end();
		if (p[3].revents & POLLHUP && !over) {
			close(keeper);
			keeper = start_keeper(family, listener);
		}
	}
}

static void raise_limit(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

void be_supervisor(struct family *family)
{
	int listener, gate, error;
	enum obstacle obstacle;
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	pid_t command = start_command(family, &listener, &gate, &obstacle, &error);
	if (command == 0) {
		inform(family, UNABLE, error, (int)obstacle);
		_exit(0);
	}
	raise_limit();
	open_range();
	const int kept[] = {listener, gate, family->news_end, family->witness_end, range_fd()};
	close_all_but(kept, 5);
	(void)!chdir("/");
	tune_listener(listener);
	inform(family, RUNS, command, 0);
	let_run(gate);
	watch(family, listener, command);
}
