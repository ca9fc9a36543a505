/* SPDX-License-Identifier: MIT */
/*
 * Is it a self-connection: a socket whose own address and port are its destination's?
 */
#ifndef NOSELFCONN_SELFCONN_H
#define NOSELFCONN_SELFCONN_H

#include "address.h"
#include "base/sys.h"

/*
 * After a connect() to that port that succeeded or goes on: may fd be self-connected? Every
 * connect() pays for this, so it makes one system call and compares the ports alone, and it is
 * inline, because each call and return after a system call costs some nanoseconds. A yes is not
 * final: the socket may be UDP, and a second connect() on a socket asks for the outcome of the
 * first, whatever its address.
 */
static inline bool may_be_self_connected(int fd, in_port_t port)
{
	struct sockaddr_in6 local;
	socklen_t size = sizeof local;
	if (sys_getsockname(fd, &local, &size) != 0)
		return true; /* the answer is not in yet: is_self_connected() asks again */
	return local.sin6_port == port;
}

/* Is fd in TCP_REPAIR mode, because a checkpoint is being restored? */
bool is_being_restored(int fd);

/*
 * Is fd a TCP or MPTCP socket that is connected, or connecting, to itself? Sets *end to the
 * endpoint if it is. What the kernel has recorded counts, whatever address the program named.
 * If the kernel does not say to whom fd is connected (a seccomp filter), the local port
 * decides, compared with that of dest: no self-connection may slip through.
 *
 * The answer is no for a socket in TCP_REPAIR mode, because a checkpoint is being restored, and
 * for a connection that a firewall has redirected to another port of this host, although its
 * two addresses look the same from here.
 */
bool is_self_connected(int fd, const struct endpoint *dest, struct endpoint *end);

#endif
