/* SPDX-License-Identifier: MIT */
/*
 * What keeps a preload from reaching a command.
 */
#ifndef NOSELFCONN_OBSTACLE_H
#define NOSELFCONN_OBSTACLE_H

#include <limits.h>
#include <stdbool.h>

struct obstacle {
	const char *why; /* for example "is statically linked"; NULL if nothing does */
	char subject[2 * PATH_MAX]; /* the file that this is about; "" if there is no command */
	char library[PATH_MAX];     /* what to preload instead of a path with $LIB, or "" */
	bool private;               /* a supervisor could not help either */
	bool drops;                 /* the command is reached, but not what it starts */
};

/*
 * Finds what keeps preload, a value for LD_PRELOAD, from reaching command, and fills in all but
 * drops. Leaves *it alone if there is no such command: execute() says what is wrong.
 */
void obstacle_find(struct obstacle *it, const char *command, const char *preload);

#endif
