#include "readable.h"

#include "base/sys.h"
#include <errno.h>
#include <stdint.h>

/* A stack as large as this is taken for one. */
enum { LARGEST_STACK = 8 << 20 };

/*
 * Both C libraries keep a thread's own variables, errno among them, above the stack that they
 * made for it. (For the first thread they are elsewhere, and the kernel is asked.)
 */
static bool is_on_stack(const void *p)
{
	uintptr_t at = (uintptr_t)p, here = (uintptr_t)__builtin_frame_address(0);
	uintptr_t top = (uintptr_t)&errno;
	return here < top && top - here < LARGEST_STACK && at >= here &&
	       at <= top - READABLE_BYTES;
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
