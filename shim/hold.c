#include "hold.h"

#include <errno.h>
#include <pthread.h>
#include <stddef.h>

void hold_begin(struct hold *h)
{
	sigset_t all;
	int before = errno;
	sigfillset(&all);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &h->cancelstate);
	sigprocmask(SIG_BLOCK, &all, &h->mask); /* of this thread only, on Linux */
	errno = before;
}

void hold_end(const struct hold *h)
{
	int before = errno;
	sigprocmask(SIG_SETMASK, &h->mask, NULL);
	pthread_setcancelstate(h->cancelstate, NULL);
	errno = before;
}
