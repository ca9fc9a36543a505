/*
 * Who else refers to a socket: a socket may be replaced by another one only if nobody has a way
 * left to see the old one.
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
 * and what may hold a socket without showing it: an io_uring of any process, also one that is
 * only mapped; descriptors in the queue of a Unix socket of this process; another process with
 * several threads, each of which can have descriptors of its own.
 *
 * False also if it can't be told, or if there are more processes or descriptors than can be
 * looked at within a fraction of a millisecond; that is known from the first few calls.
 *
 * Not seen are the descriptors of a process that this one may not look at (another user's, or
 * set-user-ID), one that is on its way to another process at this moment, and a fixed file of
 * an io_uring that has neither a descriptor nor a mapping.
 */
bool held_only_here(int fd, int own);

#endif
