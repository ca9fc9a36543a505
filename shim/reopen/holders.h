/* SPDX-License-Identifier: MIT */
/*
 * Who else refers to a socket: it may be replaced only if nobody else can see the old one.
 */
#ifndef NOSELFCONN_HOLDERS_H
#define NOSELFCONN_HOLDERS_H

#include <stdbool.h>

/*
 * Is fd, with the library's own descriptor own (which may be fd), the only reference to its
 * socket? Looks in /proc at the descriptors of this process, which must have a single thread (a
 * second one could change what fd is before it is replaced), and at those of every other
 * process: children inherit sockets, and Unix sockets pass them on. An epoll set's watch counts
 * as a reference, as do signal-driven I/O (F_SETOWN, F_SETSIG, O_ASYNC), and whatever may hold
 * a socket without showing it: an io_uring of any process, even one that is only mapped;
 * descriptors in the queue of a Unix socket; another process with several threads, each of
 * which can have descriptors of its own; and a process that this one may not look at.
 *
 * False also if nobody can tell, or if there are more processes or descriptors than it can look
 * at within a fraction of a millisecond; the first few calls tell that.
 *
 * Not seen are the descriptors of a process outside the PID namespace, and a fixed file of
 * another process's io_uring that has neither a descriptor nor a mapping.
 */
bool held_only_here(int fd, int own);

#endif
