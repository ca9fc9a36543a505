/* SPDX-License-Identifier: MIT */
/*
 * A preload for the supervisor: where HANG says, "look" or "take", the first process to come
 * there once there is a file arm in the folder HANG_IN hangs, which the file's new name says:
 * hung. That is before it looks at a call, or after it has taken one.
 */
#undef _GNU_SOURCE
#define _DEFAULT_SOURCE
#include <linux/seccomp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static void hang(const char *where)
{
	const char *here = getenv("HANG"), *folder = getenv("HANG_IN");
	char arm[256], hung[256];
	if (here == NULL || folder == NULL || strcmp(here, where) != 0)
		return;
	snprintf(arm, sizeof arm, "%s/arm", folder);
	snprintf(hung, sizeof hung, "%s/hung", folder);
	while (rename(arm, hung) == 0)
		pause();
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
