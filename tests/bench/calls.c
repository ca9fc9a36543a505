/* SPDX-License-Identifier: MIT */
/*
 * calls KIND paired PAIRS: makes the call in question as any program does, so that a preload
 * may stand in front of it, and the system call, which none stands in front of, by turns, PAIRS
 * times. One line for each pair: nanoseconds per call, of the first and of the second. calls
 * KIND count CALLS: makes only the first, in measured(), for strace and callgrind. calls KIND
 * checked ...: the same, but it does itself, after each connect(), what a program could do
 * against self-connections: compare getsockname() with getpeername().
 * threads-used-up, threads-timewait: for a namespace with a range of its own.
 *
 * The server is in the same process, and made of system calls, as is what is not measured.
 */
#undef _GNU_SOURCE /* with it, glibc declares connect() with a union for its addr */
#define _DEFAULT_SOURCE
#include "base/sys.h"

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 8 };        /* calls that are timed together */
enum { FREE = 50 };        /* ports that are left of a range that is nearly used up */
enum { A_SECOND = 10000 }; /* connects that fill a range with TIME_WAIT */

static const struct kind {
	const char *name;
	int family, type;
	enum { CONNECT, SENDTO, SENDMSG } call;
	bool listening, nonblocking;
	int outcome;
	/* The server's port is outside the ephemeral port range or inside; that is used up. */
	enum { NO_THREADS, OUTSIDE, INSIDE, USED_UP, TIME_WAIT } threads;
} kinds[] = {
        {"open", AF_INET, SOCK_STREAM, CONNECT, true, false, 0, NO_THREADS},
        {"open-nonblocking", AF_INET, SOCK_STREAM, CONNECT, true, true, EINPROGRESS,
         NO_THREADS},
        {"closed", AF_INET, SOCK_STREAM, CONNECT, false, false, ECONNREFUSED, NO_THREADS},
        {"closed-nonblocking", AF_INET, SOCK_STREAM, CONNECT, false, true, EINPROGRESS,
         NO_THREADS},
        {"unix", AF_UNIX, SOCK_STREAM, CONNECT, true, false, 0, NO_THREADS},
        {"threads-outside", AF_INET, SOCK_STREAM, CONNECT, true, false, 0, OUTSIDE},
        {"threads-inside", AF_INET, SOCK_STREAM, CONNECT, true, false, 0, INSIDE},
        {"threads-used-up", AF_INET, SOCK_STREAM, CONNECT, true, false, 0, USED_UP},
        {"threads-timewait", AF_INET, SOCK_STREAM, CONNECT, true, false, 0, TIME_WAIT},
        {"sendto", AF_INET, SOCK_DGRAM, SENDTO, false, false, 0, NO_THREADS},
        {"sendmsg", AF_INET, SOCK_DGRAM, SENDMSG, false, false, 0, NO_THREADS},
};

typedef int socket_fn(int, int, int);
typedef int connect_fn(int, const struct sockaddr *, socklen_t);
typedef ssize_t sendto_fn(int, const void *, size_t, int, const struct sockaddr *, socklen_t);
typedef ssize_t sendmsg_fn(int, const struct msghdr *, int);

struct calls {
	socket_fn *socket;
	connect_fn *connect;
	sendto_fn *sendto;
	sendmsg_fn *sendmsg;
};

/* What no preload stands in front of: the system calls themselves. */

static long result_of(long result)
{
	if (result >= 0)
		return result;
	errno = (int)-result;
	return -1;
}

static int bare_socket(int family, int type, int protocol)
{
	return (int)result_of(sys(SYS_socket, family, type, protocol, 0, 0, 0));
}

static int bare_connect(int fd, const struct sockaddr *to, socklen_t size)
{
	return (int)result_of(sys(SYS_connect, fd, (long)to, size, 0, 0, 0));
}

static ssize_t bare_sendto(int fd, const void *buf, size_t n, int flags,
                           const struct sockaddr *to, socklen_t size)
{
	return result_of(sys(SYS_sendto, fd, (long)buf, (long)n, flags, (long)to, size));
}

static ssize_t bare_sendmsg(int fd, const struct msghdr *msg, int flags)
{
	return result_of(sys(SYS_sendmsg, fd, (long)msg, flags, 0, 0, 0));
}

static int bare_accept(int fd)
{
	return (int)result_of(sys(SYS_accept4, fd, 0, 0, 0, 0, 0));
}

static const struct kind *kind;
static struct sockaddr_storage addr; /* of the server */
static socklen_t len = sizeof addr;
static int server;
static bool checked;

/* Not inlined, and found by its name. */
__attribute__((noinline)) int measured(const struct calls *calls, int fd);

int measured(const struct calls *calls, int fd)
{
	const struct sockaddr *to = (const struct sockaddr *)&addr;
	char byte = 0;
	if (kind->call == SENDTO)
		return (int)calls->sendto(fd, &byte, 1, 0, to, len);
	if (kind->call == SENDMSG) {
		struct iovec iov = {&byte, 1};
		struct msghdr msg = {.msg_name = &addr,
		                     .msg_namelen = len,
		                     .msg_iov = &iov,
		                     .msg_iovlen = 1};
		return (int)calls->sendmsg(fd, &msg, 0);
	}
	int result = calls->connect(fd, to, len);
	if (checked && (result == 0 || errno == EINPROGRESS)) {
		struct sockaddr_storage a, b;
		socklen_t n = sizeof a, m = sizeof b;
		int before = errno;
		if (getsockname(fd, (struct sockaddr *)&a, &n) == 0 &&
		    getpeername(fd, (struct sockaddr *)&b, &m) == 0 && n == m &&
		    memcmp(&a, &b, n) == 0)
			errx(1, "connected to itself");
		errno = before;
	}
	return result;
}

static int new_socket(socket_fn *make, bool nonblocking)
{
	int fd = make(kind->family, kind->type, 0);
	if (fd < 0 || (nonblocking && fcntl(fd, F_SETFL, O_NONBLOCK) != 0))
		err(1, "socket");
	return fd;
}

static void *sleep_on(void *unused)
{
	for (;;)
		pause();
	return unused;
}

/* A port that is bound, but not listened on, is refused, and never chosen for a connect(). */
static void serve(void)
{
	struct sockaddr_in in = {.sin_family = AF_INET,
	                         .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	sa_family_t family = AF_UNIX; /* nothing more: the kernel chooses an abstract name */
	bool is_unix = kind->family == AF_UNIX;
	server = new_socket(bare_socket, false);
	pthread_t thread;
	if (kind->threads != NO_THREADS && pthread_create(&thread, NULL, sleep_on, NULL) != 0)
		errx(1, "pthread_create");
	if (kind->threads == OUTSIDE) /* below the kernel's default range */
		in.sin_port = htons((in_port_t)(20000 + getpid() % 10000));
	if (bind(server, is_unix ? (void *)&family : (void *)&in,
	         is_unix ? sizeof family : sizeof in) != 0 ||
	    getsockname(server, (struct sockaddr *)&addr, &len) != 0)
		err(1, "bind");
	if (kind->listening && sys(SYS_listen, server, 2 * BATCH, 0, 0, 0, 0) != 0)
		err(1, "listen");
}

static void abort_connection(int fd)
{
	const struct linger none = {.l_onoff = 1};
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
	sys_close(fd);
}

/* Uses all ports of the range but FREE ones. They stay used. */
static void use_up(void)
{
	int last[FREE], n = 0, fd;
	while (bare_connect(fd = new_socket(bare_socket, false), (struct sockaddr *)&addr,
	                    len) == 0) {
		last[n++ % FREE] = fd;
		bare_accept(server);
	}
	if (errno != EADDRNOTAVAIL || n <= FREE)
		err(1, "%d ports are used", n);
	for (int i = 0; i < FREE; i++)
		abort_connection(last[i]);
}

/* Waits until it is time for the next batch. */
static void keep_pace(void)
{
	static struct timespec next;
	if (next.tv_sec == 0)
		clock_gettime(CLOCK_MONOTONIC, &next);
	next.tv_nsec += 1000000000L / A_SECOND * BATCH;
	next.tv_sec += next.tv_nsec / 1000000000L;
	next.tv_nsec %= 1000000000L;
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
}

/* Makes count calls, at most BATCH. Returns nanoseconds per call. */
static long make(const struct calls *calls, int count)
{
	struct timespec a, b;
	int fds[BATCH], result = 0;
	char byte;
	bool connects = kind->call == CONNECT;
	for (int i = 0; i < (connects ? count : 1); i++)
		fds[i] = new_socket(calls->socket, kind->nonblocking);

	clock_gettime(CLOCK_MONOTONIC, &a);
	for (int i = 0; i < count; i++)
		result = measured(calls, fds[connects ? i : 0]);
	clock_gettime(CLOCK_MONOTONIC, &b);

	int outcome = result >= 0 ? 0 : errno;
	if (outcome != kind->outcome)
		errx(1, "%s: %s instead of %s", kind->name, strerror(outcome),
		     strerror(kind->outcome));
	for (int i = 0; kind->threads == TIME_WAIT && i < count; i++)
		sys_close(fds[i]); /* the one that closes first */
	for (int i = 0; kind->listening && i < count; i++)
		abort_connection(bare_accept(server));
	for (int i = 0; !connects && i < count; i++)
		sys_read(server, &byte, 1);
	for (int i = 0; kind->threads != TIME_WAIT && i < (connects ? count : 1); i++)
		abort_connection(fds[i]);
	if (kind->threads == TIME_WAIT)
		keep_pace();
	return ((b.tv_sec - a.tv_sec) * 1000000000 + b.tv_nsec - a.tv_nsec) /
	       (count > 0 ? count : 1);
}

int main(int argc, char **argv)
{
	const size_t all = sizeof kinds / sizeof kinds[0];
	checked = argc > 2 && strcmp(argv[2], "checked") == 0;
	char **rest = argv + (checked ? 3 : 2);
	for (size_t i = 0; argc > 3 && i < all; i++)
		if (strcmp(kinds[i].name, argv[1]) == 0)
			kind = &kinds[i];
	if (kind == NULL || rest[0] == NULL || rest[1] == NULL)
		errx(2, "usage: calls KIND [checked] paired|count NUMBER");
	int number = atoi(rest[1]);

	const struct calls linked = {socket, connect, sendto, sendmsg};
	const struct calls bare = {bare_socket, bare_connect, bare_sendto, bare_sendmsg};
	bool check = checked;
	serve();

	if (strcmp(rest[0], "count") == 0) {
		for (; number > 0; number -= BATCH)
			make(&linked, number < BATCH ? number : BATCH);
		return 0;
	}
	if (kind->threads == USED_UP)
		use_up();
	/* The first are to warm up, or to use every port of the default range. */
	for (int i = kind->threads == TIME_WAIT ? -2000 : -4; i < number; i++) {
		long ns[2];
		for (int j = 0; j < 2; j++) {
			bool second = (i + j) % 2 != 0;
			checked = check && !second;
			ns[second] = make(second ? &bare : &linked, BATCH);
		}
		if (i >= 0)
			printf("%ld %ld\n", ns[0], ns[1]);
	}
}
