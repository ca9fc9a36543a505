/* SPDX-License-Identifier: MIT */
#include "ephemeral.h"

#include "base/own_table.h"
#include "base/sandbox.h"
#include "base/sys.h"
#include "base/uninterrupted.h"
#include "report/text.h"
#include <fcntl.h>
#include <stdatomic.h>

enum { UNPRIVILEGED = 1024, LAST_PORT = 65535 };

/* Low and high, 0 for not yet. */
static atomic_uint known;

struct reading {
	char text[32];
	long length;
};

static void read_range(void *reading)
{
	struct reading *r = reading;
	int fd = sys_openat(AT_FDCWD, "/proc/sys/net/ipv4/ip_local_port_range",
	                    O_RDONLY | O_CLOEXEC, 0);
	if (fd >= 0) {
		r->length = sys_read(fd, r->text, sizeof r->text - 1);
		sys_close(fd);
	}
}

static void read_range_alone(struct reading *r)
{
	struct uninterrupted u;
	uninterrupted_begin(&u);
	if (!own_table_run(read_range, r, sizeof *r, true))
		read_range(r);
	uninterrupted_end(&u);
}

bool ephemeral_ports_again(void)
{
	struct reading r = {.length = -1};
	const char *rest = r.text;
	if (!is_sandboxed())
		read_range_alone(&r);
	r.text[r.length < 0 ? 0 : r.length] = '\0';
	unsigned low = (unsigned)text_number(r.text, &rest, 10);
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
