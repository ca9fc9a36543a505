#include "port.h"

#include "address.h"
#include "base/sys.h"
#include "ephemeral.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

#pragma weak clock_gettime

enum { LONG_NS = 200000, MOST_LONG = 8, PAUSE_MS = 10000 };

/* The clock of the vDSO, which is no system call. 0 if there is none. */
static unsigned long long nanoseconds(void)
{
	struct timespec t = {0};
	if (clock_gettime == NULL || clock_gettime(CLOCK_MONOTONIC, &t) != 0)
		return 0;
	return (unsigned long long)t.tv_sec * 1000000000 + (unsigned long long)t.tv_nsec;
}

/* Shifted, because a 32-bit machine has no 64-bit division; that is near enough. */
static unsigned milliseconds(unsigned long long ns)
{
	return (unsigned)(ns >> 20);
}

static bool is_shared(int fd)
{
	int address = 1, port = 1;
	socklen_t len = sizeof address, other_len = sizeof port;
	return sys_getsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &address, &len) != 0 || address ||
	       sys_getsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &port, &other_len) != 0 || port;
}

/* Does connect() choose the port only when all those of the other parity are taken? */
static bool is_chosen_last(in_port_t port)
{
	return (port_number(port) - ephemeral_ports().low) % 2 != 0;
}

static atomic_uint paused_since; /* in milliseconds; 0: it is not */

static bool is_paused(unsigned long long now)
{
	unsigned since = atomic_load_explicit(&paused_since, memory_order_relaxed);
	return since != 0 && milliseconds(now) - since < PAUSE_MS;
}

/* One long search may be another thread's turn on the processor. */
static void look_at_search(unsigned long long begin, bool last_half)
{
	static atomic_uint long_ones;
	unsigned long long end = nanoseconds();
	if (last_half)
		atomic_store_explicit(&long_ones, MOST_LONG, memory_order_relaxed);
	else if (end - begin <= LONG_NS)
		atomic_store_explicit(&long_ones, 0, memory_order_relaxed);
	else
		atomic_fetch_add_explicit(&long_ones, 1, memory_order_relaxed);
	if (atomic_load_explicit(&long_ones, memory_order_relaxed) >= MOST_LONG)
		atomic_store_explicit(&paused_since, milliseconds(end) | 1,
		                      memory_order_relaxed);
}

void port_take(int fd, in_port_t port)
{
	unsigned long long begin = nanoseconds();
	if (is_chosen_last(port) || is_paused(begin))
		return;
	struct address local = local_address(fd);
	if (local.len == 0 || address_port(&local) != 0 || is_shared(fd))
		return;
	begin = nanoseconds();
	if (sys_bind(fd, &local.any, local.len) != 0)
		return;
	local = local_address(fd);
	look_at_search(begin, !is_chosen_last(address_port(&local)));
}
