/* SPDX-License-Identifier: MIT */
/* Starts the command in its filter. */
#ifndef COMMAND_H
#define COMMAND_H

#include "family.h"

/*
 * Forks the command, which waits in its filter. Returns its pid and sets *listener, and *gate,
 * which let_run() opens; or 0, sets *obstacle and *error, and nothing is left.
 */
pid_t start_command(const struct family *family, int *listener, int *gate,
                    enum obstacle *obstacle, int *error);

void let_run(int gate);

#endif
