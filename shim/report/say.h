/*
 * A line for a person to read, written without memory of the heap or a lock.
 */
#ifndef NOSELFCONN_SAY_H
#define NOSELFCONN_SAY_H

#include "text.h"

/*
 * Writes line to fd with one write(2), unless fd would have to be waited for. Nothing can be
 * done, or said, about a line that can't be written. Raises no signal.
 */
void say(int fd, const struct text *line);

#endif
