/* SPDX-License-Identifier: MIT */
/*
 * stack ordinary|repair: how many bytes of stack a connect() takes more than libc's own: one
 * that succeeds, or one that is self-connected in the namespace of two ports, and repaired.
 */
#undef _GNU_SOURCE /* with it, glibc declares connect() with a union for its addr */
#define _DEFAULT_SOURCE
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

enum { SIZE = 1 << 20, PAINT = 0xa5, SELF_CONNECTED = 40000 };

typedef int connect_fn(int, const struct sockaddr *, socklen_t);

static struct sockaddr_in to = {.sin_family = AF_INET};

static ucontext_t back;
static connect_fn *running;

static void run(void)
{
	const struct linger none = {.l_onoff = 1};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	running(fd, (struct sockaddr *)&to, sizeof to);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
	close(fd);
}

/*
 * Runs it on a painted stack, and looks how much of the paint is gone. Not in a thread: in a
 * program that has several, a self-connection is prevented.
 */
static long depth(connect_fn *fn)
{
	static unsigned char stack[SIZE];
	ucontext_t there;
	memset(stack, PAINT, SIZE);
	running = fn;
	getcontext(&there);
	there.uc_stack.ss_sp = stack;
	there.uc_stack.ss_size = SIZE;
	there.uc_link = &back;
	makecontext(&there, run, 0);
	if (swapcontext(&back, &there) != 0)
		err(1, "swapcontext");
	long untouched = 0;
	while (untouched < SIZE && stack[untouched] == PAINT)
		untouched++;
	return SIZE - untouched;
}

/* What libc's does. Its own can't be had: the library is found in its place. */
static int bare_connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	return (int)syscall(SYS_connect, fd, addr, len);
}

int main(int argc, char **argv)
{
	socklen_t len = sizeof to;
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	to.sin_port = htons(SELF_CONNECTED);
	if (argc == 2 && strcmp(argv[1], "ordinary") == 0) {
		int server = socket(AF_INET, SOCK_STREAM, 0);
		to.sin_port = 0;
		if (bind(server, (struct sockaddr *)&to, sizeof to) != 0 ||
		    listen(server, 9) != 0 ||
		    getsockname(server, (struct sockaddr *)&to, &len) != 0)
			err(1, "server");
	}
	depth(bare_connect); /* the first call takes more */
	long bare = depth(bare_connect);
	printf("%ld\n", depth(connect) - bare);
}
