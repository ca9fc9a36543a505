/* SPDX-License-Identifier: MIT */
/*
 * A preload for the supervisor, which calls the C library: a kernel that lacks some socket
 * options, which can be neither read nor set (ENOPROTOOPT): ABSENT="LEVEL:NAME...". (For what
 * is supervised, and the library, see lacking.c.)
 */
#undef _GNU_SOURCE
#define _DEFAULT_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static int bare_getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
	return (int)syscall(SYS_getsockopt, fd, level, name, value, len);
}

static int is_absent(int level, int name)
{
	char list[128], option[32];
	const char *absent = getenv("ABSENT");
	snprintf(list, sizeof list, " %s ", absent == NULL ? "" : absent);
	snprintf(option, sizeof option, " %d:%d ", level, name);
	return strstr(list, option) != NULL;
}

int getsockopt(int fd, int level, int name, void *restrict value, socklen_t *restrict len)
{
	if (is_absent(level, name)) {
		errno = ENOPROTOOPT;
		return -1;
	}
	return bare_getsockopt(fd, level, name, value, len);
}

int setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
	if (is_absent(level, name)) {
		errno = ENOPROTOOPT;
		return -1;
	}
	return (int)syscall(SYS_setsockopt, fd, level, name, value, len);
}
