/* SPDX-License-Identifier: MIT */
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
 * Repairs fd, after a call that connected it to dest with that outcome (0 or an errno). Returns
 * what the program must be told instead (0 or an errno), or NOT_SELF_CONNECTED if there was
 * nothing to repair. May change errno.
 *
 * Afterwards the socket is not connected to itself, unless the program bound that port; then
 * this has made the self-connection anew. If no other port is free, the outcome is an error
 * (EADDRNOTAVAIL from the kernel, or ECONNREFUSED if the library gives up), and the socket is
 * not connected. At the end, with nothing left to clean up, this may wait as the call itself
 * would.
 */
int repair(int fd, const struct address *dest, enum opener opener, int outcome);

#endif
