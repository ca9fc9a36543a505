/* SPDX-License-Identifier: MIT */
/*
 * Running a command, for the parts of the wrapper.
 */
#ifndef NOSELFCONN_EXECUTE_H
#define NOSELFCONN_EXECUTE_H

#include <limits.h>
#include <stdbool.h>

/* Returns what follows the last slash of path. */
const char *base_name(const char *path);

/* Returns name as a message shows it, on one line, or '' if it is empty. The next call
 * overwrites it. */
const char *shown(const char *name);

/* Finds the file that execvp(name) runs; false if there is none. */
bool find_command(const char *name, char file[PATH_MAX]);

/*
 * Execs the command as execvp(3) does, except that a shell is not given a binary file that the
 * kernel refuses. If that fails, says why and returns the exit status, as of env(1).
 */
int execute(char **command);

#endif
