/*
 * A stretch that nothing may cut short: with all signals blocked, no handler can jump out of it
 * with siglongjmp(3), or find it half done; with cancellation disabled, the thread can't end in
 * it. Only what never waits belongs inside.
 */
#ifndef NOSELFCONN_HOLD_H
#define NOSELFCONN_HOLD_H

#include <signal.h>
#include <stdbool.h>

struct hold {
	sigset_t mask; /* of the thread, before, if it could be changed */
	bool masked;
	int cancelstate; /* of the thread, before */
	int canceltype;
};

/* Keeps errno. */
void hold_begin(struct hold *h);

/* What came meanwhile happens now: handlers run, a cancelled thread may end here. Keeps errno.
 */
void hold_end(const struct hold *h);

#endif
