/* SPDX-License-Identifier: MIT */
/*
 * prevention HOW TIMES [WORD...]: connects TIMES new sockets to a closed port that the kernel
 * may choose for them, while another thread looks at each, and says how often that one saw a
 * socket that is connected to itself.
 *
 * HOW the other thread looks: "epoll" (it is blocked), "epoll-spin", "poll", "select",
 * "getpeername"; or "connect": when the first has returned, it makes a second one. Words:
 *   level            the epoll set is level-triggered
 *   blocking         the sockets are
 *   send             they are opened by sendto() with MSG_FASTOPEN
 *   tfo              TCP_FASTOPEN_CONNECT is set
 *   to ADDRESS PORT  the destination; 127.0.0.1 and 40000
 *   mptcp
 *   many             with as many sockets open at a time as the range has ports, to two
 *                    destinations that listen; says how many connected to each
 *   left             says what the last socket's ports and addresses are, and if bind() works
 */
#include "move-range.h"

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif
#ifndef TCP_FASTOPEN_CONNECT
#define TCP_FASTOPEN_CONNECT 30
#endif
#ifndef MSG_FASTOPEN
#define MSG_FASTOPEN 0x20000000
#endif

static const char *how;
static bool level, blocking, sends, tfo, mptcp, many, left;
static union {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
} dest = {.in = {.sin_family = AF_INET}};
static socklen_t dest_len = sizeof dest.in;

static int set; /* epoll */
static atomic_int current = -1;
static atomic_bool done;
static atomic_long seen, looks;

static void set_destination(const char *addr, int port)
{
	bool six = strchr(addr, ':') != NULL;
	dest_len = six ? sizeof dest.in6 : sizeof dest.in;
	dest.any.sa_family = six ? AF_INET6 : AF_INET;
	if (inet_pton(dest.any.sa_family, addr,
	              six ? (void *)&dest.in6.sin6_addr : (void *)&dest.in.sin_addr) != 1)
		errx(2, "%s is no address", addr);
	dest.in.sin_port = htons((in_port_t)port); /* in the same place in both */
}

/* Without the library's getsockname() in between, the peer is enough: nobody listens there. */
static bool is_connected_to_itself(int fd)
{
	struct sockaddr_in6 a, b;
	socklen_t a_len = sizeof a, b_len = sizeof b;
	return getpeername(fd, (struct sockaddr *)&b, &b_len) == 0 &&
	       getsockname(fd, (struct sockaddr *)&a, &a_len) == 0 &&
	       a.sin6_port == b.sin6_port;
}

static void look(int fd)
{
	struct epoll_event events[4];
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	struct timeval no_time = {0, 0};
	fd_set writable;
	bool spins = strcmp(how, "epoll-spin") == 0;
	int n, ready = 0;
	if (strncmp(how, "epoll", 5) == 0) {
		n = epoll_wait(set, events, 4, spins ? 0 : 20);
		for (int i = 0; i < n; i++)
			ready |= (events[i].events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) ==
			         EPOLLOUT;
		fd = n > 0 ? events[0].data.fd : fd;
	} else if (strcmp(how, "poll") == 0) {
		ready = poll(&p, 1, 0) == 1 && p.revents == POLLOUT;
	} else if (strcmp(how, "select") == 0) {
		FD_ZERO(&writable);
		if (fd >= 0)
			FD_SET(fd, &writable);
		ready = select(fd + 1, NULL, &writable, NULL, &no_time) == 1;
	} else if (strcmp(how, "connect") == 0) {
		ready = connect(fd, &dest.any, dest_len) != 0 && errno == EISCONN;
	} else {
		ready = 1;
	}
	if (ready && is_connected_to_itself(fd))
		seen++;
}

static void *other_thread(void *unused)
{
	while (!done) {
		look(current);
		looks++;
	}
	return unused;
}

static int open_socket(void)
{
	int on = 1, type = SOCK_STREAM | SOCK_CLOEXEC | (blocking ? 0 : SOCK_NONBLOCK);
	int fd = socket(dest.any.sa_family, type, mptcp ? IPPROTO_MPTCP : 0);
	struct epoll_event e = {.events = EPOLLOUT | (level ? 0 : EPOLLET), .data.fd = fd};
	if (fd < 0)
		err(125, "socket");
	if (tfo && setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &on, sizeof on) != 0)
		err(125, "TCP_FASTOPEN_CONNECT");
	if (strncmp(how, "epoll", 5) == 0 && epoll_ctl(set, EPOLL_CTL_ADD, fd, &e) != 0)
		err(2, "epoll_ctl");
	return fd;
}

/* With the address on the stack, as most programs have it. */
static int open_connection(int fd)
{
	char copy[sizeof dest];
	memcpy(copy, &dest, sizeof copy);
	const struct sockaddr *addr = (const struct sockaddr *)(const void *)copy;
	if (sends)
		return (int)sendto(fd, "x", 1, MSG_FASTOPEN | MSG_NOSIGNAL, addr, dest_len);
	return connect(fd, addr, dest_len);
}

static void tell_what_is_left(int fd)
{
	union {
		struct sockaddr any;
		struct sockaddr_in in;
	} a = {.in = {.sin_family = AF_INET}};
	unsigned range = 0;
	socklen_t len = sizeof range;
	getsockopt(fd, IPPROTO_IP, 51, &range, &len); /* IP_LOCAL_PORT_RANGE */
	printf("range: %u-%u\n", range & 0xffff, range >> 16);
	a.in.sin_port = htons(4711);
	printf("bind: %s\n", bind(fd, &a.any, sizeof a.in) == 0 ? "ok" : strerror(errno));
}

static void abort_and_close(int fd)
{
	const struct linger abort = {.l_onoff = 1};
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
	close(fd);
}

static void wait_for_looks(int n)
{
	for (long before = looks; looks < before + n;)
		sched_yield();
}

/* The other thread has looked at least once before the socket is closed, and then leaves it
 * alone.
 */
static void connect_one(void)
{
	int fd = open_socket();
	if (strcmp(how, "connect") != 0)
		current = fd;
	open_connection(fd);
	current = fd;
	wait_for_looks(2);
	current = -1;
	wait_for_looks(1);
	if (left)
		tell_what_is_left(fd);
	abort_and_close(fd);
}

static int listener(const char *addr)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
	struct sockaddr_in sin = dest.in;
	inet_pton(AF_INET, addr, &sin.sin_addr);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(fd, (struct sockaddr *)&sin, sizeof sin) != 0 || listen(fd, 1000) != 0)
		err(2, "listen");
	return fd;
}

/* As many as there can be, all open. */
static void connect_many(int most)
{
	static const char *const addresses[] = {"127.0.0.1", "127.0.0.2"};
	for (int i = 0; i < 2; i++)
		listener(addresses[i]);
	for (int i = 0; i < 2; i++) {
		int n = 0, error = 0;
		inet_pton(AF_INET, addresses[i], &dest.in.sin_addr);
		for (; n < most && error == 0; n++) {
			int fd = open_socket();
			if (open_connection(fd) != 0 && errno != EINPROGRESS)
				error = errno;
		}
		printf("%d connected, then %s\n", n - (error != 0), strerror(error));
	}
}

int main(int argc, char **argv)
{
	pthread_t thread;
	if (argc < 3)
		errx(2, "usage: prevention HOW TIMES [WORD...]");
	how = argv[1];
	set_destination("127.0.0.1", 40000);
	for (int i = 3; i < argc; i++) {
		level |= strcmp(argv[i], "level") == 0;
		blocking |= strcmp(argv[i], "blocking") == 0;
		sends |= strcmp(argv[i], "send") == 0;
		tfo |= strcmp(argv[i], "tfo") == 0;
		mptcp |= strcmp(argv[i], "mptcp") == 0;
		many |= strcmp(argv[i], "many") == 0;
		left |= strcmp(argv[i], "left") == 0;
		if (strcmp(argv[i], "to") == 0 && i + 2 < argc)
			set_destination(argv[i + 1], atoi(argv[i + 2]));
	}
	set = epoll_create1(EPOLL_CLOEXEC);
	move_range();
	if (pthread_create(&thread, NULL, other_thread, NULL) != 0)
		err(2, "pthread_create");
	if (many)
		connect_many(atoi(argv[2]));
	for (int i = atoi(argv[2]); !many && i > 0; i--)
		connect_one();
	done = true;
	pthread_join(thread, NULL);
	printf("seen: %ld\n", (long)seen);
	return 0;
}
