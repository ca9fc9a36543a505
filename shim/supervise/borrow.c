/* SPDX-License-Identifier: MIT */
#include "borrow.h"

#include "kernel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The process that a task is a thread of, by /proc; 0 if that does not tell. */
static pid_t process_of(pid_t task)
{
	char path[32], text[512];
	snprintf(path, sizeof path, "/proc/%d/status", (int)task);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
	if (fd >= 0)
		close(fd);
	text[n < 0 ? 0 : n] = '\0';
	const char *line = strstr(text, "\nTgid:");
	return line == NULL ? 0 : (pid_t)strtol(line + sizeof "\nTgid:" - 1, NULL, 10);
}

/* Before Linux 6.9 there is none of a thread; its process has the same descriptors. */
static int open_pidfd(pid_t task)
{
	int fd = (int)syscall(SYS_pidfd_open, task, PIDFD_THREAD);
	if (fd < 0 && errno == EINVAL)
		fd = (int)syscall(SYS_pidfd_open, task, 0);
	else
		return fd;
	if (fd < 0)
		fd = (int)syscall(SYS_pidfd_open, process_of(task), 0);
	return fd;
}

int borrow(pid_t task, int fd)
{
	int pidfd = open_pidfd(task);
	if (pidfd < 0)
		return -1;
	int copy = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0), error = errno;
	close(pidfd);
	errno = error;
	return copy;
}
