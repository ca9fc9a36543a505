/* SPDX-License-Identifier: MIT */
/* The network namespace that a socket is in, and the ports that the kernel chooses from there.
 */
#ifndef RANGE_H
#define RANGE_H

#include <stdbool.h>
#include <sys/types.h>

struct range {
	int low, high;
	bool own; /* the socket has one, which is not wider than the namespace's */
};

/* To be called before the others, and before the descriptors are counted. */
void open_range(void);

/* The descriptor that open_range() left open, or -1. */
int range_fd(void);

/*
 * Is the socket in our network namespace, as far as can be told? Before Linux 5.14 the socket
 * does not tell, and that of the task is taken for it.
 */
bool in_our_namespace(int fd, pid_t task);

/* The range for a socket of our network namespace; false if it can't be told: no /proc. */
bool range_of(int fd, struct range *range);

/* Leaves port out of the socket's range, of which the part on one side of it is kept. False if
 * that can't be: before Linux 6.3, and for MPTCP later than that. */
bool cut_range(int fd, const struct range *range, int port);

/*
 * The same whatever the namespace: leaves out what is not below port, or not above it. If that
 * is all, the kernel ignores it. Returns what restore_range() needs.
 */
unsigned halve_range(int fd, int port, bool below);
void restore_range(int fd, unsigned before);

#endif
