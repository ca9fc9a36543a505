/* SPDX-License-Identifier: MIT */
#include "range.h"

#include "kernel.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

/* Reading it again tells what it is now, for the namespace in which it was opened. */
static int sysctl = -1;
static uint64_t our_cookie;

/* A number that the kernel has for the socket, or 0 if it has none. */
static uint64_t cookie(int fd, int option)
{
	uint64_t cookie = 0;
	socklen_t size = sizeof cookie;
	return getsockopt(fd, SOL_SOCKET, option, &cookie, &size) == 0 ? cookie : 0;
}

void open_range(void)
{
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	our_cookie = cookie(s, SO_NETNS_COOKIE);
	close(s);
	sysctl = open("/proc/sys/net/ipv4/ip_local_port_range", O_RDONLY | O_CLOEXEC);
}

bool in_our_namespace(int fd, pid_t task)
{
	char path[32];
	struct stat own, its;
	if (our_cookie != 0)
		return cookie(fd, SO_NETNS_COOKIE) == our_cookie;
	snprintf(path, sizeof path, "/proc/%d/ns/net", (int)task);
	return stat("/proc/self/ns/net", &own) == 0 && stat(path, &its) == 0 &&
	       own.st_ino == its.st_ino && own.st_dev == its.st_dev;
}

bool read_range(struct range *range)
{
	char text[32];
	ssize_t n = pread(sysctl, text, sizeof text - 1, 0);
	text[n < 0 ? 0 : n] = '\0';
	char *end;
	range->low = (int)strtol(text, &end, 10);
	range->high = (int)strtol(end, NULL, 10);
	return range->high != 0;
}

/* What cut_range() has done to the sockets of late, by their cookies. */
static struct cut {
	uint64_t socket;
	uint32_t part;
} cuts[256];

static struct cut *cut_of(uint64_t socket)
{
	return &cuts[socket % (sizeof cuts / sizeof *cuts)];
}

bool set_own_range(int fd, uint32_t own)
{
	return setsockopt(fd, IPPROTO_IP, IP_LOCAL_PORT_RANGE, &own, sizeof own) == 0;
}

uint32_t own_range(int fd)
{
	uint32_t own = 0;
	socklen_t size = sizeof own;
	if (getsockopt(fd, IPPROTO_IP, IP_LOCAL_PORT_RANGE, &own, &size) != 0 || own == 0)
		return 0;
	uint64_t socket = cookie(fd, SO_COOKIE);
	const struct cut *cut = cut_of(socket);
	if (cut->socket != socket || cut->part != own)
		return own;
	set_own_range(fd, 0);
	return 0;
}

bool cut_range(int fd, const struct range *range, int port)
{
	uint32_t below = (uint32_t)(port - range->low), above = (uint32_t)(range->high - port);
	uint32_t random = 0;
	if (below + above == 0 || getrandom(&random, sizeof random, GRND_NONBLOCK) < 0)
		return false;
	/* One of them by their sizes, so that all ports stay in use. */
	bool lower = random % (below + above) < below;
	uint32_t low = (uint32_t)(lower ? range->low : port + 1);
	uint32_t high = (uint32_t)(lower ? port - 1 : range->high);
	uint64_t socket = cookie(fd, SO_COOKIE);
	*cut_of(socket) = (struct cut) {socket, high << 16 | low};
	return set_own_range(fd, high << 16 | low);
}
