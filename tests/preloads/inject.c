/* SPDX-License-Identifier: MIT */
/*
 * A second preload, for below the library or above it: connect() that fails as told, or lets a
 * server come up before it goes on. It is also the test that the library chains. What it does,
 * the environment says:
 *
 * - INJECT_ERRNO=E INJECT_TIMES=N: the first N connects to an Internet address fail with errno
 *   E before they reach the kernel
 * - INJECT_AFTER=E: the first such connect is made, and reported to have failed with E
 * - INJECT_SERVER=ADDR:PORT@N: before the Nth such connect (or sendto() with MSG_FASTOPEN and
 *   nothing to send), a server listens there. It is the process's own, with a descriptor above
 *   500. The constructor opens that, because the library may connect in a thread with a
 *   descriptor table of its own
 * - INJECT_EARLY=ADDR:PORT: the constructor connects there, and says what came of it; preloaded
 *   below the library, it runs before the library's own
 */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int number(const char *name)
{
	const char *s = getenv(name);
	return s == NULL ? 0 : atoi(s);
}

static struct sockaddr_in address(const char *addr, int port)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = htons((in_port_t)port)};
	inet_pton(AF_INET, addr, &sin.sin_addr);
	return sin;
}

static int server = -1;
static pid_t server_owner;

static void open_server(void)
{
	server_owner = getpid();
	close(server);
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
	server = fcntl(fd, F_DUPFD_CLOEXEC, 500);
	close(fd);
	setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
}

static void serve(int nth)
{
	char addr[64];
	int port, when;
	const char *s = getenv("INJECT_SERVER");
	if (s == NULL || sscanf(s, "%63[^:]:%d@%d", addr, &port, &when) != 3 || when != nth)
		return;
	struct sockaddr_in sin = address(addr, port);
	if (server_owner != getpid()) /* the parent's may serve its other children */
		open_server();
	if (bind(server, (struct sockaddr *)&sin, sizeof sin) != 0 || listen(server, 10) != 0)
		perror("inject: serve");
}

static int calls; /* of connect() */

static int next(int fd, const struct sockaddr *addr, socklen_t len)
{
	int (*fn)(int, const struct sockaddr *, socklen_t);
	*(void **)&fn = dlsym(RTLD_NEXT, "connect");
	return fn(fd, addr, len);
}

/* Under another name here, because glibc may declare connect() with a union for its addr. */
int injected(int fd, const struct sockaddr *addr, socklen_t len) __asm__("connect");

int injected(int fd, const struct sockaddr *addr, socklen_t len)
{
	if (addr->sa_family != AF_INET && addr->sa_family != AF_INET6)
		return next(fd, addr, len);
	calls++;
	serve(calls);
	if (number("INJECT_ERRNO") != 0 && calls <= number("INJECT_TIMES")) {
		errno = number("INJECT_ERRNO");
		return -1;
	}
	int result = next(fd, addr, len);
	if (number("INJECT_AFTER") != 0 && calls == 1) {
		errno = number("INJECT_AFTER");
		return -1;
	}
	return result;
}

ssize_t injected_send(int fd, const void *buf, size_t n, int flags, const struct sockaddr *addr,
                      socklen_t len) __asm__("sendto");

ssize_t injected_send(int fd, const void *buf, size_t n, int flags, const struct sockaddr *addr,
                      socklen_t len)
{
	ssize_t (*fn)(int, const void *, size_t, int, const struct sockaddr *, socklen_t);
	*(void **)&fn = dlsym(RTLD_NEXT, "sendto");
	if ((flags & MSG_FASTOPEN) != 0 && n == 0)
		serve(++calls);
	return fn(fd, buf, n, flags, addr, len);
}

__attribute__((constructor)) static void early(void)
{
	char addr[64];
	int port;
	const char *s = getenv("INJECT_EARLY");
	if (getenv("INJECT_SERVER") != NULL)
		open_server();
	if (s == NULL || sscanf(s, "%63[^:]:%d", addr, &port) != 2)
		return;
	struct sockaddr_in sin = address(addr, port);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	int result = connect(fd, (struct sockaddr *)&sin, sizeof sin);
	printf("early: %s\n", result == 0 ? "connected" : strerror(errno));
	close(fd);
}
