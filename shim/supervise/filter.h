/* SPDX-License-Identifier: MIT */
/*
 * The seccomp filter of the command and of all that it starts. In every ABI of this machine's
 * kernel, the calls that can open a TCP connection wait until the listener's holder has
 * answered; io_uring_setup() fails with ENOSYS, so that programs do without, as they do in
 * containers. All other calls run as ever.
 */
#ifndef FILTER_H
#define FILTER_H

#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum call {
	CONNECT,
	SENDTO, /* this and the next two with MSG_FASTOPEN */
	SENDMSG,
	SENDMMSG,
	SOCKETCALL,     /* which of the above, and a pointer to its arguments */
	IO_URING_SETUP, /* a ring then connects without a system call */
	CALLS
};

/* Is this process in such a filter already? */
bool is_filtered(void);

/*
 * Installs it for this process, for good, and returns the listener, or -1 and errno: EBUSY if
 * somebody else already listens, ENOTSUP if it was not written for this kind of machine.
 * Without CAP_SYS_ADMIN that takes no_new_privs: set-user-ID programs lose their privilege.
 */
int install_filter(void);

/* Returns CALLS if it is none of them. Sets *word to how many bytes a pointer has there. */
enum call call_of(const struct seccomp_data *data, size_t *word);

#endif
