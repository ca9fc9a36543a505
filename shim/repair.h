/*
 * The repair of a self-connection: undo it, and connect again from another port.
 */
#ifndef NOSELFCONN_REPAIR_H
#define NOSELFCONN_REPAIR_H

#include "selfconn.h"
#include <errno.h>
#include <stdbool.h>
#include <sys/socket.h>

/* An outcome is what came of a call that opens a connection: 0, or the errno. */

/* The call that opened it. */
enum repair_call {
	REPAIR_CONNECT, /* connect(), perhaps one that tells the outcome of an earlier one */
	REPAIR_SEND, /* one that sends with MSG_FASTOPEN; the socket was not connected before */
	REPAIR_SEND_NOWAIT, /* and with MSG_DONTWAIT */
};

/*
 * After a call to connect fd to addr, which the kernel has accepted: has repair() to be called?
 * This is the whole of the hot path, and at most one getsockname(); inline, because every call
 * and return that follows a system call costs some nanoseconds. An interrupted connect() goes
 * on in the background, like one that is in progress. Keeps errno.
 */
static inline bool repair_is_due(int fd, const struct sockaddr *addr, socklen_t len,
                                 int outcome)
{
	return (outcome == 0 || outcome == EINPROGRESS || outcome == EINTR) &&
	       is_internet(addr, len) && may_be_self_connected(fd, addr, len);
}

/*
 * Repairs the self-connection of fd, if it is one; false where there is nothing to repair. Else
 * the connection has been made anew, if the program bound that port, from the same, and
 * *outcome is the one that the program is to be given. errno is left undefined.
 *
 * The socket is then not connected to itself, unless the program bound that port. Where no
 * other port can be had, the outcome is an error (EADDRNOTAVAIL from the kernel, or
 * ECONNREFUSED where the library gives up), and the socket is not connected. At the end this
 * may wait, as the call itself would, when there is nothing left to clean up.
 */
bool repair(int fd, const struct sockaddr *addr, socklen_t len, enum repair_call call,
            int *outcome);

#endif
