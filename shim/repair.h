/*
 * The repair of a self-connection: undo it, and connect again from another port.
 */
#ifndef NOSELFCONN_REPAIR_H
#define NOSELFCONN_REPAIR_H

#include "address.h"

/* The call that opened the connection. */
enum opener {
	BY_CONNECT, /* connect(), perhaps one that asks for the outcome of an earlier one */
	BY_SEND,    /* one that sends with MSG_FASTOPEN; the socket was not connected before */
	BY_SEND_NOWAIT, /* and with MSG_DONTWAIT */
};

enum { NOT_SELF_CONNECTED = -1 };

/*
 * After a call of fd to connect to dest, and its outcome, 0 or an errno: repairs the
 * self-connection. Returns the outcome that the program is to be given instead, 0 or an errno;
 * or NOT_SELF_CONNECTED if there was nothing to repair. May change errno.
 *
 * The socket is then not connected to itself, unless the program bound that port; then the
 * connection has been made anew from it. If no other port can be had, the outcome is an error
 * (EADDRNOTAVAIL from the kernel, or ECONNREFUSED if the library gives up), and the socket is
 * not connected. At the end this may wait, as the call itself would, when there is nothing left
 * to clean up.
 */
int repair(int fd, const struct address *dest, enum opener opener, int outcome);

#endif
