#include "port.h"

#include "address.h"
#include "base/sys.h"
#include "ephemeral.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

#pragma weak clock_gettime

enum { LONG_NS = 50000, PAUSE_MS = 10000 };

/* The clock of the vDSO, which is no system call. 0 if there is none. */
static unsigned long long nanoseconds(void)
{
	struct timespec t = {0};
	if (clock_gettime == NULL || clock_gettime(CLOCK_MONOTONIC, &t) != 0)
		return 0;
	return (unsigned long long)t.tv_sec * 1000000000 + (unsigned long long)t.tv_nsec;
}

static bool is_shared(int fd)
{
	int address = 1, port = 1;
	socklen_t len = sizeof address, other_len = sizeof port;
	return sys_getsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &address, &len) != 0 || address ||
	       sys_getsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &port, &other_len) != 0 || port;
}

/*
 * In whole milliseconds, because a 32-bit machine has no 64-bit division, and shifted by 20
 * bits that is near enough.
 */
static unsigned milliseconds(unsigned long long ns)
{
	return (unsigned)(ns >> 20);
}

void port_take(int fd, in_port_t port)
{
	static atomic_uint paused; /* since when, in milliseconds, or 0 */
	if ((port_number(port) - ephemeral_ports().low) % 2 != 0)
		return;
	unsigned long long begin = nanoseconds();
	unsigned since = atomic_load_explicit(&paused, memory_order_relaxed);
	if (since != 0 && milliseconds(begin) - since < PAUSE_MS)
		return;
	struct address local = local_address(fd);
	if (local.len == 0 || address_port(&local) != 0 || is_shared(fd))
		return;
	sys_bind(fd, &local.any, local.len);
	if (nanoseconds() - begin > LONG_NS)
		atomic_store_explicit(&paused, milliseconds(begin) | 1, memory_order_relaxed);
}
