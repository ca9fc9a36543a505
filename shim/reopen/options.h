/*
 * The socket options that a program may have set before connect(), and their way from a socket
 * to the one that replaces it.
 */
#ifndef NOSELFCONN_OPTIONS_H
#define NOSELFCONN_OPTIONS_H

#include <stdbool.h>

/*
 * Gives the socket to every option that from has, both unconnected and of that domain. True
 * only if each then reads the same on both. False, too, on a kernel that can't tell whether the
 * program has set the buffers' sizes or has changed its network namespace (SO_BUF_LOCK,
 * SO_NETNS_COOKIE; Linux 5.15), or if what can't be read back is in use (a filter, a key for
 * TCP MD5 signatures or TCP-AO, a leased flow label).
 */
bool options_carry(int from, int to, int domain);

#endif
