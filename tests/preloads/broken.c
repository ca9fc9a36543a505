/* SPDX-License-Identifier: MIT */
/*
 * A third preload, above the library: connect(), or sendmsg(), with a defect, that differ.bats
 * expects to be found. BROKEN says which.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef int connect_fn(int, const struct sockaddr *, socklen_t);

static int is(const char *defect)
{
	const char *s = getenv("BROKEN");
	return s != NULL && strcmp(s, defect) == 0;
}

static int port_of(int (*ask)(int, struct sockaddr *, socklen_t *), int fd)
{
	struct sockaddr_in6 a = {0};
	socklen_t len = sizeof a;
	return ask(fd, (struct sockaddr *)&a, &len) == 0 ? ntohs(a.sin6_port) : 0;
}

/* Lets the kernel connect, and undoes a self-connection in a while. */
static int is_undone_late(int fd, const struct sockaddr *addr, socklen_t len, int *result)
{
	const struct sockaddr none = {.sa_family = AF_UNSPEC};
	*result = (int)syscall(SYS_connect, fd, addr, len);
	int error = errno, peer = port_of(getpeername, fd);
	errno = error;
	if (peer < 40000 || peer != port_of(getsockname, fd))
		return 0;
	usleep(5000);
	return syscall(SYS_connect, fd, &none, sizeof none) == 0;
}

/* Like a guard that stays. Not a copy of fd: as a listener whose queue is full, it would make
 * every later connect() to its port wait. */
static void leak(const struct sockaddr *addr, socklen_t len)
{
	int low = socket(addr->sa_family, SOCK_STREAM, 0), fd = fcntl(low, F_DUPFD, 300);
	close(low);
	if (bind(fd, addr, len) != 0)
		close(fd);
}

/* glibc declares connect() itself with a union for its addr. */
int broken_connect(int fd, const struct sockaddr *addr, socklen_t len) __asm__("connect");

int broken_connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	connect_fn *next = NULL;
	int on = 1, value;
	socklen_t size = sizeof value;
	*(void **)&next = dlsym(RTLD_NEXT, "connect");
	if (is("pointer") && addr->sa_family == 99)
		return -1;
	int result;
	if (is("late") && !is_undone_late(fd, addr, len, &result))
		return result;
	result = next(fd, addr, len);
	int error = errno;
	if (is("errno") && result == 0)
		error = ENOENT;
	if (is("outcome") && error == EINPROGRESS)
		getsockopt(fd, SOL_SOCKET, SO_ERROR, &value, &size);
	if (is("option") && result != 0)
		setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
	if (is("flags") && result != 0)
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	if (is("leak") && error == ECONNREFUSED)
		leak(addr, len);
	errno = error;
	return result;
}

ssize_t sendmsg(int fd, const struct msghdr *msg, int flags)
{
	ssize_t (*next)(int, const struct msghdr *, int) = NULL;
	*(void **)&next = dlsym(RTLD_NEXT, "sendmsg");
	if (is("message") && msg->msg_iov->iov_len == 99)
		return -1;
	return next(fd, msg, flags);
}
