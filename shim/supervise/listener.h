/* SPDX-License-Identifier: MIT */
/* Takes the calls that wait, and lets them go on. */
#ifndef LISTENER_H
#define LISTENER_H

#include <linux/seccomp.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * The call that was taken and is not answered yet, or 0, and the last one: in memory that the
 * supervisor shares with its keeper. If the one that took it is killed, it would wait for ever.
 */
struct flight {
	_Atomic uint64_t taken, last;
	struct seccomp_notif call;
};

/* Tells the kernel how to wake who waits; for a listener that was just made. */
void tune_listener(int listener);

/* Takes one call, does what keeps it from a self-connection, and lets it go on. */
void serve(int listener, struct flight *flight);

/* Lets go on what somebody who was killed had taken. */
void land(int listener, struct flight *flight);

/* Has the last task ended that has the filter? (since Linux 5.9) */
bool nobody_is_left(int listener);

#endif
