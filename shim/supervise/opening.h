/* SPDX-License-Identifier: MIT */
/* What a call that opens a connection was told. */
#ifndef OPENING_H
#define OPENING_H

#include <linux/seccomp.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <sys/types.h>

union address {
	struct sockaddr_in6 in6; /* first: gcc 15 and newer clear no other by default */
	struct sockaddr_in in;   /* its port is at the same place */
	struct sockaddr any;
};

struct opening {
	int fd;
	union address to;
};

/* Reads it from the memory of the task. False: to no address of IPv4 or IPv6, or it can't be
 * read. */
bool read_opening(pid_t task, const struct seccomp_data *data, struct opening *opening);

#endif
