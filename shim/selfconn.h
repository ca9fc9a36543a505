/*
 * What a self-connection is, and how one is recognised: a socket whose own address and port are
 * its destination's.
 */
#ifndef NOSELFCONN_SELFCONN_H
#define NOSELFCONN_SELFCONN_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

/* One end of a connection. An IPv4 address is kept v4-mapped, ::ffff:a.b.c.d. */
struct endpoint {
	struct in6_addr addr;
	in_port_t port; /* in network byte order */
};

/* Is addr, which the kernel has accepted with that length, an IPv4 or IPv6 address? */
static inline bool is_internet(const struct sockaddr *addr, socklen_t len)
{
	const unsigned char *bytes = (const void *)addr; /* it need not be aligned */
	sa_family_t family;
	if (len < sizeof(struct sockaddr_in))
		return false;
	memcpy(&family, bytes + offsetof(struct sockaddr, sa_family), sizeof family);
	return family == AF_INET || family == AF_INET6;
}

/*
 * After a connect() to addr that succeeded or is in progress: may fd be self-connected? One
 * getsockname(). Its yes is not final: the socket may be UDP, the destination may have been a
 * wildcard address, which the kernel replaces by one of the host's, and in a second connect()
 * to learn the outcome of the first the kernel does not look at the address at all. addr has
 * been accepted by the kernel, and len bytes of it can be read. Keeps errno.
 */
bool may_be_self_connected(int fd, const struct sockaddr *addr, socklen_t len);

/*
 * Is fd, which may have been connected to port (network byte order), a TCP or MPTCP socket that
 * is connected, or connecting, to itself? What the kernel has recorded counts, in whatever
 * state the connection is; *end is set to the endpoint. Where the kernel won't say whom fd is
 * connected to (a seccomp filter), the local port alone decides: a self-connection must not
 * slip through. Keeps errno.
 */
bool self_connected(int fd, in_port_t port, struct endpoint *end);

/*
 * Sets *addr to the destination of fd, which is connected or connecting, and returns its
 * length, or 0 where the kernel won't say. Keeps errno.
 */
socklen_t peer_of(int fd, struct sockaddr_in6 *addr);

/* The port (network byte order) of the IPv4 or IPv6 address addr, or 0. */
in_port_t port_of(const struct sockaddr *addr, socklen_t len);

/* Does getsockname() show no local port on fd, so that the kernel chooses one? Keeps errno. */
bool port_is_unset(int fd);

/* Returns SO_PROTOCOL of fd, or -1. Keeps errno. */
int protocol_of(int fd);

#endif
