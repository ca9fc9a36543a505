/* SPDX-License-Identifier: MIT */
/*
 * A preload for below the library: what happens meanwhile, told as commands for a shell that
 * the connect() waits for. Of the process's calls of connect() to an Internet address,
 *
 * - MEANWHILE=COMMAND is run before the second, which is a repair's own: the self-connection
 * has been undone, and nothing is connected yet
 * - MEANWHILE_FIRST=COMMAND is run after the first, before the library has looked at it
 *
 * The commands are run without preloads; UNBLOCKED are the signals that are not blocked then.
 */
#undef _GNU_SOURCE
#define _DEFAULT_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static void set_unblocked(void)
{
	char list[256] = "";
	unsigned long long mask = 0;
	syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &mask, sizeof mask);
	for (int signal = 1; signal <= 64; signal++)
		if ((mask >> (signal - 1) & 1) == 0)
			sprintf(list + strlen(list), " %d", signal);
	setenv("UNBLOCKED", list + 1, 1);
}

static void run(const char *name)
{
	char command[4096];
	int before = errno;
	const char *text = getenv(name);
	if (text == NULL)
		return;
	set_unblocked();
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
