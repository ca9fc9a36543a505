/* SPDX-License-Identifier: MIT */
/* The supervisor's own work. */
#ifndef SUPERVISOR_H
#define SUPERVISOR_H

#include "family.h"

/*
 * Serves the listener, reaps, keeps a keeper, and tells the front of command (0: there is
 * none). Ends the process when the last one of the tree has ended.
 */
_Noreturn void watch(struct family *family, int listener, pid_t command);

#endif
