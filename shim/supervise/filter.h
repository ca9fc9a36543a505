/* SPDX-License-Identifier: MIT */
/*
 * The seccomp filter of the command and of all that it starts. The calls that can open a TCP
 * connection wait until the listener's holder has answered; io_uring_setup() fails with ENOSYS,
 * so that programs do without, as they do in containers. All other calls run as ever.
 */
#ifndef FILTER_H
#define FILTER_H

#include <stdbool.h>

/* Is this process in such a filter already? */
bool is_filtered(void);

/*
 * Installs it for this process, for good, and returns the listener, or -1 and errno: EBUSY if
 * somebody else already listens. Without CAP_SYS_ADMIN that takes no_new_privs: set-user-ID
 * programs lose their privilege.
 */
int install_filter(void);

#endif
