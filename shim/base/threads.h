/* SPDX-License-Identifier: MIT */
/*
 * Has the program more than one thread?
 */
#ifndef NOSELFCONN_THREADS_H
#define NOSELFCONN_THREADS_H

#include <stdbool.h>
#include <stddef.h>

/* glibc 2.32 and newer tell. Elsewhere it is not known, and several are assumed. */
extern char __libc_single_threaded __attribute__((weak));

static inline bool is_single_threaded(void)
{
	return &__libc_single_threaded != NULL && __libc_single_threaded != 0;
}

#endif
