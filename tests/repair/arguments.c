/* SPDX-License-Identifier: MIT */
/*
 * arguments: calls connect() in every wrong and odd way, and prints what comes of each: the
 * result, errno, the error pending on the socket, and whether it has a local port and a peer.
 * The library changes nothing in the table.
 *
 * arguments itself: addresses of odd shapes, on port 40000, that the kernel accepts; in a
 * namespace whose ephemeral port range is 40000-40001 the socket is connected to itself.
 */
#include "older.h"

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { CLOSED = 5000, SERVER = 5001, FULL = 5002, OWN = 5003, ITSELF = 40000 };

union address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_un un;
};

/* The types of sockets, and of the addresses that are right for them. */
static const struct kind {
	const char *name;
	int domain, type, protocol;
	socklen_t len;
} tcp4 = {"tcp4", AF_INET, SOCK_STREAM, 0, sizeof(struct sockaddr_in)},
  tcp6 = {"tcp6", AF_INET6, SOCK_STREAM, 0, sizeof(struct sockaddr_in6)},
  mptcp4 = {"mptcp4", AF_INET, SOCK_STREAM, IPPROTO_MPTCP, sizeof(struct sockaddr_in)},
  udp4 = {"udp4", AF_INET, SOCK_DGRAM, 0, sizeof(struct sockaddr_in)},
  udp6 = {"udp6", AF_INET6, SOCK_DGRAM, 0, sizeof(struct sockaddr_in6)},
  unix_stream = {"unix", AF_UNIX, SOCK_STREAM, 0, sizeof(struct sockaddr_un)},
  unix_dgram = {"unix datagram", AF_UNIX, SOCK_DGRAM, 0, sizeof(struct sockaddr_un)};

static int open_kind(const struct kind *k)
{
	return socket(k->domain, k->type | SOCK_CLOEXEC, k->protocol);
}

static union address ipv4(const char *addr, int port)
{
	union address a = {.in = {.sin_family = AF_INET, .sin_port = htons((in_port_t)port)}};
	inet_pton(AF_INET, addr, &a.in.sin_addr);
	return a;
}

static union address ipv6(const char *addr, int port)
{
	union address a = {
	        .in6 = {.sin6_family = AF_INET6, .sin6_port = htons((in_port_t)port)}};
	inet_pton(AF_INET6, addr, &a.in6.sin6_addr);
	return a;
}

static union address local(const struct kind *k, int port)
{
	return k->domain == AF_INET ? ipv4("127.0.0.1", port) : ipv6("::1", port);
}

static void show(const char *what, int fd)
{
	union address a;
	socklen_t len = sizeof a;
	memset(&a, 0, sizeof a);
	if (what[0] == 'p' ? getpeername(fd, &a.any, &len) : getsockname(fd, &a.any, &len)) {
		printf("; %s: %s", what, strerror(errno));
	} else if (a.any.sa_family == AF_INET || a.any.sa_family == AF_INET6) {
		in_port_t port = a.any.sa_family == AF_INET ? a.in.sin_port : a.in6.sin6_port;
		bool fixed = ntohs(port) >= CLOSED && ntohs(port) <= OWN;
		printf("; %s: %s", what, fixed ? "" : port != 0 ? "any" : "none");
		if (fixed)
			printf("%d", ntohs(port));
	} else {
		printf("; %s: of family %d", what, a.any.sa_family);
	}
}

/* How long to wait: the kernel tells an MPTCP socket of a refusal a moment later. */
static int patience_ms = 10000;

/* One line of the table. */
static void try(const char *name, int fd, const void *addr, socklen_t len)
{
	int error = 0;
	socklen_t size = sizeof error;
	errno = E2BIG;
	int result = connect(fd, (const struct sockaddr *)addr, len);
	int e = errno;
	printf("%s: %d: %s", name, result, e == E2BIG ? "errno untouched" : strerror(e));
	if (result < 0 && e == EINPROGRESS)
		poll(&(struct pollfd) {.fd = fd, .events = POLLOUT}, 1, patience_ms);
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0) {
		printf("; error: %s", strerror(error));
		show("local", fd);
		show("peer", fd);
	}
	printf("\n");
}

static void try_once(const char *name, const struct kind *k, const void *addr, socklen_t len)
{
	char line[128];
	int fd = open_kind(k);
	if (fd < 0) {
		printf("%s: %s\n", k->name, strerror(errno));
		return;
	}
	snprintf(line, sizeof line, "%s, %s", k->name, name);
	try(line, fd, addr, len);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	snprintf(line, sizeof line, "%s, %s, again and not blocking", k->name, name);
	try(line, fd, addr, len);
	close(fd);
	fd = open_kind(k);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	snprintf(line, sizeof line, "%s, %s, not blocking", k->name, name);
	try(line, fd, addr, len);
	close(fd);
}

static void set(int fd, int level, int name, int value)
{
	if (setsockopt(fd, level, name, &value, sizeof value) != 0)
		warn("option %d, %d", level, name);
}

static int listening(const struct kind *k, const void *addr, socklen_t len, int backlog)
{
	int fd = open_kind(k);
	if (bind(fd, (const struct sockaddr *)addr, len) != 0 || listen(fd, backlog) != 0)
		err(2, "listen");
	return fd;
}

/* Two pages, the second of which can't be read; the last bytes of the first one are addr. */
static unsigned char *at_end_of_page(const void *addr, size_t len)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	unsigned char *two = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
	                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (two == MAP_FAILED || mprotect(two + page, page, PROT_NONE) != 0)
		err(2, "mmap");
	memcpy(two + page - len, addr, len);
	mprotect(two, page, PROT_READ);
	return two + page - len;
}

static void bad_descriptors(void)
{
	union address a = ipv4("127.0.0.1", CLOSED);
	int ends[2];
	if (pipe(ends) != 0)
		err(2, "pipe");
	const struct {
		const char *name;
		int fd;
	} bad[] = {{"descriptor -1", -1},
	           {"descriptor INT_MIN", INT_MIN},
	           {"descriptor INT_MAX", INT_MAX},
	           {"a descriptor that is not open", 300},
	           {"a pipe", ends[0]},
	           {"a file", open("/dev/null", O_RDWR | O_CLOEXEC)},
	           {"a directory", open("/", O_RDONLY | O_CLOEXEC)},
	           {"a path", open("/", O_PATH | O_CLOEXEC)},
	           {"an epoll set", epoll_create1(EPOLL_CLOEXEC)},
	           {"an event counter", eventfd(0, EFD_CLOEXEC)}};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		try(bad[i].name, bad[i].fd, &a, sizeof a.in);
		try(bad[i].name, bad[i].fd, NULL, sizeof a.in);
		try(bad[i].name, bad[i].fd, NULL, 0);
	}
}

static void bad_pointers(const struct kind *k)
{
	union address a = local(k, CLOSED);
	unsigned char *end = at_end_of_page(&a, k->len);
	unsigned char bytes[sizeof a + 1];
	memcpy(bytes + 1, &a, sizeof a);
	try_once("no address", k, NULL, k->len);
	try_once("no address, and no length", k, NULL, 0);
	try_once("address 1", k, (void *)(uintptr_t)1, k->len);
	try_once("the last address", k, (void *)UINTPTR_MAX, k->len);
	try_once("an address of the kernel", k, (void *)(UINTPTR_MAX - UINTPTR_MAX / 4),
	         k->len);
	try_once("an address that can't be read", k, end + k->len, k->len);
	try_once("an address that can't be read, and no length", k, end + k->len, 0);
	try_once("an address half of which can be read", k, end + k->len / 2, k->len);
	try_once("an address just before what can't be read", k, end, k->len);
	try_once("the same, one byte too long", k, end, k->len + 1);
	try_once("an address that is not aligned", k, bytes + 1, k->len);
}

static void lengths(const struct kind *k)
{
	static const socklen_t len[] = {0,   1,   2,   3,   4,    8,       15,
	                                16,  17,  23,  24,  27,   28,      29,
	                                110, 127, 128, 129, 4096, INT_MAX, (socklen_t)-1};
	unsigned char bytes[4096] = {0};
	union address a = local(k, CLOSED);
	memcpy(bytes, &a, sizeof a);
	for (size_t i = 0; i < sizeof len / sizeof len[0]; i++) {
		char name[32];
		snprintf(name, sizeof name, "length %u", len[i]);
		try_once(name, k, bytes, len[i]);
	}
}

static void families(const struct kind *k)
{
	static const sa_family_t family[] = {AF_UNSPEC, AF_UNIX,    AF_INET, AF_INET6,
	                                     AF_PACKET, AF_NETLINK, 12345};
	union address a = local(k, CLOSED);
	for (size_t i = 0; i < sizeof family / sizeof family[0]; i++) {
		char name[64];
		a.any.sa_family = family[i];
		snprintf(name, sizeof name, "family %d", family[i]);
		try_once(name, k, &a, sizeof a.in6);
		snprintf(name, sizeof name, "family %d, with the length of IPv4", family[i]);
		try_once(name, k, &a, sizeof a.in);
		snprintf(name, sizeof name, "family %d alone", family[i]);
		try_once(name, k, &a, sizeof a.any.sa_family);
	}
}

static void destinations(void)
{
	static const char *const four[] = {"127.0.0.1",       "127.9.9.9", "0.0.0.0",
	                                   "255.255.255.255", "224.0.0.1", "192.0.2.1"};
	static const char *const six[] = {
	        "::1",     "::",      "::ffff:127.0.0.1", "::ffff:0.0.0.0", "::ffff:192.0.2.1",
	        "fe80::1", "ff02::1", "2001:db8::1"};
	static const int ports[] = {CLOSED, SERVER, 0};
	for (size_t i = 0; i < sizeof ports / sizeof ports[0]; i++) {
		char name[96];
		for (size_t j = 0; j < sizeof four / sizeof four[0]; j++) {
			union address a = ipv4(four[j], ports[i]);
			snprintf(name, sizeof name, "to %s %d", four[j], ports[i]);
			try_once(name, &tcp4, &a, sizeof a.in);
			try_once(name, &mptcp4, &a, sizeof a.in);
			try_once(name, &udp4, &a, sizeof a.in);
		}
		for (size_t j = 0; j < sizeof six / sizeof six[0]; j++) {
			union address a = ipv6(six[j], ports[i]);
			snprintf(name, sizeof name, "to %s %d", six[j], ports[i]);
			try_once(name, &tcp6, &a, sizeof a.in6);
			try_once(name, &udp6, &a, sizeof a.in6);
		}
	}
}

/* A socket that is connected, bound, listening, shut down or to be connected later. */
static void states(const struct kind *k)
{
	union address server = local(k, SERVER), closed = local(k, CLOSED), own = local(k, OWN);
	struct sockaddr none = {.sa_family = AF_UNSPEC};

	int fd = open_kind(k);
	if (fd < 0)
		return;
	try("connected", fd, &server, k->len);
	try("connected, to the same", fd, &server, k->len);
	try("connected, to another", fd, &closed, k->len);
	try("connected, to no address", fd, NULL, k->len);
	try("connected, too short", fd, &server, 3);
	try("connected, to nothing", fd, &none, sizeof none);
	try("connected again", fd, &server, k->len);
	shutdown(fd, SHUT_RDWR);
	try("shut down", fd, &server, k->len);
	close(fd);

	fd = open_kind(k);
	set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	bind(fd, &own.any, k->len);
	try("bound", fd, &server, k->len);
	int other = open_kind(k);
	set(other, SOL_SOCKET, SO_REUSEADDR, 1);
	bind(other, &own.any, k->len);
	try("bound to the same port", other, &server, k->len);
	close(other);
	/* Without this, the port would be in TIME_WAIT. */
	try("bound, to nothing", fd, &none, sizeof none);
	close(fd);

	fd = listening(k, &own, k->len, 1);
	try("listening", fd, &server, k->len);
	try("listening, to itself", fd, &own, k->len);
	try("listening, to nothing", fd, &none, sizeof none);
	close(fd);

	fd = open_kind(k);
	set(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1);
	try("with the connect put off", fd, &server, k->len);
	try("with the connect put off, again", fd, &server, k->len);
	close(fd);
}

static void handler(int signo)
{
	(void)signo;
}

/* A server whose queue is full does not answer. */
static void no_answer(void)
{
	/* The first not before a supervisor that is busy has let the call go. */
	const struct itimerval often = {{0, 10000}, {0, 200000}}, never = {{0, 0}, {0, 0}};
	const struct timeval soon = {.tv_usec = 20000};
	const struct sigaction interrupt = {.sa_handler = handler};
	union address full = local(&tcp4, FULL);
	int server = listening(&tcp4, &full, sizeof full.in, 0), fill = open_kind(&tcp4);
	patience_ms = 0;
	try("filling the queue", fill, &full, sizeof full.in);

	int fd = open_kind(&tcp4);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	try("no answer, not blocking", fd, &full, sizeof full.in);
	try("no answer, not blocking, again", fd, &full, sizeof full.in);
	try("no answer, not blocking, to no address", fd, NULL, sizeof full.in);
	close(fd);

	fd = open_kind(&tcp4);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &soon, sizeof soon);
	try("no answer in time", fd, &full, sizeof full.in);
	try("no answer in time, again", fd, &full, sizeof full.in);
	close(fd);

	fd = open_kind(&tcp4);
	sigaction(SIGALRM, &interrupt, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	try("interrupted", fd, &full, sizeof full.in);
	try("interrupted, again", fd, &full, sizeof full.in);
	setitimer(ITIMER_REAL, &never, NULL);
	close(fd);
	close(fill);
	close(server);
}

static void unix_sockets(void)
{
	union address a = {.un = {.sun_family = AF_UNIX, .sun_path = "\0noselfconn"}};
	union address missing = {.un = {.sun_family = AF_UNIX, .sun_path = "/no/such/socket"}};
	union address internet = ipv4("127.0.0.1", CLOSED);
	socklen_t len = offsetof(struct sockaddr_un, sun_path) + 11;
	int server = listening(&unix_stream, &a, len, 0);
	const struct kind *kinds[] = {&unix_stream, &unix_dgram};
	for (size_t i = 0; i < 2; i++) {
		try_once("to a server", kinds[i], &a, len);
		try_once("to a longer name", kinds[i], &a, sizeof a.un);
		try_once("too long", kinds[i], &a, sizeof a.un + 1);
		try_once("too short", kinds[i], &a, 2);
		try_once("to no path", kinds[i], &missing, sizeof missing.un);
		try_once("to an Internet address", kinds[i], &internet, sizeof internet.in);
		try_once("to no address", kinds[i], NULL, len);
	}
	close(server);
}

/* A UDP socket that is connected to itself is no business of ours. */
static void udp_to_itself(const struct kind *k)
{
	union address own = local(k, OWN);
	char byte = 'a';
	int fd = open_kind(k);
	bind(fd, &own.any, k->len);
	try("udp, to itself", fd, &own, k->len);
	send(fd, &byte, 1, 0);
	printf("it gets %zd byte\n", recv(fd, &byte, 1, 0));
	close(fd);
}

static void itself(const char *name, const struct kind *k, const void *addr, socklen_t len)
{
	int fd = open_kind(k);
	int result = connect(fd, (const struct sockaddr *)addr, len);
	printf("%s, %s: %s\n", k->name, name, result == 0 ? "connected" : strerror(errno));
	/* Whichever it is, nothing of it is in the way of the next one. */
	connect(fd, &(struct sockaddr) {.sa_family = AF_UNSPEC}, sizeof(struct sockaddr));
	close(fd);
}

static void all_to_itself(void)
{
	unsigned char bytes[256] = {0};
	union address a = ipv4("127.0.0.1", ITSELF), b = ipv6("::1", ITSELF);
	b.in6.sin6_flowinfo = htonl(0x12345);
	memcpy(bytes + 1, &a, sizeof a.in);
	itself("not aligned", &tcp4, bytes + 1, sizeof a.in);
	itself("longer", &tcp4, bytes + 1, 128);
	itself("at the end of a page", &tcp4, at_end_of_page(&a, sizeof a.in), sizeof a.in);
	memset(bytes, 0, sizeof bytes);
	memcpy(bytes + 1, &b, sizeof b.in6);
	itself("not aligned", &tcp6, bytes + 1, sizeof b.in6);
	itself("longer", &tcp6, bytes + 1, 128);
	itself("at the end of a page", &tcp6, at_end_of_page(&b, sizeof b.in6), sizeof b.in6);
	itself("shortest", &tcp6, at_end_of_page(&b, 24), 24);
}

int main(int argc, char **argv)
{
	(void)argv;
	if (argc > 1) {
		all_to_itself();
		return 0;
	}
	union address a = ipv4("0.0.0.0", SERVER), b = ipv6("::", SERVER);
	int six = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	listening(&tcp4, &a, sizeof a.in, 100);
	set(six, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	if (bind(six, &b.any, sizeof b.in6) != 0 || listen(six, 100) != 0)
		err(2, "::");

	const struct kind *kinds[] = {&tcp4, &tcp6, &mptcp4, &udp4, &udp6};
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		bad_pointers(kinds[i]);
		lengths(kinds[i]);
		families(kinds[i]);
	}
	bad_descriptors();
	destinations();
	states(&tcp4);
	states(&tcp6);
	states(&mptcp4);
	no_answer();
	unix_sockets();
	udp_to_itself(&udp4);
	udp_to_itself(&udp6);
	return 0;
}
