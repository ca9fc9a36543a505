/* SPDX-License-Identifier: MIT */
#include "task.h"

#include "kernel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

bool peek(pid_t task, uint64_t at, void *to, size_t size)
{
	struct iovec here = {to, size}, there = {(void *)(uintptr_t)at, size};
	return process_vm_readv(task, &here, 1, &there, 1, 0) == (ssize_t)size;
}

/* The process that a task is a thread of, by /proc; 0 if that does not tell. */
static pid_t process_of(pid_t task)
{
	char path[32], line[256];
	pid_t process = 0;
	snprintf(path, sizeof path, "/proc/%d/status", (int)task);
	FILE *status = fopen(path, "re");
	while (status != NULL && process == 0 && fgets(line, sizeof line, status) != NULL)
		if (strncmp(line, "Tgid:", 5) == 0)
			process = (pid_t)strtol(line + 5, NULL, 10);
	if (status != NULL)
		fclose(status);
	return process;
}

int borrow(pid_t task, int fd)
{
	int pidfd = (int)syscall(SYS_pidfd_open, task, PIDFD_THREAD);
	if (pidfd < 0 && errno == EINVAL) /* before Linux 6.9 */
		pidfd = (int)syscall(SYS_pidfd_open, task, 0);
	if (pidfd < 0) /* nor is there one of a thread; its process has the same descriptors */
		pidfd = (int)syscall(SYS_pidfd_open, process_of(task), 0);
	int copy = pidfd < 0 ? -1 : (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	int error = errno;
	if (pidfd >= 0)
		close(pidfd);
	errno = error;
	return copy;
}
