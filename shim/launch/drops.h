/* SPDX-License-Identifier: MIT */
/*
 * Commands that start others without the LD_PRELOAD that they were given.
 */
#ifndef NOSELFCONN_DROPS_H
#define NOSELFCONN_DROPS_H

#include <stdbool.h>

/* Is command known to do that? */
bool drops_preload(char *const *command);

#endif
