/* SPDX-License-Identifier: MIT */
/*
 * The program's memory, before the kernel has accepted it: a bad pointer must give EFAULT,
 * never a crash.
 */
#ifndef NOSELFCONN_READABLE_H
#define NOSELFCONN_READABLE_H

#include <stdbool.h>

/* What can be asked for at once: family, port and IPv4 address of a socket address. */
enum { READABLE_BYTES = 8 };

/*
 * Can READABLE_BYTES at p be read? Memory of the running thread's own stack can; about any
 * other, the kernel is asked with a system call that fails: 0.45 us where getsockname() took
 * 0.8. There is no cheaper answer that is exact: heaps and static data can be unmapped or
 * protected, also since an earlier answer, and the calls that are made anyway, connect() and
 * getsockname(), come after the decision.
 */
bool is_readable(const void *p);

/* To be called when the library is loaded. */
void readable_prepare(void);

#endif
