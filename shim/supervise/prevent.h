/* SPDX-License-Identifier: MIT */
/*
 * Takes the calls that wait, keeps the kernel from choosing the port that they connect to, and
 * lets them go on.
 */
#ifndef PREVENT_H
#define PREVENT_H

#include <linux/seccomp.h>

/*
 * The call that was taken and is not answered yet, if its id is not 0: in memory that all who
 * have the listener share, where the kernel itself writes it. If the one that took it is
 * killed, the next one knows of it; nobody else could let it go on.
 */
union flight {
	struct seccomp_notif call;
	char room[1024]; /* for a kernel that tells more */
};

/* Takes one call, does what keeps it from a self-connection, and lets it go on. */
void serve(int listener, union flight *flight);

/* Begins to serve; after somebody who was killed, with what that one had taken. */
void take_over(int listener, union flight *flight);

#endif
