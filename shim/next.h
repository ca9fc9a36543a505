/*
 * The functions that this library stands in front of: the next ones in the order in which the
 * program's libraries are searched, be they libc's or another preload's. Where there is none
 * (dlsym(3) fails), the system call is made directly.
 *
 * They are looked up when the library is loaded, or by the first call, because another
 * library's constructor may connect before ours has run; the configuration (config.h) is read
 * then, too.
 */
#ifndef NOSELFCONN_NEXT_H
#define NOSELFCONN_NEXT_H

#include <sys/socket.h>
#include <sys/types.h>

/* sendmmsg(2)'s, without the need for _GNU_SOURCE. */
struct mmsghdr;

/* Looks them up, and reads the configuration, if that has not been done. */
void next_find(void);

/* Each takes, returns and leaves in errno what the function of that name does. */
int next_connect(int fd, const struct sockaddr *addr, socklen_t len);
ssize_t next_sendto(int fd, const void *buf, size_t n, int flags, const struct sockaddr *addr,
                    socklen_t len);
ssize_t next_sendmsg(int fd, const struct msghdr *msg, int flags);
int next_sendmmsg(int fd, struct mmsghdr *msgs, unsigned n, int flags);

#endif
