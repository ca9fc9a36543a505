/* SPDX-License-Identifier: MIT */
/*
 * prevention HOW TIMES [WORD...]: connects TIMES new sockets to a closed port that the kernel
 * may choose for them, while another thread looks at them, and says how many that one saw
 * connected to themselves.
 *
 * HOW the other thread looks: "epoll" (it is blocked), "epoll-spin", "poll", "select",
 * "getpeername"; or "connect": when the first has returned, it makes a second one. Words:
 *   patient          each socket stays open until the other thread has seen it connected
 *   level            the epoll set is level-triggered
 *   blocking         the sockets are
 *   send             they are opened by sendto() with MSG_FASTOPEN
 *   tfo              TCP_FASTOPEN_CONNECT is set
 *   to ADDRESS PORT  the destination; 127.0.0.1 and 40000
 *   mptcp
 *   opt LEVEL NAME   this option is set, to 1
 *   from ADDRESS     the sockets are bound to it, with port 0; before that, the options are set
 *   own LOW HIGH     IP_LOCAL_PORT_RANGE is set
 *   interrupted      by a signal, while they wait for a host that does not answer
 *   again            twice: the second connect() asks for the outcome of the first
 *   reused           they were connected to a server at port 40002, and disconnected
 *   jumped           the handler jumps out of that call; then they connect again
 *   serve PORT       a server has this port
 *   busy N           before that, N sockets connect to a server at port 40008, and stay
 *   fill             with all sockets open at the same time; says how many could connect
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
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>
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

enum { MOST_TWICE = 100 };

static const char *how;
static bool patient, level, blocking, sends, tfo, mptcp, many, left, fill, interrupted, again,
        reused, jumped;
static union {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
} dest = {.in = {.sin_family = AF_INET}};
static socklen_t dest_len = sizeof dest.in;

static struct {
	int level, name;
} set_options[4];
static int options, busy;
static unsigned own; /* IP_LOCAL_PORT_RANGE */
static sigjmp_buf back;
static volatile sig_atomic_t may_jump;
static const char *from;

static int set; /* epoll */
static atomic_int current = -1;
static atomic_bool done, noticed;
static long seen;

static int twice[MOST_TWICE]; /* sockets for a second connect() */
static atomic_int connected, looked, turns;

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
	int n, ready = 0;
	if (strncmp(how, "epoll", 5) == 0) {
		n = epoll_wait(set, events, 4, strcmp(how, "epoll") == 0 ? -1 : 0);
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
		ready = connect(fd, &dest.any, dest_len) == 0 || errno == EISCONN;
	} else {
		ready = 1;
	}
	if (ready && is_connected_to_itself(fd))
		noticed = true;
}

static void look_at_next(void)
{
	if (looked >= connected)
		return;
	look(twice[looked]);
	looked++;
}

static void *other_thread(void *unused)
{
	while (!done) {
		if (strcmp(how, "connect") != 0)
			look(current);
		else
			look_at_next();
		turns++;
	}
	return unused;
}

static void bind_to(int fd, const char *addr)
{
	struct sockaddr_in sin = {.sin_family = AF_INET};
	inet_pton(AF_INET, addr, &sin.sin_addr);
	if (bind(fd, (struct sockaddr *)&sin, sizeof sin) != 0)
		err(2, "bind %s", addr);
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
	for (int i = 0; i < options; i++)
		if (setsockopt(fd, set_options[i].level, set_options[i].name, &on, sizeof on) !=
		    0)
			err(125, "option %d", set_options[i].name);
	if (own != 0 && setsockopt(fd, IPPROTO_IP, 51, &own, sizeof own) != 0)
		err(125, "IP_LOCAL_PORT_RANGE");
	if (from != NULL)
		bind_to(fd, from);
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

static void be_signalled(int sig)
{
	(void)sig;
	if (may_jump)
		siglongjmp(back, 1);
}

/* Connects to the same port of a host that does not answer, until a signal comes. */
static void connect_in_vain(int fd)
{
	const struct itimerval soon = {{0, 1000}, {0, 1000}}, never = {{0, 0}, {0, 0}};
	const struct sigaction action = {.sa_handler = be_signalled};
	struct sockaddr_in silent = {.sin_family = AF_INET, .sin_port = dest.in.sin_port};
	const struct sockaddr none = {.sa_family = AF_UNSPEC};
	silent.sin_addr.s_addr = inet_addr("192.0.2.1");
	sigaction(SIGALRM, &action, NULL);
	if (sigsetjmp(back, 1) == 0) {
		may_jump = jumped;
		setitimer(ITIMER_REAL, &soon, NULL);
		connect(fd, (struct sockaddr *)&silent, sizeof silent);
		printf("connect: %s\n", strerror(errno));
	}
	may_jump = 0;
	setitimer(ITIMER_REAL, &never, NULL);
	if (jumped)
		connect(fd, &none, sizeof none);
}

static int listener(const char *addr, int port)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = htons((in_port_t)port)};
	inet_pton(AF_INET, addr, &sin.sin_addr);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(fd, (struct sockaddr *)&sin, sizeof sin) != 0 || listen(fd, 1000) != 0)
		err(2, "listen");
	return fd;
}

static void connect_to_server(int fd)
{
	static int server;
	const struct sockaddr none = {.sa_family = AF_UNSPEC};
	in_port_t port = dest.in.sin_port;
	if (server == 0)
		server = listener("127.0.0.1", 40002);
	dest.in.sin_port = htons(40002);
	open_connection(fd);
	connect(fd, &none, sizeof none);
	close(accept(server, NULL, NULL));
	dest.in.sin_port = port;
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

/*
 * A socket that the other thread is looking at stays bound after close(), so that the next one
 * could not have the port.
 */
static void wait_until_it_looks_elsewhere(int fd)
{
	if (epoll_ctl(set, EPOLL_CTL_DEL, fd, NULL) == 0)
		return;
	for (int before = turns; turns - before < 2;)
		sched_yield();
}

static void connect_one(void)
{
	int fd = open_socket();
	if (interrupted || jumped)
		connect_in_vain(fd);
	if (reused)
		connect_to_server(fd);
	current = fd;
	if (!interrupted)
		open_connection(fd);
	if (again)
		open_connection(fd);
	while (patient && !noticed && is_connected_to_itself(fd))
		sched_yield();
	current = -1;
	if (patient)
		wait_until_it_looks_elsewhere(fd);
	if (left)
		tell_what_is_left(fd);
	abort_and_close(fd);
	seen += atomic_exchange(&noticed, false);
}

/* The other thread makes its connect() once this one's has returned; all are closed after it.
 */
static void connect_twice(int n)
{
	for (int i = 0; i < n; i++) {
		twice[i] = open_socket();
		open_connection(twice[i]);
		connected = i + 1;
	}
	while (looked < n)
		sched_yield();
	connected = 0;
	looked = 0;
	if (patient)
		wait_until_it_looks_elsewhere(-1);
	for (int i = 0; i < n; i++)
		abort_and_close(twice[i]);
	seen += atomic_exchange(&noticed, false);
}

/* As many as there can be, all open. */
static void connect_until_it_fails(int most)
{
	int n = 0, error = 0;
	for (; n < most && error == 0; n++) {
		int fd = open_socket();
		if (open_connection(fd) != 0 && errno != EINPROGRESS)
			error = errno;
	}
	printf("%d connected, then %s\n", n - (error != 0), strerror(error));
}

static void connect_many(int most)
{
	static const char *const addresses[] = {"127.0.0.1", "127.0.0.2"};
	for (int i = 0; i < 2; i++)
		listener(addresses[i], ntohs(dest.in.sin_port));
	for (int i = 0; i < 2; i++) {
		inet_pton(AF_INET, addresses[i], &dest.in.sin_addr);
		connect_until_it_fails(most);
	}
}

/* So that it has used up what it may bind in a minute, on the older kernels. */
static void be_busy(void)
{
	in_port_t port = dest.in.sin_port;
	dest.in.sin_port = htons(40008);
	listener("127.0.0.1", 40008);
	for (int i = 0; i < busy; i++)
		if (open_connection(open_socket()) != 0 && errno != EINPROGRESS)
			err(2, "busy");
	dest.in.sin_port = port;
}

/* Returns how many of the words after it belong to it. */
static int take(const char *word, char **args)
{
	static const struct {
		const char *word;
		bool *flag;
	} flags[] = {{"patient", &patient},
	             {"level", &level},
	             {"blocking", &blocking},
	             {"send", &sends},
	             {"tfo", &tfo},
	             {"mptcp", &mptcp},
	             {"interrupted", &interrupted},
	             {"again", &again},
	             {"reused", &reused},
	             {"jumped", &jumped},
	             {"many", &many},
	             {"left", &left},
	             {"fill", &fill}};
	for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
		if (strcmp(word, flags[i].word) == 0)
			return *flags[i].flag = true, 0;
	if (strcmp(word, "to") == 0)
		return set_destination(args[0], atoi(args[1])), 2;
	if (strcmp(word, "own") == 0)
		return own = (unsigned)atoi(args[0]) | (unsigned)atoi(args[1]) << 16, 2;
	if (strcmp(word, "from") == 0)
		return from = args[0], 1;
	if (strcmp(word, "serve") == 0)
		return listener("127.0.0.1", atoi(args[0])), 1;
	if (strcmp(word, "busy") == 0)
		return busy = atoi(args[0]), 1;
	if (strcmp(word, "opt") != 0)
		errx(2, "%s: no such word", word);
	set_options[options].level = atoi(args[0]);
	set_options[options++].name = atoi(args[1]);
	return 2;
}

int main(int argc, char **argv)
{
	pthread_t thread;
	sigset_t all;
	int end = eventfd(0, EFD_CLOEXEC);
	struct epoll_event ended = {.events = EPOLLIN, .data.fd = -1};
	if (argc < 3)
		errx(2, "usage: prevention HOW TIMES [WORD...]");
	how = argv[1];
	set_destination("127.0.0.1", 40000);
	for (int i = 3; i < argc; i++)
		i += take(argv[i], argv + i + 1);
	set = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_ctl(set, EPOLL_CTL_ADD, end, &ended) != 0)
		err(2, "eventfd");
	move_range();
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL); /* for the other thread */
	if (pthread_create(&thread, NULL, other_thread, NULL) != 0)
		err(2, "pthread_create");
	pthread_sigmask(SIG_UNBLOCK, &all, NULL);
	if (busy != 0)
		be_busy();
	if (many)
		connect_many(atoi(argv[2]));
	if (fill)
		connect_until_it_fails(atoi(argv[2]));
	int step = strcmp(how, "connect") != 0 || patient ? 1 : MOST_TWICE;
	for (int i = atoi(argv[2]); !many && !fill && i > 0; i -= step) {
		if (strcmp(how, "connect") == 0)
			connect_twice(step);
		else
			connect_one();
	}
	done = true;
	eventfd_write(end, 1);
	pthread_join(thread, NULL);
	printf("seen: %ld\n", seen + noticed);
	return 0;
}
