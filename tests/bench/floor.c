/* SPDX-License-Identifier: MIT */
/*
 * The floors that the library is measured against: a preload that forwards the calls which
 * noselfconn stands in front of, and does nothing else; with -DGETSOCKNAME, one that also
 * asks for the socket's own address after a connect(), which is what looking costs at least.
 */
#undef _GNU_SOURCE /* with it, the C libraries differ in how they declare these */
#include <dlfcn.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>

struct mmsghdr;
int sendmmsg(int fd, struct mmsghdr *msgs, unsigned n, int flags);

static int (*next_connect)(int, const struct sockaddr *, socklen_t);
static ssize_t (*next_sendto)(int, const void *, size_t, int, const struct sockaddr *,
                              socklen_t);
static ssize_t (*next_sendmsg)(int, const struct msghdr *, int);
static int (*next_sendmmsg)(int, struct mmsghdr *, unsigned, int);

__attribute__((constructor)) static void find(void)
{
	/* RTLD_NEXT, which only _GNU_SOURCE declares. */
	void *const next = (void *)-1L;
	*(void **)&next_connect = dlsym(next, "connect");
	*(void **)&next_sendto = dlsym(next, "sendto");
	*(void **)&next_sendmsg = dlsym(next, "sendmsg");
	*(void **)&next_sendmmsg = dlsym(next, "sendmmsg");
}

int connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	int result = next_connect(fd, addr, len);
#ifdef GETSOCKNAME
	struct sockaddr_in6 a;
	socklen_t size = sizeof a;
	getsockname(fd, (struct sockaddr *)&a, &size);
#endif
	return result;
}

ssize_t sendto(int fd, const void *buf, size_t n, int flags, const struct sockaddr *addr,
               socklen_t len)
{
	return next_sendto(fd, buf, n, flags, addr, len);
}

ssize_t sendmsg(int fd, const struct msghdr *msg, int flags)
{
	return next_sendmsg(fd, msg, flags);
}

int sendmmsg(int fd, struct mmsghdr *msgs, unsigned n, int flags)
{
	return next_sendmmsg(fd, msgs, n, flags);
}
