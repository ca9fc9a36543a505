/* SPDX-License-Identifier: MIT */
/*
 * TCP Fast Open: with MSG_FASTOPEN, a call that sends data opens the connection itself
 * (tcp(7)). If the socket is self-connected, what was sent went to the socket itself and is
 * gone with the repair; it is sent again, once, to the server that the new connection reached.
 * If that connection is not made yet, because the program does not wait, the call fails with
 * EINPROGRESS, as it does without a Fast Open cookie: nothing was sent.
 *
 * A send that is larger than the buffers would wait for itself forever, before anybody could
 * look at it. So its self-connection is prevented, as in a program with threads (prevent.h); if
 * that is not certain to succeed, a send of nothing opens the connection first. The same goes
 * for a send of which the error queue tells, by a completion (MSG_ZEROCOPY) or a timestamp
 * (SO_TIMESTAMPING): that could not be taken back.
 */
#ifndef NOSELFCONN_FASTOPEN_H
#define NOSELFCONN_FASTOPEN_H

#include "address.h"
#include "prevent/prevent.h"
#include <sys/types.h>

/* No buffer is smaller than this (SOCK_MIN_RCVBUF). */
enum { FITS_ANY_BUFFER = 2048 };

struct fastopen {
	int fd;
	int flags;
	int before; /* errno at the start of the call */
	bool opens; /* fd is a socket of TCP without a connection */
	bool apart; /* a send of nothing is to open the connection */
	const struct sockaddr *addr;
	socklen_t len;
	struct prevention prevention;
};

/*
 * Before a send of size bytes, perhaps with control messages, with MSG_FASTOPEN. addr need not
 * be readable.
 */
struct fastopen fastopen_begin(int fd, int flags, const struct sockaddr *addr, socklen_t len,
                               size_t size, bool has_control);

/* The same, for a struct msghdr, which need be neither readable nor aligned. */
struct fastopen fastopen_begin_message(int fd, int flags, const void *msg);

/*
 * That send, if the connection must be opened apart from the data: it fails if the other would
 * fail before it opens one.
 */
ssize_t fastopen_apart(const struct fastopen *f, const void *data);
ssize_t fastopen_apart_message(const struct fastopen *f, const void *msg);

/* After that send, and its result: must the same send be made again? */
bool fastopen_otherwise(struct fastopen *f, ssize_t result);

/*
 * After the last of these sends: repairs a self-connection. True: the caller must send the
 * data, perhaps again, without MSG_FASTOPEN. False: *result and errno are what the program is
 * told.
 */
bool fastopen_end(const struct fastopen *f, ssize_t *result);

#endif
