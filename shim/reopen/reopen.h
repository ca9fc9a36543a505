/*
 * Reopening: another socket takes the place of the one that was connected to itself, under the
 * same descriptor number. It has no history, and that is its merit; it must not show.
 */
#ifndef NOSELFCONN_REOPEN_H
#define NOSELFCONN_REOPEN_H

#include <stdbool.h>

/*
 * Returns a new socket that is the same, for all that this process or another one can see, as
 * the TCP socket fd, which was reset; or -1 where that can't be proved. own is this library's
 * other descriptor of the socket, or fd. The new one is non-blocking; the caller closes it.
 * Keeps errno.
 */
int reopen_alike(int fd, int own);

/*
 * Puts what replacement refers to in the place of fd, if that still refers to the same socket
 * as own, with the descriptor flags that fd has and the file status flags given. False where
 * that can't be done, and then nothing has changed. Keeps errno.
 */
bool reopen_place(int replacement, int fd, int own, int status_flags);

/*
 * Is a closed by now, or another socket than b? Not if it can't be told. For use where another
 * thread may have closed a.
 */
bool reopen_is_other_socket(int a, int b);

#endif
