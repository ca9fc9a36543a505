/* SPDX-License-Identifier: MIT */
#include "range.h"

#include "kernel.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

/* Reading it again tells what it is now, for the namespace in which it was opened. */
static int sysctl = -1;
static uint64_t our_cookie;

static uint64_t cookie_of(int fd)
{
	uint64_t cookie = 0;
	socklen_t size = sizeof cookie;
	return getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size) == 0 ? cookie : 0;
}

void open_range(void)
{
	int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s < 0)
		s = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	our_cookie = cookie_of(s);
	if (s >= 0)
		close(s);
	sysctl = open("/proc/sys/net/ipv4/ip_local_port_range", O_RDONLY | O_CLOEXEC);
}

int range_fd(void)
{
	return sysctl;
}

bool in_our_namespace(int fd, pid_t task)
{
	char path[32];
	struct stat own, its;
	if (our_cookie != 0)
		return cookie_of(fd) == our_cookie;
	snprintf(path, sizeof path, "/proc/%d/ns/net", (int)task);
	return stat("/proc/self/ns/net", &own) == 0 && stat(path, &its) == 0 &&
	       own.st_ino == its.st_ino && own.st_dev == its.st_dev;
}

/* What cut_range() has done to the sockets of late, by their cookies. */
static struct cut {
	uint64_t socket;
	uint32_t part;
} cuts[256];

static struct cut *cut_of(int fd, uint64_t *socket)
{
	socklen_t size = sizeof *socket;
	*socket = 0;
	getsockopt(fd, SOL_SOCKET, SO_COOKIE, socket, &size);
	return &cuts[*socket % (sizeof cuts / sizeof *cuts)];
}

/*
 * The range that the program has set: both ends in one word; 0 is an end that it does not have.
 * What is left of an earlier cut is undone.
 */
static uint32_t own_range(int fd)
{
	uint64_t socket;
	uint32_t own = 0;
	socklen_t size = sizeof own;
	if (getsockopt(fd, IPPROTO_IP, IP_LOCAL_PORT_RANGE, &own, &size) != 0 || own == 0)
		return 0;
	const struct cut *cut = cut_of(fd, &socket);
	if (cut->socket != socket || cut->part != own)
		return own;
	own = 0;
	setsockopt(fd, IPPROTO_IP, IP_LOCAL_PORT_RANGE, &own, sizeof own);
	return 0;
}

bool range_of(int fd, struct range *range)
{
	char text[32];
	ssize_t n = pread(sysctl, text, sizeof text - 1, 0);
	text[n < 0 ? 0 : n] = '\0';
	char *end;
	range->low = (int)strtol(text, &end, 10);
	range->high = (int)strtol(end, NULL, 10);
	if (range->high == 0)
		return false;
	uint32_t own = own_range(fd);
	int low = (int)(own & 0xffff), high = (int)(own >> 16);
	range->own = own != 0;
	/* The kernel ignores an end that is outside the namespace's range. */
	int least = range->low, most = range->high;
	if (least <= low && low <= most)
		range->low = low;
	if (least <= high && high <= most)
		range->high = high;
	return true;
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
	uint32_t part = high << 16 | low;
	if (setsockopt(fd, IPPROTO_IP, IP_LOCAL_PORT_RANGE, &part, sizeof part) != 0)
		return false;
	uint64_t socket;
	struct cut *cut = cut_of(fd, &socket);
	*cut = (struct cut) {socket, part};
	return true;
}

unsigned halve_range(int fd, int port, bool below)
{
	uint32_t before = own_range(fd), half = (uint32_t)port + 1;
	if (below)
		half = (uint32_t)(port - 1) << 16 | (before & 0xffff);
	else
		half |= before & 0xffff0000;
	restore_range(fd, half);
	return before;
}

void restore_range(int fd, unsigned before)
{
	setsockopt(fd, IPPROTO_IP, IP_LOCAL_PORT_RANGE, &before, sizeof before);
}
