/* SPDX-License-Identifier: MIT */
/*
 * sendmsg() and sendmmsg(), in front of libc's, which open a TCP connection with MSG_FASTOPEN:
 * see fastopen.h.
 */
#undef _GNU_SOURCE /* with it, the C libraries differ in how they declare sendmmsg() */
#undef _TIME_BITS  /* with 64, glibc declares these with the names at the bottom */
#include "base/kernel.h"
#include "fastopen.h"
#include "load.h"
#include "next.h"
#include "prevent/readable.h"
#include <stddef.h>
#include <string.h>

/* Out of line, to keep the path of all other sends short. */
__attribute__((noinline)) static ssize_t sendmsg_opening(int fd, const struct msghdr *msg,
                                                         int flags)
{
	struct fastopen f = fastopen_begin_message(fd, flags, msg);
	ssize_t sent;
	do
		sent = f.apart ? fastopen_apart_message(&f, msg) : next_sendmsg(fd, msg, flags);
	while (fastopen_otherwise(&f, sent));
	if (fastopen_end(&f, &sent))
		sent = next_sendmsg(fd, msg, flags & ~MSG_FASTOPEN);
	return sent;
}

__attribute__((visibility("default"))) ssize_t sendmsg(int fd, const struct msghdr *msg,
                                                       int flags)
{
	load_once();
	if ((flags & MSG_FASTOPEN) != 0)
		return sendmsg_opening(fd, msg, flags);
	return next_sendmsg(fd, msg, flags);
}

/* sendmmsg(2)'s. */
struct mmsghdr {
	struct msghdr msg_hdr;
	unsigned msg_len;
};

int sendmmsg(int fd, struct mmsghdr *msgs, unsigned n, int flags);

/*
 * The first message opens the connection, and the call can send only that one (MSG_FASTOPEN is
 * an error for the second). After a repair it is sent again.
 */
__attribute__((noinline)) static int sendmmsg_opening(int fd, struct mmsghdr *msgs, unsigned n,
                                                      int flags)
{
	struct fastopen f = fastopen_begin_message(fd, flags, msgs);
	char *len = (char *)msgs + offsetof(struct mmsghdr, msg_len), *end = (char *)(msgs + 1);
	unsigned before = 0;
	if (f.opens && is_readable(end - READABLE_BYTES))
		memcpy(&before, len, sizeof before);
	ssize_t count;
	do
		count = f.apart ? fastopen_apart_message(&f, msgs)
		                : next_sendmmsg(fd, msgs, n, flags);
	while (fastopen_otherwise(&f, count));
	bool has_sent = count > 0;
	if (fastopen_end(&f, &count))
		count = next_sendmmsg(fd, msgs, 1, flags & ~MSG_FASTOPEN);
	if (has_sent && count < 0)
		memcpy(len, &before, sizeof before); /* it has been sent to itself */
	return (int)count;
}

__attribute__((visibility("default"))) int sendmmsg(int fd, struct mmsghdr *msgs, unsigned n,
                                                    int flags)
{
	load_once();
	if ((flags & MSG_FASTOPEN) != 0 && n > 0)
		return sendmmsg_opening(fd, msgs, n, flags);
	return next_sendmmsg(fd, msgs, n, flags);
}

/*
 * glibc's names for them in 32-bit programs that are built with a 64-bit time_t. The functions
 * are the same: only control messages with times in them differ, and these are for receiving.
 */
__attribute__((visibility("default"), alias("sendmsg"))) ssize_t
__sendmsg64(int fd, const struct msghdr *msg, int flags);
__attribute__((visibility("default"), alias("sendmmsg"))) int
__sendmmsg64(int fd, struct mmsghdr *msgs, unsigned n, int flags);
