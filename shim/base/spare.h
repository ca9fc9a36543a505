/* SPDX-License-Identifier: MIT */
/*
 * The library's own descriptors, open only during a repair. None is 0, 1 or 2: if the program
 * has closed one of these, what it writes there must not end up in our socket. All are
 * close-on-exec.
 */
#ifndef NOSELFCONN_SPARE_H
#define NOSELFCONN_SPARE_H

/* Returns a duplicate of fd with a higher number, or -1. The caller closes it. */
int spare_dup(int fd);

/* Returns a new stream socket, non-blocking, or -1. The caller closes it. */
int spare_socket(int domain, int protocol);

/* Closes fd, which may be -1. */
void spare_close(int fd);

#endif
