/* SPDX-License-Identifier: MIT */
/*
 * A stretch of code that nothing may cut short: with signals blocked, no handler can jump out
 * of it with siglongjmp(3), or find it half done; with cancellation disabled, the thread can't
 * end in it. It must not wait for anything.
 */
#ifndef NOSELFCONN_UNINTERRUPTED_H
#define NOSELFCONN_UNINTERRUPTED_H

#include <signal.h>
#include <stdbool.h>

/* rt_sigprocmask(2)'s. */
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

/* Signals that arrived meanwhile are handled now; a cancelled thread may end here. */
void uninterrupted_end(const struct uninterrupted *u);

#endif
