/* SPDX-License-Identifier: MIT */
/*
 * Addresses: the program's own, and the two ends of a socket.
 */
#ifndef NOSELFCONN_ADDRESS_H
#define NOSELFCONN_ADDRESS_H

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

/* An Internet address as the kernel reads or writes it, or the beginning of any other. */
struct address {
	union {
		struct sockaddr_in6 in6; /* first: gcc 15 and newer clear no other by default */
		struct sockaddr_in in;
		struct sockaddr any;
	};
	socklen_t len; /* 0: none */
};

/* Both members have the same place in both families. addr need not be aligned. */
static inline sa_family_t address_family(const void *addr)
{
	sa_family_t family;
	memcpy(&family, (const char *)addr + offsetof(struct sockaddr, sa_family),
	       sizeof family);
	return family;
}

/* In network byte order. addr is an Internet address. */
static inline in_port_t address_port(const void *addr)
{
	in_port_t port;
	memcpy(&port, (const char *)addr + offsetof(struct sockaddr_in, sin_port), sizeof port);
	return port;
}

/* A port as a number. (ntohs() may be a function of the C library.) */
static inline unsigned port_number(in_port_t port)
{
	const unsigned char *bytes = (const unsigned char *)&port;
	return (unsigned)bytes[0] << 8 | bytes[1];
}

/* Is addr, which can be read, and is len bytes long, an IPv4 or IPv6 address? */
static inline bool address_is_internet(const void *addr, socklen_t len)
{
	if (len < sizeof(struct sockaddr_in))
		return false;
	sa_family_t family = address_family(addr);
	return family == AF_INET || family == AF_INET6;
}

/* Copies addr, which can be read, or as much of it as an Internet address takes. */
struct address address_copy(const void *addr, socklen_t len);

/* Sets *end to what addr means; false if it is not an Internet address. */
bool address_endpoint(const void *addr, socklen_t len, struct endpoint *end);

/* Do both have the same address and port? */
bool endpoint_equal(const struct endpoint *a, const struct endpoint *b);

/* Is it an IPv4 address? */
bool endpoint_is_ipv4(const struct endpoint *end);

/* Is it 0.0.0.0 or ::? connect() then takes an address of the host. */
bool endpoint_is_wildcard(const struct endpoint *end);

/* Is it in 127.0.0.0/8, or ::1? */
bool endpoint_is_loopback(const struct endpoint *end);

/* Returns the local address of fd, asked twice; without a length if the kernel fails. */
struct address local_address(int fd);

/*
 * Returns the destination of fd, which is connected or connecting; without a length if the
 * kernel does not tell. Sets *error, if not NULL, to 0 or an errno: ENOTCONN if there is none.
 */
struct address peer_address(int fd, int *error);

#endif
