/* SPDX-License-Identifier: MIT */
#include "prevent.h"

#include "kernel.h"
#include "range.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

/* After a connection that failed, the kernel still tells the port that it had. */
static bool read_local(int fd, union address *local)
{
	socklen_t size = sizeof *local;
	memset(local, 0, sizeof *local);
	return getsockname(fd, &local->any, &size) == 0;
}

static int port_of(const union address *address)
{
	return ntohs(address->in.sin_port);
}

static socklen_t size_of(const union address *address)
{
	return address->any.sa_family == AF_INET ? sizeof address->in : sizeof address->in6;
}

/* An option that is a number; 0 also if the kernel does not have it. */
static int number_option(int fd, int level, int name)
{
	int value = 0;
	socklen_t size = sizeof value;
	return getsockopt(fd, level, name, &value, &size) == 0 ? value : 0;
}

/*
 * Would a socket that is bound to local have the very address as its source that it connects
 * to? Asked of the routes of our network namespace; true also if they don't tell.
 */
static bool meets_itself(const union address *local, const union address *to)
{
	union address from = *local, peer = *to;
	socklen_t size = sizeof peer;
	int fd = socket(to->any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	from.in.sin_port = 0;
	bool told = bind(fd, &from.any, size_of(&from)) == 0 &&
	            connect(fd, &to->any, size_of(to)) == 0 && read_local(fd, &from) &&
	            getpeername(fd, &peer.any, &size) == 0;
	close(fd);
	from.in.sin_port = peer.in.sin_port;
	return !told || memcmp(&from, &peer, size) == 0;
}

/* Does it not go by the routes that all do? */
static bool is_routed_specially(int fd)
{
	return number_option(fd, SOL_SOCKET, SO_BINDTOIFINDEX) != 0 ||
	       number_option(fd, SOL_SOCKET, SO_MARK) != 0;
}

static int bind_to(int fd, const union address *address)
{
	return bind(fd, &address->any, size_of(address)) == 0 ? 0 : errno;
}

static int bind_now(int fd, const union address *local, int without_port)
{
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &without_port, sizeof without_port);
	return bind_to(fd, local);
}

/* To its own address, or the wildcard, which leaves no trace when the port is given back. */
static int bind_any_port(int fd, union address local)
{
	int option = number_option(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT);
	local.in.sin_port = 0;
	int error = bind_now(fd, &local, 0);
	if (error != 0)
		bind_now(fd, &local, 1); /* it has lost its address by that */
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &option, sizeof option);
	return error;
}

/*
 * The same from one side of port, since Linux 6.3, and while a socket of ours has port, if that
 * is in our network namespace.
 */
static int bind_elsewhere(int fd, const union address *local, int port, bool below)
{
	uint32_t own = own_range(fd), low = own & 0xffff, high = own >> 16;
	union address held = {.in6.sin6_family = local->any.sa_family};
	held.in.sin_port = htons((uint16_t)port);
	int holder = socket(local->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bind_to(holder, &held);
	if (below)
		high = (uint32_t)port - 1;
	else
		low = (uint32_t)port + 1;
	set_own_range(fd, high << 16 | low);
	int error = bind_any_port(fd, *local);
	set_own_range(fd, own);
	close(holder);
	return error;
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
	return read_local(fd, &now) && port_of(&now) != port && port_of(&now) != 0;
}

/*
 * Binds the socket to a port that the kernel chooses, and that is not port. Only bind() tells
 * whether it is bound already: by EINVAL. Returns as prevent().
 */
static int take_own_port(int fd, const union address *local, int port)
{
	int error = bind_any_port(fd, *local);
	if (error != 0 && error != EINVAL)
		return 0; /* no port is left, not even that one */
	for (int tries = 0; !has_another_port(fd, port); tries++) {
		give_port_back(fd);
		if (tries == 2)
			return EADDRNOTAVAIL;
		if (bind_elsewhere(fd, local, port, tries == 0) == EINVAL)
			return 0; /* the program chose it: a deliberate self-connection */
	}
	return 0;
}

int prevent(pid_t task, int fd, const union address *to)
{
	struct range range;
	union address local;
	int port = port_of(to);
	/* The state comes first in struct tcp_info. */
	int state = number_option(fd, IPPROTO_TCP, TCP_INFO) & 0xff;
	if (port == 0 || state != STATE_CLOSE || !read_local(fd, &local) ||
	    local.any.sa_family != to->any.sa_family)
		return 0;
	if (in_our_namespace(fd, task)) {
		bool has_it = port_of(&local) == port, known = read_range(&range);
		if (known && !has_it && (port < range.low || port > range.high))
			return 0;
		if (!meets_itself(&local, to) && !is_routed_specially(fd))
			return 0;
		if (known && !has_it && own_range(fd) == 0 && cut_range(fd, &range, port))
			return 0;
	}
	return take_own_port(fd, &local, port);
}
