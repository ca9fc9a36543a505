/* SPDX-License-Identifier: MIT */
/*
 * Who is whose parent:
 *
 *   front        what the user started, and waits for: passes signals on, and the exit status
 * back supervisor   in a session of its own, so that no signal to the group meets it; a
 * subreaper, so that it is an ancestor of all that it supervises, which Yama may ask for
 *   |- keeper    has the listener too, and takes over if the supervisor is killed
 *   `- command   in the front's group and session, as if it were the front
 *
 * The front ends with the command, the supervisor and the keeper with the last process of the
 * tree.
 */
#ifndef FAMILY_H
#define FAMILY_H

#include "listener.h"

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

/* What all of them have from before they were forked. */
struct family {
	char **command;
	const char *subject; /* of what is said */
	bool verbose;
	sigset_t mask;             /* of signals, that the command is to have */
	int front_end, news_end;   /* the supervisor tells the front what happens */
	int asks_end, witness_end; /* the front asks the keeper what its group got */
	struct shared {
		struct flight flight;
		_Atomic bool stopped; /* is the command, as far as the supervisor knows? */
	} * shared;
};

/* From the supervisor to the front. */
struct news {
	enum what { UNABLE, RUNS, STOPPED, ENDED } what;
	int value;  /* an errno; the command's pid; its status, as of wait(2) */
	int detail; /* UNABLE: an obstacle; ENDED: was it the last process of the tree? */
};

/* What can be in the way of supervising. */
enum obstacle { NO_PROCESS, NO_FILTER, NO_SOCKETS, NO_MEMORY };

/* Does not return. The parent is the front. */
_Noreturn void be_supervisor(struct family *family);

/* Does not return if the command runs supervised; else says what is in the way, with an errno.
 */
enum obstacle be_front(struct family *family, int *error);

/* Does not return: becomes the command, or ends as env(1) does. */
_Noreturn void be_command(const struct family *family);

#endif
