/* SPDX-License-Identifier: MIT */
/*
 * Carries over the options that a program may have set before connect(), from a socket to the
 * one that replaces it.
 */
#ifndef NOSELFCONN_OPTIONS_H
#define NOSELFCONN_OPTIONS_H

#include <stdbool.h>

/*
 * Sets on the socket to every option that from has; both are unconnected and of that domain.
 * True only if each option then reads the same on both. False, too, on a kernel that can't tell
 * whether the program has set the buffers' sizes (SO_BUF_LOCK; Linux 5.15), which then are not
 * carried over, or if the program uses something that can't be read (a filter, a key for TCP
 * MD5 signatures or TCP-AO, a leased flow label).
 */
bool options_carry(int from, int to, int domain);

#endif
