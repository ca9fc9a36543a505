/* SPDX-License-Identifier: MIT */
/* Descriptors that are passed on or closed. */
#ifndef DESCRIPTORS_H
#define DESCRIPTORS_H

#include <stdbool.h>

/* Closes all but these (-1: none), and leaves the directory, so that nothing of the user's
 * stays in use. */
void keep_only(const int *kept, int count);

/* One from which the signals can be read that this process gets; all are blocked. */
int open_signals(void);

/* Sends and receives an int over a stream socket; false if there is nobody at the other end. */
bool tell(int socket, int value);
bool hear(int socket, int *value);

#endif
