/* SPDX-License-Identifier: MIT */
/* The network namespace that a socket is in, and the ports that the kernel chooses from there.
 */
#ifndef RANGE_H
#define RANGE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* To be called once before the others. */
void open_range(void);

/*
 * Is the socket in our network namespace, as far as can be told? Before Linux 5.14 the socket
 * does not tell, and that of the task is taken for it.
 */
bool in_our_namespace(int fd, pid_t task);

struct range {
	int low, high;
};

/* The range of our network namespace; false if it can't be told: no /proc. */
bool read_range(struct range *range);

/*
 * The socket's own range, as IP_LOCAL_PORT_RANGE has it: low in the lower half, high in the
 * upper; 0 is an end that it does not have. What cut_range() has left there is undone first.
 */
uint32_t own_range(int fd);
bool set_own_range(int fd, uint32_t own);

/* Leaves port out of what the socket, which has no range of its own, may choose: keeps the part
 * of range on one side of it. False if that can't be: before Linux 6.3, and for MPTCP later. */
bool cut_range(int fd, const struct range *range, int port);

#endif
