/* SPDX-License-Identifier: MIT */
#include "keeper.h"

#include "descriptors.h"
#include "range.h"
#include "supervisor.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* All signals are blocked here: what the group was sent is pending. */
static void bear_witness(int socket)
{
	int sig;
	sigset_t set;
	const struct timespec now = {0};
	if (!hear(socket, &sig))
		return;
	sigemptyset(&set);
	sigaddset(&set, sig);
	tell(socket, sigtimedwait(&set, NULL, &now) == sig);
}

static _Noreturn void be_keeper(struct family *family, int listener, int supervisor)
{
	const int kept[] = {listener, supervisor, family->witness_end, range_fd()};
	close_all_but(kept, 4);
	for (;;) {
		struct pollfd p[] = {{.fd = listener},
		                     {.fd = supervisor},
		                     {.fd = family->witness_end, .events = POLLIN}};
		if (poll(p, 3, -1) < 0)
			continue;
		if (p[0].revents & POLLHUP)
			_exit(0);
		if (p[1].revents & POLLHUP)
			break;
		if (p[2].revents & POLLIN)
			bear_witness(family->witness_end);
		if (p[2].revents & POLLHUP) /* the front is gone */
			family->witness_end = -1;
	}
	close(supervisor);
	if (family->witness_end >= 0)
		close(family->witness_end);
	land(listener, &family->shared->flight);
	struct family alone = {.front_end = -1,
	                       .news_end = -1,
	                       .asks_end = -1,
	                       .witness_end = -1,
	                       .shared = family->shared};
	watch(&alone, listener, 0);
}

int start_keeper(struct family *family, int listener)
{
	int ends[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
		return -1;
	pid_t keeper = fork();
	if (keeper == 0) {
		close(ends[0]);
		be_keeper(family, listener, ends[1]);
	}
	close(ends[1]);
	if (keeper > 0)
		return ends[0];
	close(ends[0]);
	return -1;
}

bool group_got(const struct family *family, int sig)
{
	int yes = 0;
	/* A signal to a group is sent to its members one by one, while the kernel holds a lock
	 * that this call waits for. */
	setpgid(0, getpgrp());
	return tell(family->asks_end, sig) && hear(family->asks_end, &yes) && yes;
}
