/* SPDX-License-Identifier: MIT */
#include "port.h"

#include "address.h"
#include "base/kernel.h"
#include "base/sandbox.h"
#include "base/sockopt.h"
#include "base/sys.h"
#include "ephemeral.h"
#include "selfconn.h"
#include "undo.h"
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

#pragma weak clock_gettime

enum { SHARE = 16, MINUTE_MS = 60000, FEW_DESCRIPTORS = 256, MOST_TRIES = 8 };

/* How many sockets have been given a port that they keep, in this minute, and when it began. */
static atomic_uint given, minute;

/* The destination's port of the last call that was refused. */
static atomic_uint refused;

/*
 * The coarse clock of the vDSO is no system call, whatever the machine's own clock; the fine
 * one may be. Shifted, because a 32-bit machine has no 64-bit division; that is near enough.
 */
static unsigned milliseconds(void)
{
	struct timespec t = {0};
	if (clock_gettime == NULL || clock_gettime(CLOCK_MONOTONIC_COARSE, &t) != 0)
		return 0;
	return (unsigned)t.tv_sec * 1000 + (unsigned)(t.tv_nsec >> 20);
}

/* The kernel gives the lowest descriptor, so that fd tells how many sockets may be open. */
static bool is_budget_left(int fd)
{
	struct port_range range = ephemeral_ports();
	unsigned now = milliseconds(), share = (range.high - range.low) / SHARE;
	if (now - atomic_load_explicit(&minute, memory_order_relaxed) >= MINUTE_MS) {
		atomic_store_explicit(&minute, now, memory_order_relaxed);
		atomic_store_explicit(&given, 0, memory_order_relaxed);
	}
	return atomic_load_explicit(&given, memory_order_relaxed) <= share &&
	       (unsigned)fd < FEW_DESCRIPTORS + share;
}

/* With IP_BIND_ADDRESS_NO_PORT, bind() would leave the choice to connect(). */
static bool bind_now(int fd, const struct address *local)
{
	int later = 0;
	bool changed = sockopt_get(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &later) &&
	               later != 0 && sockopt_set(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 0);
	bool bound = sys_bind(fd, &local->any, local->len) == 0;
	if (changed)
		sockopt_set(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, later);
	return bound;
}

/*
 * The kernel takes a port back when the state of a socket changes to TCP_CLOSE. Nobody has port
 * 0 of its own address, so that this attempt to connect is refused; a firewall might drop it. A
 * seccomp filter may not expect what keeps the socket as it is.
 */
static void give_back(int fd, const struct address *local)
{
	struct address nobody = *local;
	struct sockaddr none = {.sa_family = AF_UNSPEC};
	struct forgotten forgotten = {0};
	int error, flags = -1;
	nobody.in.sin_port = 0; /* in the same place in both families */
	if (!is_sandboxed()) {
		forgotten = undo_remember(fd);
		flags = sys_fcntl(fd, F_GETFL, 0);
	}
	if (flags >= 0)
		sys_fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	sys(SYS_connect, fd, (long)&nobody.any, (long)nobody.len, 0, 0, 0);
	sys(SYS_connect, fd, (long)&none, sizeof none, 0, 0, 0);
	sockopt_get(fd, SOL_SOCKET, SO_ERROR, &error);
	if (flags >= 0)
		sys_fcntl(fd, F_SETFL, flags);
	undo_restore(fd, &forgotten);
}

/*
 * Is it what a socket without a port shows? One that has lost its port goes on showing it, but
 * not the address, if the program did not bind that. Whether it is lost, bind() tells.
 */
static bool may_have_no_port(const struct address *local)
{
	struct endpoint end;
	return address_endpoint(local, local->len, &end) &&
	       (end.port == 0 || endpoint_is_wildcard(&end));
}

/*
 * After its first attempt to connect, a socket may show a port that it has lost, and the next
 * attempt may do nothing but tell the outcome. It has then learned a segment size.
 */
static bool has_not_tried(int fd)
{
	struct tcp_info info = {0};
	socklen_t len = sizeof info;
	return sockopt_read(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0 &&
	       info.tcpi_state == STATE_CLOSE && info.tcpi_rcv_mss == 0;
}

bool port_drop(int fd, in_port_t port)
{
	struct address local = local_address(fd);
	if (address_port(&local) != port || is_sandboxed() || !has_not_tried(fd) ||
	    is_being_restored(fd))
		return false;
	give_back(fd, &local);
	return true;
}

bool port_take(int fd, in_port_t port, bool dropped)
{
	struct address before = local_address(fd);
	if (!(dropped || may_have_no_port(&before)) ||
	    (!is_budget_left(fd) &&
	     atomic_load_explicit(&refused, memory_order_relaxed) != port))
		return false;
	before.in.sin_port = 0;
	for (int tries = 0; tries < MOST_TRIES && bind_now(fd, &before); tries++) {
		struct address local = local_address(fd);
		if (address_port(&local) != port) {
			atomic_fetch_add_explicit(&given, 1, memory_order_relaxed);
			return true;
		}
		give_back(fd, &local);
	}
	return false;
}

static void free_again(void)
{
	if (atomic_load_explicit(&given, memory_order_relaxed) > 0)
		atomic_fetch_sub_explicit(&given, 1, memory_order_relaxed);
}

void port_give_back(int fd)
{
	struct address local = local_address(fd);
	give_back(fd, &local);
	free_again();
}

void port_was_refused(in_port_t port, bool taken)
{
	atomic_exchange_explicit(&refused, port, memory_order_relaxed);
	if (taken)
		free_again();
}
