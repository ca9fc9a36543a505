/* SPDX-License-Identifier: MIT */
/*
 * What happens once, when the library is loaded: it looks up the next functions and reads the
 * environment.
 */
#ifndef NOSELFCONN_LOAD_H
#define NOSELFCONN_LOAD_H

#include <stdatomic.h>
#include <stdbool.h>

extern _Atomic bool loaded;

void load(void);

/*
 * Every function that a program may call calls this first: another library's constructor may
 * connect before ours has run. Threads that come here at once come to the same result, so there
 * is no lock.
 */
static inline void load_once(void)
{
	if (!atomic_load_explicit(&loaded, memory_order_acquire))
		load();
}

#endif
