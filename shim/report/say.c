/* SPDX-License-Identifier: MIT */
#include "say.h"

#include "base/sys.h"
#include "base/uninterrupted.h"
#include <errno.h>
#include <poll.h>

static bool is_pending(int signal)
{
	struct signal_mask pending = {{0}};
	const unsigned bits = 8 * sizeof(unsigned long), bit = (unsigned)signal - 1;
	sys(SYS_rt_sigpending, (long)&pending, sizeof pending, 0, 0, 0, 0);
	return (pending.words[bit / bits] >> bit % bits & 1) != 0;
}

/* Takes back a signal that is blocked. */
static void take_back(int signal)
{
	struct signal_mask set = {{0}};
	const unsigned bits = 8 * sizeof(unsigned long), bit = (unsigned)signal - 1;
	const long no_time[4] = {0}; /* as long as any kernel's timespec */
	set.words[bit / bits] = 1UL << bit % bits;
	sys(SYS_rt_sigtimedwait, (long)&set, 0, (long)no_time, sizeof set, 0, 0);
}

/*
 * The program must not die of it: of SIGPIPE if the reader is gone, or of SIGXFSZ if the file
 * may not grow. Nor must it wait for a reader: a pipe that is ready takes a line at once.
 */
void say(int fd, const struct text *line)
{
	struct pollfd ready = {.fd = fd, .events = POLLOUT};
	const long no_time[4] = {0};
	struct uninterrupted u;

	uninterrupted_begin(&u);
	if (sys(SYS_ppoll, (long)&ready, 1, (long)no_time, 0, 0, 0) == 1) {
		bool broken = is_pending(SIGPIPE), full = is_pending(SIGXFSZ);
		long result = sys_write(fd, line->buf, line->len);
		if (result == -EPIPE && !broken)
			take_back(SIGPIPE);
		if (result == -EFBIG && !full)
			take_back(SIGXFSZ);
	}
	uninterrupted_end(&u);
}
