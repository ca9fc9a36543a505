/* SPDX-License-Identifier: MIT */
#include "uninterrupted.h"

#include "sys.h"
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stddef.h>

/*
 * Signals that the kernel raises for what the thread does itself: if one of these is blocked,
 * the kernel ends the process instead of calling its handler (force_sig_info()), and some
 * sandboxes answer forbidden calls in a SIGSYS handler. And the two signals that the C
 * libraries use between their threads, because they wait for them.
 */
static const int never_blocked[] = {SIGSYS, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, 32, 33};

static int change_mask(int how, const struct signal_mask *set, struct signal_mask *old)
{
	return (int)sys(SYS_rt_sigprocmask, how, (long)set, (long)old, sizeof *set, 0, 0);
}

/*
 * Signals first, so that no handler can jump away and leave cancellation disabled. In glibc (up
 * to 2.40) an asynchronous cancellation that is on its way, as a signal, ends a thread in the
 * next cancellation point even though cancellation is disabled by then. So there is one here,
 * poll(), while there is nothing to lose; it takes that signal, and no other is sent from now
 * on.
 */
void uninterrupted_begin(struct uninterrupted *u)
{
	const unsigned bits = 8 * sizeof(unsigned long);
	struct signal_mask all;
	for (size_t i = 0; i < sizeof all.words / sizeof all.words[0]; i++)
		all.words[i] = ~0UL;
	for (size_t i = 0; i < sizeof never_blocked / sizeof never_blocked[0]; i++) {
		unsigned bit = (unsigned)never_blocked[i] - 1;
		all.words[bit / bits] &= ~(1UL << bit % bits);
	}
	u->masked = change_mask(SIG_BLOCK, &all, &u->mask) == 0;
	u->canceltype = PTHREAD_CANCEL_DEFERRED;
	u->cancelstate = PTHREAD_CANCEL_ENABLE;
	pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &u->canceltype);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &u->cancelstate);
	int before = errno;
	poll(NULL, 0, 0);
	errno = before;
}

void uninterrupted_end(const struct uninterrupted *u)
{
	pthread_setcancelstate(u->cancelstate, NULL);
	/* glibc (2.36) ends a thread here as it should; in pthread_setcancelstate() it forgets
	 * to say that it was cancelled. */
	pthread_setcanceltype(u->canceltype, NULL);
	if (u->masked && change_mask(SIG_SETMASK, &u->mask, NULL) != 0)
		change_mask(SIG_SETMASK, &u->mask, NULL); /* must not fail for good */
}
