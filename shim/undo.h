/* SPDX-License-Identifier: MIT */
/*
 * Undoing a connection in place: connect() with AF_UNSPEC aborts it with an RST and turns the
 * socket back into what the program had configured, in every process that has a copy of it.
 * The functions here restore what the kernel forgets on that way.
 */
#ifndef NOSELFCONN_UNDO_H
#define NOSELFCONN_UNDO_H

#include <stdbool.h>

/* Options that read the same before and after connect(), but not after an undo. */
enum { FORGOTTEN_OPTIONS = 3 };

/* What the program had set and tcp_disconnect() forgets; 0 means not set. */
struct forgotten {
	int maxseg;       /* TCP_MAXSEG */
	int window_clamp; /* TCP_WINDOW_CLAMP */
	int options[FORGOTTEN_OPTIONS];
	bool known[FORGOTTEN_OPTIONS]; /* those that the kernel has */
};

/* Reads what an undo would forget from fd, which is self-connected or not connected. */
struct forgotten undo_remember(int fd);

/* Aborts the connection of fd, and leaves no error pending; false if the kernel refuses to. */
bool undo(int fd);

/* Sets on fd, which is not connected, what the undo of it, or of another socket, forgot. */
void undo_restore(int fd, const struct forgotten *f);

/*
 * Makes fd auto-tune its send buffer from where a new socket starts, as fresh, a socket that
 * was never connected, shows. Leaves a size alone that the program has set, which locks it.
 * (If the program has unlocked it again, nobody can know it: the self-connection has tuned it.)
 */
void undo_send_buffer(int fd, int fresh);

#endif
