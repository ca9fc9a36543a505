/* SPDX-License-Identifier: MIT */
/*
 * A preload for below the library: before the process's second connect() to an Internet
 * address, which is a repair's, a server comes up at that address, as descriptor 500 of the
 * process itself, if it can have the port. With SERVE_FULL=1 its queue is full, so that it does
 * not answer until connections are accepted. Its own system calls are between write(-1,
 * "aside") and write(-1, "back").
 */
#undef _GNU_SOURCE
#define _DEFAULT_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SERVER = 500 };

static void mark(const char *text, size_t len)
{
	if (write(-1, text, len) >= 0)
		perror("serve: mark");
}

/* From ports of their own: there may be few in the ephemeral port range. */
static void fill(const struct sockaddr *addr, socklen_t len)
{
	struct sockaddr_in from = {.sin_family = AF_INET,
	                           .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	for (in_port_t port = 1001; port < 1003; port++) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		from.sin_port = htons(port);
		if (bind(fd, (struct sockaddr *)&from, sizeof from) != 0)
			perror("serve: bind");
		syscall(SYS_connect, fd, addr, len);
	}
}

static void serve(const struct sockaddr *addr, socklen_t len)
{
	bool full = getenv("SERVE_FULL") != NULL;
	int before = errno;
	mark("aside", 5);
	int fd = socket(addr->sa_family, SOCK_STREAM, 0);
	if (bind(fd, addr, len) == 0 && listen(fd, full ? 0 : 10) == 0)
		dup2(fd, SERVER);
	close(fd);
	if (full)
		fill(addr, len);
	mark("back", 4);
	errno = before;
}

int connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	static int calls;
	if (addr->sa_family != AF_UNSPEC && ++calls == 2)
		serve(addr, len);
	return (int)syscall(SYS_connect, fd, addr, len);
}
