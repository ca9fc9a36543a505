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
 * As references count a watch of an epoll set, signal-driven I/O (F_SETOWN, F_SETSIG, O_ASYNC),
 * and what does not show: an io_uring, and descriptors in the queue of a Unix socket of this
 * process. False also where it can't be told, or would take more than a few milliseconds. Keeps
 * errno.
 *
 * Not seen are the descriptors of a process that this one may not look at (another user's, or
 * set-user-ID), and one that is on its way to another process at this moment.
 */
bool held_only_here(int fd, int own);

#endif
