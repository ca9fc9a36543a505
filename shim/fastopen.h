/*
 * TCP Fast Open: with MSG_FASTOPEN, a call that sends data opens the connection itself
 * (tcp(7)). What it sent went to the socket itself if that came out self-connected, and is gone
 * with the repair; it is sent again, once, to the server that the new connection reached. Where
 * that is not made yet, for a non-blocking program, the call fails with EINPROGRESS, as it does
 * for want of a Fast Open cookie: nothing was taken.
 */
#ifndef NOSELFCONN_FASTOPEN_H
#define NOSELFCONN_FASTOPEN_H

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/types.h>

/* Is fd a TCP socket without a connection, so that MSG_FASTOPEN opens one? Keeps errno. */
bool fastopen_opens(int fd);

/*
 * After a call for which that was so sent *sent bytes of msg, or failed, -1 with errno: repairs
 * a self-connection. True: *sent and errno are what the program is to get instead. False: they
 * are as they were. before is errno at the start of the call.
 */
bool fastopen_repair(int fd, const struct msghdr *msg, int flags, ssize_t *sent, int before);

#endif
