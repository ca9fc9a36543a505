/* SPDX-License-Identifier: MIT */
/*
 * A preload for the supervisor: where HANG says, the first of its processes to come there once
 * there is a file arm in the folder HANG_IN waits, which the file's new name says, hung; until
 * that is gone.
 *
 *   look   before it looks at a call    take   after it has taken one
 *   stop   before it stops, as the command has
 *   ask    before it asks whether its group got a signal
 *   tell   before it tells another one something
 */
#undef _GNU_SOURCE
#define _DEFAULT_SOURCE
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

extern char *program_invocation_short_name;

static void hang(const char *where)
{
	const char *here = getenv("HANG"), *folder = getenv("HANG_IN");
	char arm[256], hung[256];
	if (here == NULL || folder == NULL || strcmp(here, where) != 0 ||
	    strcmp(program_invocation_short_name, "supervise") != 0)
		return;
	snprintf(arm, sizeof arm, "%s/arm", folder);
	snprintf(hung, sizeof hung, "%s/hung", folder);
	if (rename(arm, hung) == 0)
		while (access(hung, F_OK) == 0)
			poll(NULL, 0, 1);
}

ssize_t process_vm_readv(pid_t pid, const struct iovec *local, unsigned long locals,
                         const struct iovec *remote, unsigned long remotes,
                         unsigned long flags);
ssize_t process_vm_readv(pid_t pid, const struct iovec *local, unsigned long locals,
                         const struct iovec *remote, unsigned long remotes, unsigned long flags)
{
	hang("look");
	return syscall(SYS_process_vm_readv, pid, local, locals, remote, remotes, flags);
}

int ioctl(int fd, unsigned long request, ...)
{
	va_list list;
	va_start(list, request);
	void *argument = va_arg(list, void *);
	va_end(list);
	int result = (int)syscall(SYS_ioctl, fd, request, argument);
	if (request == SECCOMP_IOCTL_NOTIF_RECV)
		hang("take");
	return result;
}

int kill(pid_t pid, int sig)
{
	if (pid == getpid() && sig == SIGTSTP)
		hang("stop");
	return (int)syscall(SYS_kill, pid, sig);
}

int setpgid(pid_t pid, pid_t group)
{
	hang("ask");
	return (int)syscall(SYS_setpgid, pid, group);
}

ssize_t send(int fd, const void *data, size_t size, int flags)
{
	hang("tell");
	return syscall(SYS_sendto, fd, data, size, flags, NULL, 0);
}
