/*
 * sendmsg() and sendmmsg(), in front of libc's, which open a TCP connection with MSG_FASTOPEN:
 * see fastopen.h.
 */
#undef _GNU_SOURCE /* with it, the C libraries differ in how they declare sendmmsg() */
#include "fastopen.h"
#include "next.h"
#include <errno.h>

__attribute__((visibility("default"))) ssize_t sendmsg(int fd, const struct msghdr *msg,
                                                       int flags)
{
	if (!fastopen_opens(fd, flags))
		return next_sendmsg(fd, msg, flags);

	int before = errno;
	ssize_t sent = next_sendmsg(fd, msg, flags);
	fastopen_repair(fd, msg, flags, &sent, before);
	return sent;
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
__attribute__((visibility("default"))) int sendmmsg(int fd, struct mmsghdr *msgs, unsigned n,
                                                    int flags)
{
	if (!fastopen_opens(fd, flags))
		return next_sendmmsg(fd, msgs, n, flags);

	int before = errno;
	int count = next_sendmmsg(fd, msgs, n, flags);
	if (count == 0)
		return 0;
	ssize_t sent = count < 0 ? -1 : (ssize_t)msgs[0].msg_len;
	if (!fastopen_repair(fd, &msgs[0].msg_hdr, flags, &sent, before))
		return count;
	if (sent < 0)
		return -1;
	msgs[0].msg_len = (unsigned)sent;
	return 1;
}
