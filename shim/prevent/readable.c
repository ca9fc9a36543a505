/* SPDX-License-Identifier: MIT */
#include "readable.h"

#include "base/sys.h"
#include <errno.h>
#include <stdint.h>
#include <unistd.h>

/*
 * What is surely a stack, up to its top: of the first thread, below whose stack the kernel
 * keeps a gap; and of any other one, unless it runs on memory of its own, as coroutines do.
 */
enum { FIRST_STACK = 8 << 20, ANY_STACK = 8 << 10 };

static uintptr_t top_of_first_stack;

/* The kernel puts the environment above the first thread's stack, until a program moves it. */
void readable_prepare(void)
{
	top_of_first_stack = (uintptr_t)environ;
}

static bool is_below(const void *p, uintptr_t top, uintptr_t size)
{
	uintptr_t at = (uintptr_t)p, here = (uintptr_t)__builtin_frame_address(0);
	return here < top && top - here < size && at >= here && at <= top - READABLE_BYTES;
}

/* Both C libraries keep a thread's own variables, errno among them, above its stack. */
static bool is_on_stack(const void *p)
{
	return is_below(p, (uintptr_t)&errno, ANY_STACK) ||
	       is_below(p, top_of_first_stack, FIRST_STACK);
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
