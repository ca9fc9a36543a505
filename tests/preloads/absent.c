/*
 * A preload for below the library: a kernel that lacks something. The environment says what:
 *
 *   ABSENT="LEVEL:NAME..."   these socket options can be neither read nor set (ENOPROTOOPT);
 *                            LEVEL:NAME! can be read, but not set
 *   ABSENT_DISCONNECT=all    connect() with AF_UNSPEC is refused on every socket (EOPNOTSUPP);
 *                            with "mptcp", on those of MPTCP only
 */
#undef _GNU_SOURCE
#define _DEFAULT_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

static int bare_getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
	return (int)syscall(SYS_getsockopt, fd, level, name, value, len);
}

static int is_absent(int level, int name, const char *mark)
{
	char list[128], option[32];
	const char *absent = getenv("ABSENT");
	snprintf(list, sizeof list, " %s ", absent == NULL ? "" : absent);
	snprintf(option, sizeof option, " %d:%d%s ", level, name, mark);
	return strstr(list, option) != NULL;
}

int getsockopt(int fd, int level, int name, void *restrict value, socklen_t *restrict len)
{
	if (is_absent(level, name, "")) {
		errno = ENOPROTOOPT;
		return -1;
	}
	return bare_getsockopt(fd, level, name, value, len);
}

int setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
	if (is_absent(level, name, "") || is_absent(level, name, "!")) {
		errno = ENOPROTOOPT;
		return -1;
	}
	return (int)syscall(SYS_setsockopt, fd, level, name, value, len);
}

static int cannot_disconnect(int fd)
{
	int protocol = 0;
	socklen_t len = sizeof protocol;
	const char *absent = getenv("ABSENT_DISCONNECT");
	if (absent == NULL ||
	    bare_getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &len) != 0)
		return 0;
	return strcmp(absent, "all") == 0 ||
	       (strcmp(absent, "mptcp") == 0 && protocol == IPPROTO_MPTCP);
}

int connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	if (len >= sizeof addr->sa_family && addr->sa_family == AF_UNSPEC &&
	    cannot_disconnect(fd)) {
		errno = EOPNOTSUPP;
		return -1;
	}
	return (int)syscall(SYS_connect, fd, addr, len);
}
