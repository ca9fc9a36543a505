/* SPDX-License-Identifier: MIT */
#include "load.h"

#include "config.h"
#include "next.h"
#include "prevent/readable.h"
#include "report/report.h"
#include <errno.h>

_Atomic bool loaded;

/* At load, because dlsym() takes locks, and a signal handler may call connect(). */
__attribute__((constructor, cold)) void load(void)
{
	int before = errno;
	if (atomic_load_explicit(&loaded, memory_order_acquire))
		return;
	next_find();
	config_read();
	report_prepare();
	readable_prepare();
	atomic_store_explicit(&loaded, true, memory_order_release);
	errno = before;
}
