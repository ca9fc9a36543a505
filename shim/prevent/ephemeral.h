/* SPDX-License-Identifier: MIT */
/*
 * The ephemeral port range of the network namespace: the ports that the kernel chooses from.
 */
#ifndef NOSELFCONN_EPHEMERAL_H
#define NOSELFCONN_EPHEMERAL_H

#include <stdbool.h>

struct port_range {
	unsigned low, high;
};

/*
 * Read from /proc the first time, and remembered: it may have changed since, or the program may
 * have entered another namespace. If it can't be read, or a seccomp filter is in force, which
 * may not expect an open(), it is taken to be every port that needs no privilege.
 */
struct port_range ephemeral_ports(void);

/*
 * Reads it anew, as after a repair in a program with threads: that was not prevented. False if
 * it can't be read, and what is remembered stays.
 */
bool ephemeral_ports_again(void);

#endif
