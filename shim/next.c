#include "next.h"

#include "config.h"
#include <dlfcn.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef int connect_fn(int, const struct sockaddr *, socklen_t);
typedef ssize_t sendto_fn(int, const void *, size_t, int, const struct sockaddr *, socklen_t);
typedef ssize_t sendmsg_fn(int, const struct msghdr *, int);
typedef int sendmmsg_fn(int, struct mmsghdr *, unsigned, int);

static _Atomic(connect_fn *) found_connect;
static _Atomic(sendto_fn *) found_sendto;
static _Atomic(sendmsg_fn *) found_sendmsg;
static _Atomic(sendmmsg_fn *) found_sendmmsg;

static int bare_connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	return (int)syscall(SYS_connect, fd, addr, len);
}

static ssize_t bare_sendto(int fd, const void *buf, size_t n, int flags,
                           const struct sockaddr *addr, socklen_t len)
{
	return syscall(SYS_sendto, fd, buf, n, flags, addr, len);
}

static ssize_t bare_sendmsg(int fd, const struct msghdr *msg, int flags)
{
	return syscall(SYS_sendmsg, fd, msg, flags);
}

static int bare_sendmmsg(int fd, struct mmsghdr *msgs, unsigned n, int flags)
{
	return (int)syscall(SYS_sendmmsg, fd, msgs, n, flags);
}

/*
 * Once set, it stays: a thread that looked at the same time, and is late, may have found this
 * library's own function in libc's place (deepbind.c).
 */
#define SET(found, next, bare)                                                                 \
	do {                                                                                   \
		__typeof__(next) unset = NULL;                                                 \
		atomic_compare_exchange_strong(&(found), &unset,                               \
		                               (next) != NULL ? (next) : (bare));              \
	} while (0)

/*
 * In the constructor, because dlsym() takes locks, and connect() may be called in a signal
 * handler. Threads that come here at once find the same, so no lock is needed. ISO C has no
 * cast from dlsym()'s pointer to a function's; POSIX sees to it that it can be done this way.
 */
__attribute__((constructor, cold)) static void find(void)
{
	connect_fn *connect_next = NULL;
	sendto_fn *sendto_next = NULL;
	sendmsg_fn *sendmsg_next = NULL;
	sendmmsg_fn *sendmmsg_next = NULL;
	*(void **)&connect_next = dlsym(RTLD_NEXT, "connect");
	*(void **)&sendto_next = dlsym(RTLD_NEXT, "sendto");
	*(void **)&sendmsg_next = dlsym(RTLD_NEXT, "sendmsg");
	*(void **)&sendmmsg_next = dlsym(RTLD_NEXT, "sendmmsg");
	config_load();
	SET(found_sendto, sendto_next, bare_sendto);
	SET(found_sendmsg, sendmsg_next, bare_sendmsg);
	SET(found_sendmmsg, sendmmsg_next, bare_sendmmsg);
	SET(found_connect, connect_next, bare_connect);
}

void next_find(void)
{
	if (atomic_load_explicit(&found_connect, memory_order_acquire) == NULL)
		find();
}

int next_connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	connect_fn *fn;
	while ((fn = atomic_load_explicit(&found_connect, memory_order_acquire)) == NULL)
		find();
	return fn(fd, addr, len);
}

ssize_t next_sendto(int fd, const void *buf, size_t n, int flags, const struct sockaddr *addr,
                    socklen_t len)
{
	sendto_fn *fn;
	while ((fn = atomic_load_explicit(&found_sendto, memory_order_acquire)) == NULL)
		find();
	return fn(fd, buf, n, flags, addr, len);
}

ssize_t next_sendmsg(int fd, const struct msghdr *msg, int flags)
{
	sendmsg_fn *fn;
	while ((fn = atomic_load_explicit(&found_sendmsg, memory_order_acquire)) == NULL)
		find();
	return fn(fd, msg, flags);
}

int next_sendmmsg(int fd, struct mmsghdr *msgs, unsigned n, int flags)
{
	sendmmsg_fn *fn;
	while ((fn = atomic_load_explicit(&found_sendmmsg, memory_order_acquire)) == NULL)
		find();
	return fn(fd, msgs, n, flags);
}
