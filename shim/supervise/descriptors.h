/* SPDX-License-Identifier: MIT */
/* Descriptors that are passed on or closed. */
#ifndef DESCRIPTORS_H
#define DESCRIPTORS_H

#include <stdbool.h>

/* Closes all but these (-1: none), so that no pipe of the user's stays open. */
void close_all_but(const int *kept, int count);

/* Sends and receives an int over a stream socket. */
bool tell(int socket, int value);
bool hear(int socket, int *value);

#endif
