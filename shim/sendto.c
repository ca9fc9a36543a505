/* sendto(), in front of libc's, which opens a TCP connection with MSG_FASTOPEN: see fastopen.h.
 */
#undef _GNU_SOURCE /* with it, glibc declares sendto() with a union for its addr */
#include "fastopen.h"
#include "next.h"
#include <errno.h>

__attribute__((visibility("default"))) ssize_t
sendto(int fd, const void *buf, size_t n, int flags, const struct sockaddr *addr, socklen_t len)
{
	if (!fastopen_opens(fd, flags))
		return next_sendto(fd, buf, n, flags, addr, len);

	int before = errno;
	ssize_t sent = next_sendto(fd, buf, n, flags, addr, len);
	struct iovec iov = {.iov_base = (void *)buf, .iov_len = n};
	struct msghdr msg = {
	        .msg_name = (void *)addr, .msg_namelen = len, .msg_iov = &iov, .msg_iovlen = 1};
	fastopen_repair(fd, &msg, flags, &sent, before);
	return sent;
}
