/* SPDX-License-Identifier: MIT */
/* Writes a line for a person to read, without heap memory or locks. */
#ifndef NOSELFCONN_SAY_H
#define NOSELFCONN_SAY_H

#include "text.h"

/*
 * Writes line to fd with one write(2), unless that would wait. A line that can't be written is
 * lost. Raises no signal.
 */
void say(int fd, const struct text *line);

#endif
