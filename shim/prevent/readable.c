/* SPDX-License-Identifier: MIT */
#include "readable.h"

#include "base/sys.h"
#include <errno.h>
#include <stdint.h>
#include <unistd.h>

/* A stack as large as this is taken for one. */
enum { LARGEST_STACK = 8 << 20 };

static uintptr_t top_of_first_stack;

/* The kernel puts the environment above the first thread's stack, until a program moves it. */
void readable_prepare(void)
{
	top_of_first_stack = (uintptr_t)environ;
}

static bool is_below(const void *p, uintptr_t top)
{
	uintptr_t at = (uintptr_t)p, here = (uintptr_t)__builtin_frame_address(0);
	return here < top && top - here < LARGEST_STACK && at >= here &&
	       at <= top - READABLE_BYTES;
}

/* Both C libraries keep a thread's own variables, errno among them, above its stack. */
static bool is_on_stack(const void *p)
{
	return is_below(p, (uintptr_t)&errno) || is_below(p, top_of_first_stack);
}

/* The kernel copies the set before it finds that there is no such way to change a mask. */
bool is_readable(const void *p)
{
	const int no_such_how = -1;
	if (p == NULL)
		return false;
	return is_on_stack(p) || sys(SYS_rt_sigprocmask, no_such_how, (long)p, 0,
	                             READABLE_BYTES, 0, 0) == -EINVAL;
}
