/* SPDX-License-Identifier: MIT */
/*
 * Preventing a self-connection: for the duration of a call that connects, the kernel is kept
 * from choosing the destination's port.
 *
 * A self-connection is complete before connect() returns. In a program with several threads,
 * another one that waits for the socket would see it before it can be undone; so there it is
 * prevented, if the destination's port is one that the kernel may choose. That takes some
 * microseconds, and need not succeed: what comes of the call is looked at all the same.
 */
#ifndef NOSELFCONN_PREVENT_H
#define NOSELFCONN_PREVENT_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct prevention {
	bool needed;     /* the kernel may choose the port of the destination */
	bool by_range;   /* the socket has been given part of the range of ports */
	bool by_port;    /* the socket has been given a port of its own */
	bool not_tcp;    /* the socket is not one of TCP: it is never self-connected */
	bool unread;     /* addr could not be read, or a filter keeps us from knowing */
	uint32_t before; /* the range that the program had given it, 0 for none */
	uint32_t parts[2];
	in_port_t port; /* of the destination */
	unsigned part;  /* the one that is set, in parts, or 0 for a range without the other */
	unsigned tries; /* how often the kernel found no port */
};

/*
 * To be called before fd connects to addr, which need not be readable. A port that the socket
 * has, because it is connected or the program has bound one, stays.
 */
struct prevention prevent_begin(int fd, const struct sockaddr *addr, socklen_t len);

/*
 * After EADDRNOTAVAIL, for this destination: true if the call should be made again, because the
 * other part of the range has not been tried yet, or because nothing but the port itself is
 * left, which is as good as any if the destination is another host. With NULL, or on the
 * loopback interface, never that one: the kernel may have lost a port that it chose to another
 * socket, so a part is tried again.
 */
bool prevent_otherwise(struct prevention *p, int fd, const struct sockaddr *addr,
                       socklen_t len);

/* After the last call to connect, and its outcome, 0 or an errno: leaves the socket as it was.
 */
void prevent_end(const struct prevention *p, int fd, int outcome);

/*
 * The range alone, for a repair without a guard: keeps fd from getting port (in network byte
 * order). turn, 0 or 1, says with which part to begin: if the range is not known for sure, one
 * of them may be of no effect, but not both. False if the kernel can't do that.
 */
bool prevent_by_range(struct prevention *p, int fd, in_port_t port, unsigned turn);

#endif
