#include "hold.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stddef.h>

/*
 * Signals outermost, so that no handler can jump away and leave cancellation disabled. In glibc
 * (up to 2.40) an asynchronous cancellation that is on its way, as a signal that can't be
 * blocked, ends a thread in the next cancellation point even though cancellation is disabled by
 * then. So there is one here, poll(), while there is nothing to lose; it waits for that signal,
 * and no other is sent from now on.
 */
void hold_begin(struct hold *h)
{
	sigset_t all;
	int before = errno;
	sigfillset(&all);
	h->masked = sigprocmask(SIG_BLOCK, &all, &h->mask) == 0; /* of this thread, on Linux */
	pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &h->canceltype);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &h->cancelstate);
	poll(NULL, 0, 0);
	errno = before;
}

void hold_end(const struct hold *h)
{
	int before = errno;
	pthread_setcancelstate(h->cancelstate, NULL);
	/* glibc (2.36) ends a thread here as it should; in pthread_setcancelstate() it forgets
	 * to say that it was cancelled. */
	pthread_setcanceltype(h->canceltype, NULL);
	if (h->masked && sigprocmask(SIG_SETMASK, &h->mask, NULL) != 0)
		sigprocmask(SIG_SETMASK, &h->mask, NULL); /* must not fail for good */
	errno = before;
}
