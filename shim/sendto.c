/* sendto(), in front of libc's, which opens a TCP connection with MSG_FASTOPEN: see fastopen.h.
 */
#undef _GNU_SOURCE /* with it, glibc declares sendto() with a union for its addr */
#include "fastopen.h"
#include "next.h"
#include <errno.h>

/* Out of line, to keep the way of all other sends short. */
__attribute__((noinline)) static ssize_t sendto_opening(int fd, const void *buf, size_t n,
                                                        int flags, const struct sockaddr *addr,
                                                        socklen_t len)
{
	int before = errno;
	bool opens = fastopen_opens(fd);
	ssize_t sent = next_sendto(fd, buf, n, flags, addr, len);
	struct iovec iov = {.iov_base = (void *)buf, .iov_len = n};
	struct msghdr msg = {
	        .msg_name = (void *)addr, .msg_namelen = len, .msg_iov = &iov, .msg_iovlen = 1};
	if (opens)
		fastopen_repair(fd, &msg, flags, &sent, before);
	return sent;
}

__attribute__((visibility("default"))) ssize_t
sendto(int fd, const void *buf, size_t n, int flags, const struct sockaddr *addr, socklen_t len)
{
	if ((flags & MSG_FASTOPEN) != 0)
		return sendto_opening(fd, buf, n, flags, addr, len);
	return next_sendto(fd, buf, n, flags, addr, len);
}
