/* SPDX-License-Identifier: MIT */
/* What another task has: its memory and its descriptors. */
#ifndef TASK_H
#define TASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Copies size bytes of its memory; false and errno if not all can be read. */
bool peek(pid_t task, uint64_t at, void *to, size_t size);

/* Returns another descriptor, here, of what it has open there; -1 and errno if that can't be.
 */
int borrow(pid_t task, int fd);

#endif
