/* SPDX-License-Identifier: MIT */
/* Takes the calls that wait, and lets them go on. */
#ifndef LISTENER_H
#define LISTENER_H

#include <linux/seccomp.h>
#include <stdatomic.h>
#include <stdint.h>

/*
 * The call that was taken and is not answered yet, or 0, and the last one: in memory that all
 * who have the listener share. If the one that took it is killed, it would wait for ever.
 */
struct flight {
	_Atomic uint64_t taken, last;
	struct seccomp_notif call;
};

/* Takes one call, does what keeps it from a self-connection, and lets it go on. */
void serve(int listener, struct flight *flight);

/* Begins to serve after somebody who was killed: lets go on what that one had taken. */
void take_over(int listener, struct flight *flight);

#endif
