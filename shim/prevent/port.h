/* SPDX-License-Identifier: MIT */
/*
 * The port of a socket that is about to connect: not the destination's, and for kernels before
 * Linux 6.3 one of its own.
 */
#ifndef NOSELFCONN_PORT_H
#define NOSELFCONN_PORT_H

#include <netinet/in.h>
#include <stdbool.h>

/*
 * If fd, a socket of TCP that is not connected, is bound to port, takes that away from it,
 * unless the program itself chose it. True if it is not known which of these. Does nothing
 * behind a seccomp filter, if fd is in TCP_REPAIR mode, or if it has tried to connect before.
 */
bool port_drop(int fd, in_port_t port);

/*
 * Binds fd, a TCP socket that is not connected, to a port of the kernel's choice, so that its
 * connect() to a destination with this port (in network byte order) does not choose that one.
 * It goes with the connection: nothing shows that it was not connect() that chose it, unless
 * the call fails before a segment is sent.
 *
 * A port that is bound is nobody else's, whatever the destination, as long as the connection
 * and its TIME_WAIT last. So no more than a sixteenth of the range is given away in a minute,
 * and nothing in a process that has more descriptors open. After that a socket gets a port only
 * if the last call to this destination's port was refused: such a call gives it back. Not done
 * either if the socket has a port, unless that was dropped. Returns whether fd has got one.
 *
 * The guard (guard.h) would prevent the rest, and touch nothing of the socket. But no child may
 * inherit it, and a thread that has it for itself (own_table.h) costs too much: 13 us, and 280
 * if the program has 5,000 descriptors.
 */
bool port_take(int fd, in_port_t port, bool dropped);

/* To be called if the call failed before a segment was sent: takes the port away again. */
void port_give_back(int fd);

/* To be called if a connection to port was refused; taken, if the socket had got a port here.
 */
void port_was_refused(in_port_t port, bool taken);

#endif
