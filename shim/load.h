/*
 * What is done once, when the library is loaded: the next functions are looked up, and the
 * environment is read.
 */
#ifndef NOSELFCONN_LOAD_H
#define NOSELFCONN_LOAD_H

#include <stdatomic.h>
#include <stdbool.h>

extern _Atomic bool loaded;

void load(void);

/*
 * To be called first by every function that a program may call: another library's constructor
 * may connect before ours has run. What comes of it is the same for threads that come here at
 * once, so there is no lock.
 */
static inline void load_once(void)
{
	if (!atomic_load_explicit(&loaded, memory_order_acquire))
		load();
}

#endif
