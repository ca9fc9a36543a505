/* SPDX-License-Identifier: MIT */
/*
 * getsockopt(2) and setsockopt(2), called again if they fail: a passing failure must not leave
 * the program's socket changed, nor a question about it open.
 */
#ifndef NOSELFCONN_SOCKOPT_H
#define NOSELFCONN_SOCKOPT_H

#include <stdbool.h>
#include <sys/socket.h>

/* Like the system calls; each returns 0 or -errno. */
int sockopt_read(int fd, int level, int name, void *value, socklen_t *len);
int sockopt_write(int fd, int level, int name, const void *value, socklen_t len);

/* The same with an int; true is success. Leaves *value alone if it can't be read. */
bool sockopt_get(int fd, int level, int name, int *value);
bool sockopt_set(int fd, int level, int name, int value);

/* Returns SO_PROTOCOL of fd, or -1. */
int sockopt_protocol(int fd);

/* Returns the state of a TCP socket, or -errno, asked once: it is for the way of every call. */
int sockopt_tcp_state(int fd);

/* Returns SO_COOKIE, a number that no other socket has, or 0 if the kernel has none. */
unsigned long long sockopt_cookie(int fd);

#endif
