/* SPDX-License-Identifier: MIT */
#include "port.h"

#include "address.h"
#include "base/sockopt.h"
#include "base/sys.h"
#include "ephemeral.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

#pragma weak clock_gettime

enum { SHARE = 16, MINUTE_MS = 60000 };

/* How many sockets have been given a port that they keep, in this minute, and when it began. */
static atomic_uint given, minute;

/*
 * The clock of the vDSO is no system call. Shifted, because a 32-bit machine has no 64-bit
 * division; that is near enough.
 */
static unsigned milliseconds(void)
{
	struct timespec t = {0};
	if (clock_gettime == NULL || clock_gettime(CLOCK_MONOTONIC, &t) != 0)
		return 0;
	return (unsigned)t.tv_sec * 1000 + (unsigned)(t.tv_nsec >> 20);
}

static bool is_budget_left(struct port_range range)
{
	unsigned now = milliseconds();
	if (now - atomic_load_explicit(&minute, memory_order_relaxed) >= MINUTE_MS) {
		atomic_store_explicit(&minute, now, memory_order_relaxed);
		atomic_store_explicit(&given, 0, memory_order_relaxed);
	}
	return atomic_load_explicit(&given, memory_order_relaxed) <=
	       (range.high - range.low) / SHARE;
}

static bool is_shared(int fd)
{
	int address = 1, port = 1;
	socklen_t len = sizeof address, other_len = sizeof port;
	return sys_getsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &address, &len) != 0 || address ||
	       sys_getsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &port, &other_len) != 0 || port;
}

bool port_take(int fd, in_port_t port)
{
	struct port_range range = ephemeral_ports();
	bool chosen_last = (port_number(port) - range.low) % 2 != 0;
	if (chosen_last || !is_budget_left(range))
		return false;
	struct address local = local_address(fd);
	if (local.len == 0 || address_port(&local) != 0 || is_shared(fd) ||
	    sys_bind(fd, &local.any, local.len) != 0)
		return false;
	atomic_fetch_add_explicit(&given, 1, memory_order_relaxed);
	local = local_address(fd);
	if (address_port(&local) != port)
		return true;
	port_give_back(fd); /* the only one that was left */
	return false;
}

/*
 * The kernel takes a port back when the state of a socket changes to TCP_CLOSE. Nobody has port
 * 0, so that this attempt to connect is refused.
 */
void port_give_back(int fd)
{
	struct address local = local_address(fd);
	struct address nobody = {.in = {.sin_family = AF_INET}, .len = sizeof nobody.in};
	struct sockaddr none = {.sa_family = AF_UNSPEC};
	int error;
	if (local.any.sa_family == AF_INET6)
		nobody = (struct address) {.in6 = {.sin6_family = AF_INET6},
		                           .len = sizeof nobody.in6};
	sys(SYS_connect, fd, (long)&nobody.any, (long)nobody.len, 0, 0, 0);
	sys(SYS_connect, fd, (long)&none, sizeof none, 0, 0, 0);
	sockopt_get(fd, SOL_SOCKET, SO_ERROR, &error);
	port_is_free_again();
}

void port_is_free_again(void)
{
	if (atomic_load_explicit(&given, memory_order_relaxed) > 0)
		atomic_fetch_sub_explicit(&given, 1, memory_order_relaxed);
}
