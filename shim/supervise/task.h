/* SPDX-License-Identifier: MIT */
/* What another task has, its memory and its descriptors, and what its call was told. */
#ifndef TASK_H
#define TASK_H

#include <linux/seccomp.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Copies size bytes of its memory; false and errno if not all can be read. */
bool peek(pid_t task, uint64_t at, void *to, size_t size);

/* Returns another descriptor, here, of what it has open there; -1 and errno if that can't be:
 * EBADF if it has nothing open there. */
int borrow(pid_t task, int fd);

union address {
	/* First: gcc 15 and newer clear no other by default. IPv4 has the port at the same
	 * place. */
	struct sockaddr_in6 in6;
	struct sockaddr any;
};

/* Which socket it wants to connect, and where to. */
struct opening {
	int fd;
	union address to;
};

/* False: to no address of IPv4 or IPv6, or it can't be read. */
bool read_opening(pid_t task, const struct seccomp_data *data, struct opening *opening);

#endif
