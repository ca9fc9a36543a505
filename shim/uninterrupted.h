/*
 * A stretch that nothing may cut short: with signals blocked, no handler can jump out of it
 * with siglongjmp(3), or find it half done; with cancellation disabled, the thread can't end in
 * it. Only what never waits belongs inside.
 */
#ifndef NOSELFCONN_UNINTERRUPTED_H
#define NOSELFCONN_UNINTERRUPTED_H

#include <signal.h>
#include <stdbool.h>

/* As rt_sigprocmask(2) has it. */
struct signal_mask {
	unsigned long words[(_NSIG - 1) / 8 / sizeof(unsigned long)];
};

struct uninterrupted {
	struct signal_mask mask; /* of the thread, before, if it could be changed */
	bool masked;
	int cancelstate; /* of the thread, before */
	int canceltype;
};

void uninterrupted_begin(struct uninterrupted *u);

/* What came meanwhile happens now: handlers run, a cancelled thread may end here. */
void uninterrupted_end(const struct uninterrupted *u);

#endif
