/* SPDX-License-Identifier: MIT */
/* What the headers of an older system do not have; of sockets, that is base/kernel.h's. */
#ifndef SUPERVISE_KERNEL_H
#define SUPERVISE_KERNEL_H

#include "base/kernel.h"
#include <fcntl.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#ifndef SECCOMP_RET_USER_NOTIF /* the Makefile then leaves the supervisor out */
#error "The kernel's headers are older than Linux 5.0."
#endif

/* System calls have the same numbers on every machine. */
enum { NR_PIDFD_OPEN = 434, NR_CLOSE_RANGE = 436, NR_PIDFD_GETFD = 438 };

enum {
	NOTIF_CONTINUE = 1 << 0, /* SECCOMP_USER_NOTIF_FLAG_CONTINUE, Linux 5.5 */
	WAIT_KILLABLE = 1 << 5,  /* SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, Linux 5.19 */
	OF_THREAD = O_EXCL,      /* PIDFD_THREAD, Linux 6.9 */
};

#endif
