/* SPDX-License-Identifier: MIT */
/* Another descriptor, here, of what a task has open there. */
#ifndef BORROW_H
#define BORROW_H

#include <sys/types.h>

/* -1 and errno, as of pidfd_getfd(2). */
int borrow(pid_t task, int fd);

#endif
