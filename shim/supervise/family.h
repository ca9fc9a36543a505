/* SPDX-License-Identifier: MIT */
/*
 * Who is whose parent:
 *
 *   front        what the user started, and waits for: passes signals on, and the exit status
 *   |            back
 *   |- witness   in the front's group: tells the front which signals the group got
 *   `- supervisor    in a session of its own, so that no signal to the group meets it
 *      `- command    in the front's group and session, as if it were the front
 *
 * If the supervisor is killed, the front serves in its place. The front and the witness end
 * with the command, the supervisor with the last process of the tree. If that is later, the
 * front, or if it was killed the supervisor, leaves
 *
 *   keeper       which then serves if the supervisor is killed
 *
 * Front and supervisor are subreapers, and so ancestors of all that they supervise, which Yama
 * may ask for.
 */
#ifndef FAMILY_H
#define FAMILY_H

#include "prevent.h"

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

/* What all of them have from before they were forked. */
struct family {
	pid_t front;
	char **command;
	const char *subject; /* of what is said */
	bool quiet, verbose;
	sigset_t mask;           /* of signals, that the command is to have; we block all */
	sighandler_t on_child;   /* what it is to do on SIGCHLD: the default, or nothing */
	int front_end, news_end; /* the supervisor tells the front the command's status */
	int listener;
	struct shared {
		pid_t command; /* 0: ended */
		union flight flight;
		_Atomic bool stopped; /* is the command, as far as is known? */
	} * shared;
};

void say(const char *subject, const char *what);

/* Says why the command can't be supervised; error is an errno, or 0. Returns false. */
bool fail(const struct family *family, const char *what, int error);

/* Sends and receives an int over a stream socket; false if there is nobody at the other end. */
bool tell(int socket, int value);
bool hear(int socket, int *value);

/* Closes all descriptors but these (-1: none), and leaves the directory, so that nothing of the
 * user's stays in use. */
void keep_only(const int *kept, int count);

/* One from which the signals can be read that this process gets. */
int open_signals(void);

/* Does not return: becomes the command, or ends as env(1) does. */
_Noreturn void be_command(const struct family *family);

/*
 * Forks the command, which waits in its filter until an int comes through *gate. Sets that,
 * shared->command and listener; says why if it can't be, and returns
 * false.
 */
bool start_command(struct family *family, int *gate);

/*
 * In its parent: reaps what has ended, until that is the command. True if this has ended, with
 * its status, or has stopped or goes on; sets shared->stopped, and shared->command to 0 at the
 * end.
 */
bool has_news(struct shared *shared, int *status);

/* Does not return if the command runs supervised; else says why not. */
void be_front(struct family *family);

/* Forks the keeper of a supervisor that has this pidfd, and closes that. */
void leave_keeper(struct family *family, int supervisor);

/*
 * Does not return. Tells the front that the command runs, by the listener's number, and each
 * time that it has stopped or ended, by its status, as of wait(2); lets it stop by SIGSTOP, and
 * go on, itself. Tells nothing if it can't be supervised.
 */
_Noreturn void be_supervisor(struct family *family);

#endif
