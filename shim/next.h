/*
 * The connect() that this library stands in front of: the next one in the order in which the
 * program's libraries are searched, be it libc's or another preload's.
 */
#ifndef NOSELFCONN_NEXT_H
#define NOSELFCONN_NEXT_H

#include <sys/socket.h>

/*
 * Calls the next connect(), with its arguments, result and errno. The first call finds it, and
 * reads the configuration (config.h) with it: another library's constructor may connect before
 * ours has run. Where there is none (dlsym(3) fails), the system call is made directly.
 */
int next_connect(int fd, const struct sockaddr *addr, socklen_t len);

#endif
