/* SPDX-License-Identifier: MIT */
/* Keeps the kernel from choosing the port that a socket connects to. */
#ifndef PREVENT_H
#define PREVENT_H

#include "task.h"

/* To be called once before the other. */
void prepare_to_prevent(void);

/*
 * fd, from task, is about to be connected to to. Does what it needs so that the kernel gives it
 * another port than that. Leaves alone what is no TCP socket, connected, in progress, or bound
 * by the program. Returns 0, or the errno that the call must fail with: there is no other port,
 * or fd is no socket; by the time the kernel looked, it could be one.
 */
int prevent(pid_t task, int fd, const union address *to);

#endif
