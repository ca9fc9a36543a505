/* SPDX-License-Identifier: MIT */
/*
 * An object for tests/hostile/deepbind.c to open: its function go() connects to port 40000 of
 * 127.0.0.1, in the way that it is told, and returns what came of it. Compiled with
 *
 * - NAME=other     the function has that name
 * - OWN            it brings a connect() of its own
 * - EARLY          it connects while it is loaded; go() returns what came of that
 * - NEEDED=other   it calls that function, of another object that it is linked to
 * - OPENED=object  it opens that object, and returns what its go() returns; with FLAGS
 */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef MSG_FASTOPEN
#define MSG_FASTOPEN 0x20000000 /* glibc 2.17 */
#endif

#ifndef RTLD_DEEPBIND
#define RTLD_DEEPBIND 0 /* musl */
#endif

#ifndef NAME
#define NAME go
#endif

const char *NAME(const char *way);

#ifdef OWN
int own_connect(int fd, const struct sockaddr *addr, socklen_t len) __asm__("connect");

int own_connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	(void)fd, (void)addr, (void)len;
	errno = EXDEV;
	return -1;
}
#endif

typedef int connect_fn(int, const struct sockaddr *, socklen_t);

/* Bound as data is. */
static connect_fn *const volatile pointer = (connect_fn *)(void (*)(void))connect;

static long opened(const char *way, int fd, struct sockaddr_in *sin)
{
	struct iovec iov = {.iov_base = (void *)"x", .iov_len = 1};
	struct mmsghdr m = {.msg_hdr = {.msg_name = sin,
	                                .msg_namelen = sizeof *sin,
	                                .msg_iov = &iov,
	                                .msg_iovlen = 1}};
	const struct sockaddr *addr = (const struct sockaddr *)sin;
	connect_fn *next;
	*(void **)&next = dlsym(RTLD_NEXT, "connect");
	if (strcmp(way, "next") == 0)
		return next(fd, addr, sizeof *sin);
	if (strcmp(way, "pointer") == 0)
		return pointer(fd, addr, sizeof *sin);
	if (strcmp(way, "sendto") == 0)
		return sendto(fd, "x", 1, MSG_FASTOPEN, addr, sizeof *sin);
	if (strcmp(way, "sendmsg") == 0)
		return sendmsg(fd, &m.msg_hdr, MSG_FASTOPEN);
	if (strcmp(way, "sendmmsg") == 0)
		return sendmmsg(fd, &m, 1, MSG_FASTOPEN);
	return connect(fd, addr, sizeof *sin);
}

static const char *tried(const char *way)
{
	struct sockaddr_in local, sin = {.sin_family = AF_INET, .sin_port = htons(40000)};
	socklen_t len = sizeof local;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	memset(&local, 0, sizeof local);
	const char *outcome = "connected";
	if (opened(way, fd, &sin) < 0)
		outcome = strerror(errno);
	else if (getsockname(fd, (struct sockaddr *)&local, &len) == 0 &&
	         local.sin_port == sin.sin_port)
		outcome = "connected to itself";
	close(fd);
	return outcome;
}

#if defined EARLY
static const char *early;

__attribute__((constructor)) static void begin(void)
{
	early = tried("connect");
}

const char *NAME(const char *way)
{
	(void)way;
	return early;
}
#elif defined NEEDED
const char *NEEDED(const char *way);

const char *NAME(const char *way)
{
	return strcmp(way, "itself") == 0 ? tried("connect") : NEEDED(way);
}
#elif defined OPENED
const char *NAME(const char *way)
{
	const char *(*go)(const char *);
	void *object = dlopen(OPENED, RTLD_NOW | FLAGS);
	if (object == NULL)
		return dlerror();
	*(void **)&go = dlsym(object, "go");
	return go(way); /* what that says is in there */
}
#else
const char *NAME(const char *way)
{
	return tried(way);
}
#endif
