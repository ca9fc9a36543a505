/* SPDX-License-Identifier: MIT */
/*
 * The functions that this library stands in front of: the C library's, or those of a preload
 * between the two, whichever comes next in the order of symbol lookup.
 */
#ifndef NOSELFCONN_NEXT_H
#define NOSELFCONN_NEXT_H

#include <sys/socket.h>
#include <sys/types.h>

/* sendmmsg(2)'s, without the need for _GNU_SOURCE. */
struct mmsghdr;

/*
 * Looks them up. If dlsym(3) is not there (it was in a library of its own before glibc 2.34),
 * or does not find one, the system call is made instead, as a cancellation point.
 */
void next_find(void);

/* Each takes, returns and leaves in errno what the function of that name does. */
int next_connect(int fd, const struct sockaddr *addr, socklen_t len);
ssize_t next_sendto(int fd, const void *buf, size_t n, int flags, const struct sockaddr *addr,
                    socklen_t len);
ssize_t next_sendmsg(int fd, const struct msghdr *msg, int flags);
int next_sendmmsg(int fd, struct mmsghdr *msgs, unsigned n, int flags);

#endif
