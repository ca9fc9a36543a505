/*
 * Who else refers to a socket: a socket may be replaced by another one only where nobody has a
 * way left to see the old one.
 */
#ifndef NOSELFCONN_HOLDERS_H
#define NOSELFCONN_HOLDERS_H

#include <stdbool.h>

/*
 * Is fd, with the descriptor own (which may be fd) of this library, the only reference to its
 * socket? Looks in /proc at the descriptors of this process, which must have a single thread (a
 * second one could change what fd is before it is replaced), and at those of every other
 * process that it may look at: a socket is inherited over fork(2) and passed over Unix sockets.
 * A watch of an epoll set, signal-driven I/O (F_SETOWN, F_SETSIG, O_ASYNC) and an io_uring,
 * whose files don't show, count as references. False also where it can't be told, or would take
 * more than a few milliseconds. Keeps errno.
 *
 * A process that this one may not look at (another user's, or set-user-ID) counts as having
 * none.
 */
bool held_only_here(int fd, int own);

#endif
