/* SPDX-License-Identifier: MIT */
/* The system calls that can open a TCP connection, by every ABI that this machine's kernel has.
 */
#ifndef CALLS_H
#define CALLS_H

#include <linux/seccomp.h>
#include <stdbool.h>
#include <stdint.h>

enum kind {
	CONNECTS,
	SENDS,         /* sendto(), with MSG_FASTOPEN */
	SENDS_MESSAGE, /* sendmsg(), the same */
	SENDS_MESSAGES,
	SOCKETCALL, /* i386: the number of one of these and a pointer to its arguments */
	MAKES_RING  /* io_uring, which then connects with no system call */
};

struct call {
	uint32_t arch, number;
	enum kind kind;
	bool wide; /* pointers in memory have 64 bits */
};

/*
 * Those of one arch are neighbours; the last one, with arch 0, is none. It is the first on a
 * machine that this was not written for.
 */
extern const struct call calls[];

/* Which of them is this? NULL: none. */
const struct call *find_call(const struct seccomp_data *data);

/* What socketcall(2) calls them. */
enum { SOCKETCALL_CONNECT = 3, SOCKETCALL_SENDTO = 11 };
enum { SOCKETCALL_SENDMSG = 16, SOCKETCALL_SENDMMSG = 20 };

#endif
