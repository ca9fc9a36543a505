/*
 * The guard: a socket that keeps the kernel from choosing a port again.
 *
 * A connect() without a port of its own is given any port whose 4-tuple is free, but never one
 * in whose bind bucket a bound socket sits (__inet_hash_connect() passes over a bucket with
 * fastreuse >= 0). Buckets go by port alone, whatever the address or family, so a socket bound
 * to the port on a loopback address that nobody uses keeps every connect() away from it, and
 * stands in the way only of a server that binds the wildcard address without SO_REUSEADDR, for
 * as long as the repair lasts. It never connects, so it leaves nothing behind. (A socket in a
 * VRF has other buckets; the repair looks again after each connect.)
 */
#ifndef NOSELFCONN_GUARD_H
#define NOSELFCONN_GUARD_H

#include "selfconn.h"

/*
 * Guards end->port from now on, also while another socket is still connected from it. Returns a
 * descriptor to close, or -1 where the guard can't be had. Keeps errno.
 */
int guard_port(const struct endpoint *end);

#endif
