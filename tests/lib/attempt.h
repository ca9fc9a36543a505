/* SPDX-License-Identifier: MIT */
/*
 * For the test programs that connect in hard places: one attempt at a port of their own host,
 * and what came of it. They run in a network namespace of their own (see netns.c).
 */
#ifndef ATTEMPT_H
#define ATTEMPT_H

#include "older.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PORT = 40000, DESCRIPTORS = 1024 };

static inline struct sockaddr_in loopback(int port)
{
	return (struct sockaddr_in) {.sin_family = AF_INET,
	                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	                             .sin_port = htons((in_port_t)port)};
}

/* Returns 0, or the errno of connect(). */
static inline int attempt(int fd)
{
	struct sockaddr_in dest = loopback(PORT);
	return connect(fd, (struct sockaddr *)&dest, sizeof dest) == 0 ? 0 : errno;
}

static inline bool to_itself(int fd)
{
	struct sockaddr_in local = {0}, peer = {0};
	socklen_t len = sizeof local;
	if (getpeername(fd, (struct sockaddr *)&peer, &len) != 0)
		return false;
	len = sizeof local;
	getsockname(fd, (struct sockaddr *)&local, &len);
	return local.sin_port == peer.sin_port && local.sin_addr.s_addr == peer.sin_addr.s_addr;
}

/* So that nothing stays in TIME_WAIT, even if it was connected to itself. */
static inline void abort_and_close(int fd)
{
	const struct linger abort = {.l_onoff = 1};
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
	close(fd);
}

/*
 * How many descriptors are open; told without opening anything. For one thread at a time. Not
 * inlined: in a caller that vforks, GCC 16 fears for the variables.
 */
__attribute__((noinline, unused)) static int descriptors(void)
{
	static struct pollfd fds[DESCRIPTORS]; /* too big for small stacks */
	int n = 0;
	for (int fd = 0; fd < DESCRIPTORS; fd++)
		fds[fd] = (struct pollfd) {.fd = fd};
	poll(fds, DESCRIPTORS, 0);
	for (int fd = 0; fd < DESCRIPTORS; fd++)
		n += (fds[fd].revents & POLLNVAL) == 0;
	return n;
}

/* What came of many attempts, by many threads. */
struct tally {
	atomic_int refused, self, connected, interrupted, other;
	atomic_int error; /* one of the others */
};

static inline void count(struct tally *t, int fd, int outcome)
{
	if (outcome == 0)
		(*(to_itself(fd) ? &t->self : &t->connected))++;
	else if (outcome == ECONNREFUSED)
		t->refused++;
	else if (outcome == EINTR)
		t->interrupted++;
	else {
		t->other++;
		t->error = outcome;
	}
}

/* One line for each kind of outcome that there was. */
static inline void show(const struct tally *t)
{
	if (t->refused > 0)
		printf("refused: %d\n", t->refused);
	if (t->self > 0)
		printf("self-connected: %d\n", t->self);
	if (t->connected > 0)
		printf("connected: %d\n", t->connected);
	if (t->interrupted > 0)
		printf("interrupted: %d\n", t->interrupted);
	if (t->other > 0)
		printf("other: %d (%s)\n", t->other, strerrorname_np(t->error));
}

#endif
