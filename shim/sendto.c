/* SPDX-License-Identifier: MIT */
/*
 * sendto(), in front of libc's, which opens a TCP connection with MSG_FASTOPEN: see fastopen.h.
 */
#undef _GNU_SOURCE /* with it, glibc declares sendto() with a union for its addr */
#include "base/kernel.h"
#include "fastopen.h"
#include "load.h"
#include "next.h"

/* Out of line, to keep the path of all other sends short. */
__attribute__((noinline)) static ssize_t sendto_opening(int fd, const void *buf, size_t n,
                                                        int flags, const struct sockaddr *addr,
                                                        socklen_t len)
{
	struct fastopen f = fastopen_begin(fd, flags, addr, len, n, false);
	ssize_t sent;
	do
		sent = f.apart ? fastopen_apart(&f, buf)
		               : next_sendto(fd, buf, n, flags, addr, len);
	while (fastopen_otherwise(&f, sent));
	if (fastopen_end(&f, &sent))
		sent = next_sendto(fd, buf, n, flags & ~MSG_FASTOPEN, addr, len);
	return sent;
}

__attribute__((visibility("default"))) ssize_t
sendto(int fd, const void *buf, size_t n, int flags, const struct sockaddr *addr, socklen_t len)
{
	load_once();
	if ((flags & MSG_FASTOPEN) != 0)
		return sendto_opening(fd, buf, n, flags, addr, len);
	return next_sendto(fd, buf, n, flags, addr, len);
}
