/* SPDX-License-Identifier: MIT */
/*
 * The guard: a socket that keeps the kernel from choosing a port again.
 *
 * A connect() without a port of its own is given any port whose 4-tuple is free, but never one
 * in whose bind bucket a bound socket sits (__inet_hash_connect() passes over a bucket with
 * fastreuse >= 0). Buckets go by port alone, whatever the address or family. So the guard is a
 * socket of IPv6 only, bound to an address that nobody has: it keeps every connect() away, and
 * the only server that notices binds the IPv6 wildcard address without SO_REUSEADDR. The guard
 * never connects, so it leaves nothing behind. A VRF has buckets of its own, so the guard is
 * bound to the VRF of the socket.
 */
#ifndef NOSELFCONN_GUARD_H
#define NOSELFCONN_GUARD_H

#include "address.h"

/*
 * Guards end->port from now on, while fd may still be connected from it. Returns a descriptor
 * that the caller closes, or -1 if there can be no guard.
 */
int guard_port(int fd, const struct endpoint *end);

#endif
