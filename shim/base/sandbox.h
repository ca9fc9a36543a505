/* SPDX-License-Identifier: MIT */
/*
 * Is a seccomp filter in force? It may end the process for a call that it does not expect, so
 * the library then makes only the calls that libnoselfconn(7) lists.
 */
#ifndef NOSELFCONN_SANDBOX_H
#define NOSELFCONN_SANDBOX_H

#include "sys.h"
#include <errno.h>
#include <stdbool.h>
#include <sys/prctl.h>

/* A kernel without seccomp says EINVAL; a filter may refuse even the question. */
static inline bool is_sandboxed(void)
{
	int mode = sys_prctl(PR_GET_SECCOMP);
	return mode != 0 && mode != -EINVAL;
}

#endif
