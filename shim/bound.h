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
 * Whose is the port of fd, which was undone? A port that the kernel chose goes with the
 * connection (getsockname() goes on showing it), one that the program bound stays, and a socket
 * with a port refuses another bind() with EINVAL. Where the answer is PORT_OF_KERNEL, the
 * socket has got a new port by the question, if choose is true, or can't be helped.
 */
enum port_owner bound_port(int fd, bool choose);

/* Can that be asked without a choice: is there IP_BIND_ADDRESS_NO_PORT (Linux 4.2)? */
bool bound_port_is_harmless(int fd);

/*
 * Has the program bound an address on fd, a TCP socket that was undone and has no port? Also
 * true if it can't be told.
 */
bool bound_address(int fd);

#endif
