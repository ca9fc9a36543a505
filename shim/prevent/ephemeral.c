/* SPDX-License-Identifier: MIT */
#include "ephemeral.h"

#include "base/sandbox.h"
#include "base/sys.h"
#include "report/text.h"
#include <fcntl.h>
#include <stdatomic.h>

enum { UNPRIVILEGED = 1024, LAST_PORT = 65535 };

/* Low and high, 0 for not yet. */
static atomic_uint known;

bool ephemeral_ports_again(void)
{
	char buf[32];
	const char *rest = buf;
	if (is_sandboxed())
		return false;
	int fd = sys_openat(AT_FDCWD, "/proc/sys/net/ipv4/ip_local_port_range",
	                    O_RDONLY | O_CLOEXEC, 0);
	if (fd < 0)
		return false;
	long n = sys_read(fd, buf, sizeof buf - 1);
	sys_close(fd);
	buf[n < 0 ? 0 : n] = '\0';
	unsigned low = (unsigned)text_number(buf, &rest, 10);
	while (*rest == ' ' || *rest == '\t')
		rest++;
	unsigned high = (unsigned)text_number(rest, NULL, 10);
	if (low == 0 || low > high || high > LAST_PORT)
		return false;
	atomic_store_explicit(&known, low << 16 | high, memory_order_relaxed);
	return true;
}

struct port_range ephemeral_ports(void)
{
	const unsigned all = (unsigned)UNPRIVILEGED << 16 | LAST_PORT;
	unsigned none = 0;
	if (atomic_load_explicit(&known, memory_order_relaxed) == 0 && !ephemeral_ports_again())
		atomic_compare_exchange_strong(&known, &none, all);
	unsigned both = atomic_load_explicit(&known, memory_order_relaxed);
	return (struct port_range) {both >> 16, both & LAST_PORT};
}
