/*
 * Descriptors of the library's own, open only while a repair lasts. None is 0, 1 or 2: if the
 * program has closed one of these, what is written to it must not end up in our socket. All are
 * close-on-exec.
 */
#ifndef NOSELFCONN_SPARE_H
#define NOSELFCONN_SPARE_H

/* Returns a new descriptor above fd of what that refers to, or -1. The caller closes it. */
int spare_dup(int fd);

/* Returns a new stream socket, non-blocking, or -1. The caller closes it. */
int spare_socket(int domain, int protocol);

/* Closes fd, which may be -1. */
void spare_close(int fd);

#endif
