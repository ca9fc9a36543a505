/*
 * A preload for below the library: before the process's second connect() to an Internet
 * address, which is a repair's, a server comes up at that address, as descriptor 500 of the
 * process itself, if it can have the port. Its own system calls are between write(-1, "aside")
 * and write(-1, "back").
 */
#undef _GNU_SOURCE
#define _DEFAULT_SOURCE
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SERVER = 500 };

static void mark(const char *text, size_t len)
{
	if (write(-1, text, len) >= 0)
		perror("serve: mark");
}

static void serve(const struct sockaddr *addr, socklen_t len)
{
	int before = errno;
	mark("aside", 5);
	int fd = socket(addr->sa_family, SOCK_STREAM, 0);
	if (bind(fd, addr, len) == 0 && listen(fd, 10) == 0)
		dup2(fd, SERVER);
	close(fd);
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
