/*
 * Reopening: another socket takes the place of the one that was connected to itself, under the
 * same descriptor number.
 *
 * What that buys: the new socket has no history. What an undo leaves behind on the old one can
 * show in one field, tcpi_rcv_space. What it costs: the new socket must not show either, so
 * everything that the program may have set is carried over and compared, and nobody else may
 * hold the old one. Measured on Linux 6.18, a repair that reopens makes some 400 system calls,
 * one in place some 70.
 *
 * It is done if all of this can be proved, and it is not tried if that is hopeless: in a
 * program with several threads, behind a seccomp filter, on a host with many processes, for a
 * socket that is not one of TCP or that the program has bound.
 */
#ifndef NOSELFCONN_REOPEN_H
#define NOSELFCONN_REOPEN_H

#include <stdbool.h>
#include <sys/socket.h>

/*
 * Returns a new socket that is the same, for all that this process or another one can see, as
 * the TCP socket fd, which was undone; or -1 if that can't be proved. own is this library's
 * other descriptor of the socket, or fd; status_flags are fd's, or -1. The new socket is
 * non-blocking; the caller closes it, or hands it to reopen_place().
 */
int reopen_alike(int fd, int own, int status_flags);

/*
 * Installs what new refers to in the place of fd, if that still refers to the same socket as
 * own, with the descriptor flags that fd has and the file status flags given. False if that
 * can't be done, and then nothing has changed. new stays open.
 */
bool reopen_place(int new, int fd, int own, int status_flags);

/*
 * Returns a socket that can stand for own, which can't be undone, with as many of its options
 * as can be carried over; or -1. The caller closes it.
 */
int reopen_unconnected(int own, sa_family_t family);

#endif
