/* SPDX-License-Identifier: MIT */
/*
 * Carries over the options that a program may have set before connect(), from a socket to the
 * one that replaces it.
 */
#ifndef NOSELFCONN_OPTIONS_H
#define NOSELFCONN_OPTIONS_H

/* Sets on the socket to every option of from that differs; both are of that domain. */
void options_carry(int from, int to, int domain);

#endif
