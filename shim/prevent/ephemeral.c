/* SPDX-License-Identifier: MIT */
#include "ephemeral.h"

#include "base/sandbox.h"
#include "base/sys.h"
#include "base/uninterrupted.h"
#include "report/text.h"
#include <fcntl.h>
#include <stdatomic.h>

enum { UNPRIVILEGED = 1024, LAST_PORT = 65535 };

/* Low and high, 0 for not yet. */
static atomic_uint known;

static long read_range(char *buf, size_t size)
{
	struct uninterrupted u;
	long n = -1;
	uninterrupted_begin(&u);
	int fd = sys_openat(AT_FDCWD, "/proc/sys/net/ipv4/ip_local_port_range",
	                    O_RDONLY | O_CLOEXEC, 0);
	if (fd >= 0) {
		n = sys_read(fd, buf, size);
		sys_close(fd);
	}
	uninterrupted_end(&u);
	return n;
}

bool ephemeral_ports_again(void)
{
	char buf[32];
	const char *rest = buf;
	long n = is_sandboxed() ? -1 : read_range(buf, sizeof buf - 1);
	buf[n < 0 ? 0 : n] = '\0';
	unsigned low = (unsigned)text_number(buf, &rest, 10);
	while (*rest == ' ' || *rest == '\t')
		rest++;
	unsigned high = (unsigned)text_number(rest, NULL, 10);
	if (low == 0 || low > high || high > LAST_PORT)
		return false;
	unsigned both = low << 16 | high;
	if (atomic_load_explicit(&known, memory_order_relaxed) != both)
		atomic_store_explicit(&known, both, memory_order_relaxed);
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
