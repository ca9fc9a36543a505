/* SPDX-License-Identifier: MIT */
/*
 * Who is whose parent:
 *
 *   front        what the user started, and waits for: passes signals on, and the exit status
 *                back
 *   supervisor   in a session of its own, so that no signal to the group meets it
 *   |- keeper    in the front's group: tells the front which signals the group got
 *   `- command   in the front's group and session, as if it were the front
 *
 * The front ends with the command, the supervisor and the keeper with the last process of the
 * tree. All three have the listener. If the supervisor is killed, the front serves it; if the
 * front is gone too, the keeper does.
 *
 * Front and supervisor are subreapers, and so ancestors of all that they supervise, which Yama
 * may ask for.
 */
#ifndef FAMILY_H
#define FAMILY_H

#include "listener.h"

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

/* What all of them have from before they were forked. */
struct family {
	pid_t front;
	char **command;
	const char *subject; /* of what is said */
	bool verbose;
	sigset_t mask;           /* of signals, that the command is to have; we block all */
	sighandler_t on_child;   /* what it is to do on SIGCHLD: the default, or nothing */
	int front_end, news_end; /* the supervisor tells the front the command's status */
	int asks_end,
	        witness_end; /* the front asks the keeper whether its group got a signal */
	struct shared {
		struct obstacle {
			const char *what;
			int error;     /* an errno, or 0 */
		} obstacle;            /* why the command can't be supervised */
		pid_t command, keeper; /* 0: ended */
		int listener;          /* the supervisor's descriptor */
		union flight flight;
		_Atomic bool stopped; /* is the command, as far as is known? */
	} * shared;
};

void say(const char *subject, const char *what);

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
 * shared->command and shared->listener; false if it can't be, and shared->obstacle tells why.
 */
bool start_command(const struct family *family, int *gate);

/*
 * In its parent: reaps what has ended, until that is the command. True if this has ended, with
 * its status, or has stopped or goes on; sets shared->stopped, and shared->command to 0 at the
 * end.
 */
bool has_news(struct shared *shared, int *status);

/* Does not return if the command runs supervised; else shared->obstacle tells why not. */
void be_front(struct family *family);

/*
 * Does not return. Tells the front that the command runs, by an int, and each time that it has
 * stopped or ended, by its status, as of wait(2); lets it stop by SIGSTOP, and go on, itself.
 * Tells nothing if it can't be supervised.
 */
_Noreturn void be_supervisor(struct family *family);

#endif
