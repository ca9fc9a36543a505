/* SPDX-License-Identifier: MIT */
/*
 * Another socket in place of one that can't be undone. Its options can be carried over, its
 * history, duplicates and epoll registrations can't.
 */
#ifndef NOSELFCONN_REPLACE_H
#define NOSELFCONN_REPLACE_H

#include <stdbool.h>
#include <sys/socket.h>

/*
 * Returns a new socket like own, unconnected, with as many of its options as can be carried
 * over; or -1. The caller closes it.
 */
int replacement(int own, sa_family_t family);

/*
 * Installs the socket new in place of fd, with the descriptor flags of fd and the file status
 * flags given. False if that fails, and then nothing has changed. new stays open.
 */
bool replace(int new, int fd, int status_flags);

#endif
