/* SPDX-License-Identifier: MIT */
/*
 * A preload for below the library: what happens meanwhile, told as commands for a shell that
 * the connect() waits for. Of the process's calls of connect() to an Internet address,
 *
 * - MEANWHILE=COMMAND is run before the second, which is a repair's own: the self-connection
 * has been undone, and nothing is connected yet
 * - MEANWHILE_FIRST=COMMAND is run after the first, before the library has looked at it
 *
 * The commands are run without preloads.
 */
#undef _GNU_SOURCE
#define _DEFAULT_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static void run(const char *name)
{
	char command[4096];
	int before = errno;
	const char *text = getenv(name);
	if (text == NULL)
		return;
	snprintf(command, sizeof command, "unset LD_PRELOAD MEANWHILE MEANWHILE_FIRST; %s",
	         text);
	if (system(command) != 0)
		fprintf(stderr, "%s failed\n", name);
	errno = before;
}

int connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	static int calls;
	if (addr->sa_family != AF_INET && addr->sa_family != AF_INET6)
		return (int)syscall(SYS_connect, fd, addr, len);
	if (++calls == 2)
		run("MEANWHILE");
	int result = (int)syscall(SYS_connect, fd, addr, len);
	if (calls == 1)
		run("MEANWHILE_FIRST");
	return result;
}
