/* SPDX-License-Identifier: MIT */
/*
 * Reopening: another socket takes the place of the one that was connected to itself, under the
 * same descriptor number.
 *
 * What that buys: the new socket has no history. A socket that was reset in place can show its
 * history in one field, tcpi_rcv_space. What it costs: nobody may notice the new socket either.
 * So everything that the program may have set is carried over and compared, and nobody else may
 * hold the old one. Measured on Linux 6.18, a repair that reopens makes some 400 system calls,
 * one in place some 70.
 *
 * A socket is reopened only if all of this can be proved. It is not tried if that is hopeless:
 * in a program with several threads, behind a seccomp filter, on a host with many processes,
 * and for a socket that is not a TCP socket or that the program has bound.
 */
#ifndef NOSELFCONN_REOPEN_H
#define NOSELFCONN_REOPEN_H

#include <stdbool.h>
#include <sys/socket.h>

/*
 * Returns a new socket that neither this process nor another one can tell from the TCP socket
 * fd, which was undone; or -1 if that can't be proved. own is this library's other descriptor
 * of the socket, or fd; status_flags are fd's, or -1. The new socket is non-blocking; the
 * caller closes it.
 */
int reopen_alike(int fd, int own, int status_flags);

/*
 * Installs the socket new in place of fd, if fd still refers to the same socket as own, with
 * the descriptor flags of fd and the file status flags given. False if that fails, and then
 * nothing has changed. new stays open.
 */
bool reopen_place(int new, int fd, int own, int status_flags);

/*
 * Returns a socket to replace own, which can't be undone, with as many of its options as can be
 * carried over; or -1. The caller closes it.
 */
int reopen_unconnected(int own, sa_family_t family);

#endif
