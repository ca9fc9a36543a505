#include "selfconn.h"

#include "kernel.h"
#include "sockopt.h"
#include <errno.h>
#include <stddef.h>
#include <string.h>

/* The shortest sockaddr_in6 that the kernel takes has no sin6_scope_id (RFC 2133). */
enum { SHORTEST_IN6 = offsetof(struct sockaddr_in6, sin6_scope_id) };

/* The program's sockaddr need not be aligned, so its members are copied, not read in place. */
static bool endpoint_of(const void *sockaddr, socklen_t len, struct endpoint *end)
{
	const unsigned char *bytes = sockaddr;
	sa_family_t family;
	if (len < sizeof(struct sockaddr_in))
		return false;
	memcpy(&family, bytes + offsetof(struct sockaddr, sa_family), sizeof family);
	if (family == AF_INET) {
		end->addr = (struct in6_addr) {.s6_addr = {[10] = 0xff, [11] = 0xff}};
		memcpy(end->addr.s6_addr + 12, bytes + offsetof(struct sockaddr_in, sin_addr),
		       4);
		memcpy(&end->port, bytes + offsetof(struct sockaddr_in, sin_port), 2);
		return true;
	}
	if (family == AF_INET6 && len >= SHORTEST_IN6) {
		memcpy(&end->addr, bytes + offsetof(struct sockaddr_in6, sin6_addr), 16);
		memcpy(&end->port, bytes + offsetof(struct sockaddr_in6, sin6_port), 2);
		return true;
	}
	return false;
}

static bool is_wildcard(const struct in6_addr *addr)
{
	static const unsigned char mapped[16] = {[10] = 0xff, [11] = 0xff};
	return IN6_IS_ADDR_UNSPECIFIED(addr) || memcmp(addr, mapped, sizeof mapped) == 0;
}

/* Asked twice before it gives up: without an answer there is no telling a self-connection. */
static bool local_endpoint(int fd, struct endpoint *end)
{
	struct sockaddr_in6 a;
	socklen_t len = sizeof a;
	int before = errno;
	bool ok = getsockname(fd, (struct sockaddr *)&a, &len) == 0 ||
	          getsockname(fd, (struct sockaddr *)&a, &len) == 0;
	errno = before;
	return ok && endpoint_of(&a, len, end);
}

bool may_be_self_connected(int fd, const struct sockaddr *addr, socklen_t len)
{
	struct endpoint local, dest;
	if (!endpoint_of(addr, len, &dest) || !local_endpoint(fd, &local))
		return false;
	return local.port == dest.port &&
	       (IN6_ARE_ADDR_EQUAL(&local.addr, &dest.addr) || is_wildcard(&dest.addr));
}

/*
 * Unlike getpeername(2), SO_PEERNAME also answers while the connection is being made (the
 * kernel asks for the peer with 2, not 1: see inet_getname()). It takes no more room than the
 * address has, which is the local one's length. getpeername() is for where the option is not to
 * be had (qemu-user, a seccomp filter). Returns 0 or the option's errno.
 */
static int peer_address(int fd, struct sockaddr_in6 *addr, socklen_t *len)
{
	int before = errno, error = 0;
	socklen_t size = sizeof *addr;
	if (getsockname(fd, (struct sockaddr *)addr, &size) != 0)
		size = sizeof *addr;
	*len = size;
	if (!sockopt_read(fd, SOL_SOCKET, SO_PEERNAME, addr, len)) {
		error = errno;
		*len = size;
	}
	if (error != 0 && error != ENOTCONN &&
	    getpeername(fd, (struct sockaddr *)addr, len) == 0)
		error = 0;
	errno = before;
	return error;
}

socklen_t peer_of(int fd, struct sockaddr_in6 *addr)
{
	socklen_t len;
	return peer_address(fd, addr, &len) == 0 ? len : 0;
}

bool self_connected(int fd, in_port_t port, struct endpoint *end)
{
	int protocol = protocol_of(fd);
	if (protocol != -1 && protocol != IPPROTO_TCP && protocol != IPPROTO_MPTCP)
		return false;
	if (!local_endpoint(fd, end) || end->port != port)
		return false;

	struct sockaddr_in6 addr;
	struct endpoint peer;
	socklen_t len;
	switch (peer_address(fd, &addr, &len)) {
	case 0:
		return endpoint_of(&addr, len, &peer) && peer.port == port &&
		       IN6_ARE_ADDR_EQUAL(&peer.addr, &end->addr);
	case ENOTCONN:
		return false;
	default:
		return true;
	}
}

in_port_t port_of(const struct sockaddr *addr, socklen_t len)
{
	struct endpoint end;
	return endpoint_of(addr, len, &end) ? end.port : 0;
}

bool port_is_unset(int fd)
{
	struct endpoint local;
	return local_endpoint(fd, &local) && local.port == 0;
}

int protocol_of(int fd)
{
	int protocol = -1, before = errno;
	sockopt_get(fd, SOL_SOCKET, SO_PROTOCOL, &protocol);
	errno = before;
	return protocol;
}
