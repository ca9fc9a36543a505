/* SPDX-License-Identifier: MIT */
#include "prevent.h"

#include "kernel.h"
#include "range.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

static bool is_closed_tcp(int fd)
{
	unsigned char state = 0;
	socklen_t size = sizeof state;
	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &state, &size) == 0 && state == TCP_CLOSE;
}

/* After a connection that failed, the kernel still tells the port that it had. */
static bool local_address(int fd, union address *local)
{
	socklen_t size = sizeof *local;
	memset(local, 0, sizeof *local);
	return getsockname(fd, &local->any, &size) == 0;
}

static socklen_t size_of(const union address *address)
{
	return address->any.sa_family == AF_INET ? sizeof address->in : sizeof address->in6;
}

static bool is_unspecified(const union address *address)
{
	if (address->any.sa_family == AF_INET)
		return address->in.sin_addr.s_addr == INADDR_ANY;
	const struct in6_addr *in6 = &address->in6.sin6_addr;
	return IN6_IS_ADDR_UNSPECIFIED(in6) ||
	       (IN6_IS_ADDR_V4MAPPED(in6) && memcmp(in6->s6_addr + 12, "\0\0\0", 4) == 0);
}

static bool same_host(const union address *a, const union address *b)
{
	if (a->any.sa_family == AF_INET)
		return a->in.sin_addr.s_addr == b->in.sin_addr.s_addr;
	return memcmp(&a->in6.sin6_addr, &b->in6.sin6_addr, sizeof a->in6.sin6_addr) == 0;
}

/* Does it not go by the routes that all do? */
static bool is_routed_specially(int fd)
{
	int device = 0, mark = 0;
	socklen_t size = sizeof device, size2 = sizeof mark;
	getsockopt(fd, SOL_SOCKET, SO_BINDTOIFINDEX, &device, &size);
	getsockopt(fd, SOL_SOCKET, SO_MARK, &mark, &size2);
	return device != 0 || mark != 0;
}

/*
 * Would a socket that is bound to local have the very address as its source that it connects
 * to? Asked of the routes of our network namespace; true also if they don't tell.
 */
static bool meets_itself(const union address *local, const union address *to)
{
	union address from = *local;
	socklen_t size = sizeof from;
	if (is_unspecified(to))
		return true;
	int fd = socket(to->any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return true;
	from.in.sin_port = 0;
	bool told = (is_unspecified(local) || bind(fd, &from.any, size_of(&from)) == 0) &&
	            connect(fd, &to->any, size_of(to)) == 0 &&
	            getsockname(fd, &from.any, &size) == 0;
	close(fd);
	return !told || same_host(&from, to);
}

static bool bind_now(int fd, const union address *local, int without_port)
{
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &without_port, sizeof without_port);
	return bind(fd, &local->any, size_of(local)) == 0;
}

/* To its own address, or the wildcard, which leaves no trace when the port is given back. */
static bool bind_any_port(int fd, union address local)
{
	int option = 0, error = 0;
	socklen_t size = sizeof option;
	local.in.sin_port = 0;
	getsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &option, &size);
	if (!bind_now(fd, &local, 0)) {
		error = errno;
		bind_now(fd, &local, 1); /* it has lost its address by that */
	}
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &option, sizeof option);
	errno = error;
	return error == 0;
}

/* The same while a socket of ours has port: in our network namespace, that is. */
static bool bind_while_held(int fd, const union address *local, int port)
{
	union address held = {.in6.sin6_family = local->any.sa_family};
	held.in.sin_port = htons((uint16_t)port);
	int holder = socket(local->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (holder >= 0 && bind(holder, &held.any, size_of(&held)) != 0) {
		close(holder); /* somebody else has it */
		holder = -1;
	}
	bool bound = bind_any_port(fd, *local);
	int error = errno;
	if (holder >= 0)
		close(holder);
	errno = error;
	return bound;
}

/* The same from one side of port: in any network namespace, but since Linux 6.3. */
static bool bind_beside(int fd, const union address *local, int port, bool below)
{
	unsigned before = halve_range(fd, port, below);
	bool bound = bind_any_port(fd, *local);
	int error = errno;
	restore_range(fd, before);
	errno = error;
	return bound;
}

/* A port that the kernel chose is given back when a socket leaves LISTEN; disconnecting one
 * that is merely bound does not. */
static void give_port_back(int fd)
{
	const struct sockaddr nowhere = {.sa_family = AF_UNSPEC};
	if (listen(fd, 0) == 0)
		(void)!connect(fd, &nowhere, sizeof nowhere);
}

static bool has_another_port(int fd, int port)
{
	union address now;
	return local_address(fd, &now) && port_of(&now) != port && port_of(&now) != 0;
}

/*
 * Binds the socket to a port that the kernel chooses, and that is not port. Only bind() tells
 * whether it is bound already: by EINVAL. Returns as prevent().
 */
static int take_own_port(int fd, const union address *local, int port)
{
	enum { HELD, BELOW, ABOVE, NONE };
	if (!bind_any_port(fd, *local) && errno != EINVAL)
		return 0; /* no port is left, not even that one */
	for (int way = HELD; !has_another_port(fd, port); way++) {
		give_port_back(fd);
		if (way == NONE)
			return EADDRNOTAVAIL;
		bool bound = way == HELD ? bind_while_held(fd, local, port)
		                         : bind_beside(fd, local, port, way == BELOW);
		if (!bound && errno == EINVAL)
			return 0; /* the program chose it: a deliberate self-connection */
	}
	return 0;
}

int prevent(pid_t task, int fd, const union address *to)
{
	struct range range;
	union address local;
	int port = port_of(to);
	if (port == 0 || !is_closed_tcp(fd) || !local_address(fd, &local) ||
	    local.any.sa_family != to->any.sa_family)
		return 0;
	if (in_our_namespace(fd, task)) {
		bool known = range_of(fd, &range), taken = port_of(&local) == port;
		if (known && !taken && (port < range.low || port > range.high))
			return 0;
		if (!meets_itself(&local, to) && !is_routed_specially(fd))
			return 0;
		if (known && !taken && !range.own && cut_range(fd, &range, port))
			return 0;
	}
	return take_own_port(fd, &local, port);
}
