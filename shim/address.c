/* SPDX-License-Identifier: MIT */
#include "address.h"

#include "base/kernel.h"
#include "base/sockopt.h"
#include "base/sys.h"
#include <errno.h>

/* The shortest sockaddr_in6 that the kernel takes has no sin6_scope_id (RFC 2133). */
enum { SHORTEST_IN6 = offsetof(struct sockaddr_in6, sin6_scope_id) };

struct address address_copy(const void *addr, socklen_t len)
{
	struct address a = {.len = len < sizeof a.in6 ? len : sizeof a.in6};
	memcpy(&a.any, addr, a.len);
	return a;
}

bool address_endpoint(const void *addr, socklen_t len, struct endpoint *end)
{
	const char *bytes = addr;
	if (!address_is_internet(addr, len))
		return false;
	end->port = address_port(addr);
	if (address_family(addr) == AF_INET6) {
		memcpy(&end->addr, bytes + offsetof(struct sockaddr_in6, sin6_addr), 16);
		return len >= SHORTEST_IN6;
	}
	end->addr = (struct in6_addr) {.s6_addr = {[10] = 0xff, [11] = 0xff}};
	memcpy(end->addr.s6_addr + 12, bytes + offsetof(struct sockaddr_in, sin_addr), 4);
	return true;
}

bool endpoint_equal(const struct endpoint *a, const struct endpoint *b)
{
	return a->port == b->port && memcmp(&a->addr, &b->addr, sizeof a->addr) == 0;
}

static const unsigned char mapped[16] = {[10] = 0xff, [11] = 0xff};

bool endpoint_is_ipv4(const struct endpoint *end)
{
	return memcmp(&end->addr, mapped, 12) == 0;
}

bool endpoint_is_wildcard(const struct endpoint *end)
{
	static const unsigned char wildcard[16];
	return memcmp(&end->addr, wildcard, sizeof wildcard) == 0 ||
	       memcmp(&end->addr, mapped, sizeof mapped) == 0;
}

bool endpoint_is_loopback(const struct endpoint *end)
{
	static const unsigned char loopback[16] = {[15] = 1};
	return endpoint_is_ipv4(end) ? end->addr.s6_addr[12] == IN_LOOPBACKNET
	                             : memcmp(&end->addr, loopback, sizeof loopback) == 0;
}

struct address local_address(int fd)
{
	struct address a = {.len = sizeof a.in6};
	if (sys_getsockname(fd, &a.any, &a.len) != 0) {
		a.len = sizeof a.in6;
		if (sys_getsockname(fd, &a.any, &a.len) != 0)
			a.len = 0;
	}
	return a;
}

/*
 * Unlike getpeername(2), SO_PEERNAME also answers while the connection is being made (the
 * kernel asks for the peer with 2, not 1: see inet_getname()). It takes no more room than the
 * address has, which is the local one's length. getpeername() is for kernels and emulators
 * without the option.
 */
struct address peer_address(int fd, int *error)
{
	struct address a = local_address(fd);
	int result = -ENOBUFS;
	if (a.len != 0)
		result = sockopt_read(fd, SOL_SOCKET, SO_PEERNAME, &a.any, &a.len);
	if (result != 0 && result != -ENOTCONN) {
		a.len = sizeof a.in6;
		if (sys_getpeername(fd, &a.any, &a.len) == 0)
			result = 0;
	}
	if (result != 0)
		a.len = 0;
	if (error != NULL)
		*error = -result;
	return a;
}
