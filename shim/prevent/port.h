/* SPDX-License-Identifier: MIT */
/*
 * A port of its own for a socket that is about to connect, for kernels before Linux 6.3.
 */
#ifndef NOSELFCONN_PORT_H
#define NOSELFCONN_PORT_H

#include <netinet/in.h>
#include <stdbool.h>

/*
 * Binds fd, a TCP socket that is not connected, to a port of the kernel's choice, so that its
 * connect() to a destination with this port (in network byte order) does not choose that one.
 * It goes with the connection: nothing shows that it was not connect() that chose it, unless
 * the call fails before a segment is sent.
 *
 * Not done if the program has bound a port, or an address may be shared (SO_REUSEADDR): then
 * connect() might find the 4-tuple taken. Nor for a port of the other parity than the lower end
 * of the range: connect() chooses these last, bind() first.
 *
 * A port that is bound is nobody else's, whatever the destination, also in TIME_WAIT. So no
 * more than a sixteenth of the range is given away in a minute, beside those that are refused.
 * Returns whether fd has got a port.
 */
bool port_take(int fd, in_port_t port);

/* To be called if the call failed before a segment was sent: takes the port away again. */
void port_give_back(int fd);

/* To be called if a socket that got one has lost it by now: it was refused. */
void port_is_free_again(void);

#endif
