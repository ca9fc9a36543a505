/* SPDX-License-Identifier: MIT */
#include "next.h"

#include "base/sys.h"
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

#pragma weak dlsym

typedef int connect_fn(int, const struct sockaddr *, socklen_t);
typedef ssize_t sendto_fn(int, const void *, size_t, int, const struct sockaddr *, socklen_t);
typedef ssize_t sendmsg_fn(int, const struct msghdr *, int);
typedef int sendmmsg_fn(int, struct mmsghdr *, unsigned, int);

static _Atomic(connect_fn *) found_connect;
static _Atomic(sendto_fn *) found_sendto;
static _Atomic(sendmsg_fn *) found_sendmsg;
static _Atomic(sendmmsg_fn *) found_sendmmsg;

/* A cancellation point, like the C library's: a thread may be cancelled while it waits. */
static long cancellable(long number, long a, long b, long c, long d, long e, long f)
{
	int type = PTHREAD_CANCEL_DEFERRED;
	/* NOLINTNEXTLINE(cert-pos47-c): it does nothing but wait */
	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &type);
	long result = sys(number, a, b, c, d, e, f);
	pthread_setcanceltype(type, NULL);
	if (result >= 0)
		return result;
	errno = (int)-result;
	return -1;
}

static int bare_connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	return (int)cancellable(SYS_connect, fd, (long)addr, (long)len, 0, 0, 0);
}

static ssize_t bare_sendto(int fd, const void *buf, size_t n, int flags,
                           const struct sockaddr *addr, socklen_t len)
{
	return cancellable(SYS_sendto, fd, (long)buf, (long)n, flags, (long)addr, (long)len);
}

static ssize_t bare_sendmsg(int fd, const struct msghdr *msg, int flags)
{
	return cancellable(SYS_sendmsg, fd, (long)msg, flags, 0, 0, 0);
}

static int bare_sendmmsg(int fd, struct mmsghdr *msgs, unsigned n, int flags)
{
	return (int)cancellable(SYS_sendmmsg, fd, (long)msgs, (long)n, flags, 0, 0);
}

static void *find(const char *name)
{
	return dlsym != NULL ? dlsym(RTLD_NEXT, name) : NULL;
}

/*
 * Once set, it stays: a thread that looked at the same time, and is late, may have found this
 * library's own function in libc's place (deepbind/dlopen.c).
 */
#define SET(found, next, bare)                                                                 \
	do {                                                                                   \
		__typeof__(next) unset = NULL;                                                 \
		atomic_compare_exchange_strong(&(found), &unset,                               \
		                               (next) != NULL ? (next) : (bare));              \
	} while (0)

/*
 * ISO C has no cast from dlsym()'s pointer to a function's; POSIX guarantees that this works.
 */
void next_find(void)
{
	connect_fn *connect_next = NULL;
	sendto_fn *sendto_next = NULL;
	sendmsg_fn *sendmsg_next = NULL;
	sendmmsg_fn *sendmmsg_next = NULL;
	*(void **)&connect_next = find("connect");
	*(void **)&sendto_next = find("sendto");
	*(void **)&sendmsg_next = find("sendmsg");
	*(void **)&sendmmsg_next = find("sendmmsg");
	SET(found_connect, connect_next, bare_connect);
	SET(found_sendto, sendto_next, bare_sendto);
	SET(found_sendmsg, sendmsg_next, bare_sendmsg);
	SET(found_sendmmsg, sendmmsg_next, bare_sendmmsg);
}

int next_connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	return atomic_load_explicit(&found_connect, memory_order_relaxed)(fd, addr, len);
}

ssize_t next_sendto(int fd, const void *buf, size_t n, int flags, const struct sockaddr *addr,
                    socklen_t len)
{
	return atomic_load_explicit(&found_sendto, memory_order_relaxed)(fd, buf, n, flags,
	                                                                 addr, len);
}

ssize_t next_sendmsg(int fd, const struct msghdr *msg, int flags)
{
	return atomic_load_explicit(&found_sendmsg, memory_order_relaxed)(fd, msg, flags);
}

int next_sendmmsg(int fd, struct mmsghdr *msgs, unsigned n, int flags)
{
	return atomic_load_explicit(&found_sendmmsg, memory_order_relaxed)(fd, msgs, n, flags);
}
