/* SPDX-License-Identifier: MIT */
#include "ephemeral.h"

#include "base/sandbox.h"
#include "base/sys.h"
#include "report/text.h"
#include <fcntl.h>
#include <stdatomic.h>

enum { UNPRIVILEGED = 1024, LAST_PORT = 65535 };

static struct port_range read_range(void)
{
	struct port_range all = {UNPRIVILEGED, LAST_PORT}, range;
	char buf[32];
	const char *rest = buf;
	if (is_sandboxed())
		return all;
	int fd = sys_openat(AT_FDCWD, "/proc/sys/net/ipv4/ip_local_port_range",
	                    O_RDONLY | O_CLOEXEC, 0);
	if (fd < 0)
		return all;
	long n = sys_read(fd, buf, sizeof buf - 1);
	sys_close(fd);
	buf[n < 0 ? 0 : n] = '\0';
	range.low = (unsigned)text_number(buf, &rest, 10);
	while (*rest == ' ' || *rest == '\t')
		rest++;
	range.high = (unsigned)text_number(rest, NULL, 10);
	return range.low == 0 || range.low > range.high || range.high > LAST_PORT ? all : range;
}

struct port_range ephemeral_ports(void)
{
	static atomic_uint known; /* low and high, 0 for not yet */
	unsigned both = atomic_load_explicit(&known, memory_order_relaxed);
	if (both == 0) {
		struct port_range range = read_range();
		both = range.low << 16 | range.high;
		atomic_store_explicit(&known, both, memory_order_relaxed);
	}
	return (struct port_range) {both >> 16, both & LAST_PORT};
}
