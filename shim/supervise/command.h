/* SPDX-License-Identifier: MIT */
/* Starts the command, in its filter or without. */
#ifndef COMMAND_H
#define COMMAND_H

#include "family.h"

/* Says what there is to say of a file; error is an errno, or 0. */
void say(const struct family *family, const char *file, const char *what, int error);

/* Does not return: becomes the command, or ends as env(1) does. */
_Noreturn void be_command(const struct family *family);

/*
 * Forks the command, which waits in its filter until an int comes through *gate. Sets that,
 * shared->command and shared->listener; false if it can't be, and shared->obstacle tells why.
 */
bool start_command(const struct family *family, int *gate);

/*
 * In its parent: reaps what has ended, until that is the command. True if this has ended, with
 * its status, or has stopped; sets shared->stopped, and shared->command to 0 at the end.
 */
bool has_news(struct shared *shared, int *status);

#endif
