/* SPDX-License-Identifier: MIT */
/*
 * What the program has bound: a self-connection from a port that it bound itself is deliberate.
 */
#ifndef NOSELFCONN_BOUND_H
#define NOSELFCONN_BOUND_H

#include <stdbool.h>

enum port_owner {
	PORT_OF_KERNEL,
	PORT_OF_PROGRAM,
	PORT_OF_UNKNOWN,
};

/*
 * Who chose the port of fd, which was undone? A port that the kernel chose goes with the
 * connection (although getsockname() goes on showing it), one that the program bound stays, and
 * a socket with a port refuses another bind() with EINVAL. If the answer is PORT_OF_KERNEL, the
 * question has given the socket a new port, if choose is true or if that can't be avoided.
 */
enum port_owner bound_port(int fd, bool choose);

#endif
