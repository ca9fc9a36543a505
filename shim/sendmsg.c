/*
 * sendmsg() and sendmmsg(), in front of libc's, which open a TCP connection with MSG_FASTOPEN:
 * see fastopen.h.
 */
#undef _GNU_SOURCE /* with it, the C libraries differ in how they declare sendmmsg() */
#undef _TIME_BITS  /* with 64, glibc declares these with the names at the bottom */
#include "fastopen.h"
#include "next.h"
#include <errno.h>

/* Out of line, to keep the way of all other sends short. */
__attribute__((noinline)) static ssize_t sendmsg_opening(int fd, const struct msghdr *msg,
                                                         int flags)
{
	int before = errno;
	bool opens = fastopen_opens(fd);
	ssize_t sent = next_sendmsg(fd, msg, flags);
	if (opens)
		fastopen_repair(fd, msg, flags, &sent, before);
	return sent;
}

__attribute__((visibility("default"))) ssize_t sendmsg(int fd, const struct msghdr *msg,
                                                       int flags)
{
	if ((flags & MSG_FASTOPEN) != 0)
		return sendmsg_opening(fd, msg, flags);
	return next_sendmsg(fd, msg, flags);
}

/* As sendmmsg(2) has it. */
struct mmsghdr {
	struct msghdr msg_hdr;
	unsigned msg_len;
};

int sendmmsg(int fd, struct mmsghdr *msgs, unsigned n, int flags);

/*
 * The first message opens the connection. After a repair only that one is sent again, and the
 * program is told so: as after any short count, it goes on with the second.
 */
__attribute__((noinline)) static int sendmmsg_opening(int fd, struct mmsghdr *msgs, unsigned n,
                                                      int flags)
{
	int before = errno;
	bool opens = fastopen_opens(fd);
	int count = next_sendmmsg(fd, msgs, n, flags);
	ssize_t sent = count <= 0 ? -1 : (ssize_t)msgs[0].msg_len;
	if (count == 0 || !opens ||
	    !fastopen_repair(fd, &msgs[0].msg_hdr, flags, &sent, before))
		return count;
	if (sent < 0)
		return -1;
	msgs[0].msg_len = (unsigned)sent;
	return 1;
}

__attribute__((visibility("default"))) int sendmmsg(int fd, struct mmsghdr *msgs, unsigned n,
                                                    int flags)
{
	if ((flags & MSG_FASTOPEN) != 0)
		return sendmmsg_opening(fd, msgs, n, flags);
	return next_sendmmsg(fd, msgs, n, flags);
}

/*
 * What glibc calls them in 32-bit programs that are built with a 64-bit time_t. It is the same
 * function: only control messages with times in them differ, and these are for receiving.
 */
__attribute__((visibility("default"), alias("sendmsg"))) ssize_t
__sendmsg64(int fd, const struct msghdr *msg, int flags);
__attribute__((visibility("default"), alias("sendmmsg"))) int
__sendmmsg64(int fd, struct mmsghdr *msgs, unsigned n, int flags);
