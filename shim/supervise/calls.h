/* SPDX-License-Identifier: MIT */
/* The system calls that can open a TCP connection, in every ABI of this machine's kernel. */
#ifndef CALLS_H
#define CALLS_H

#include <linux/seccomp.h>
#include <stdbool.h>
#include <stdint.h>

enum call {
	CONNECT,
	SENDTO, /* this and the next two with MSG_FASTOPEN */
	SENDMSG,
	SENDMMSG,
	SOCKETCALL,     /* i386: which of the above, and a pointer to its arguments */
	IO_URING_SETUP, /* a ring then connects without a system call */
	CALLS
};

/* The numbers that one ABI has for them, or NO_CALL. */
struct abi {
	uint32_t arch, numbers[CALLS];
};
#define NO_CALL UINT32_MAX

/* The last one has arch 0. On a machine that this was not written for it is the first. */
extern const struct abi abis[];

/* Returns CALLS if it is none of them. */
enum call call_of(const struct seccomp_data *data);

/* Do pointers in memory have 64 bits there? */
bool is_wide(const struct seccomp_data *data);

#endif
