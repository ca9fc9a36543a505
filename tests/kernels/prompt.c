/* SPDX-License-Identifier: MIT */
/*
 * prompt: from now on, the kernel's threads that handle packets go before every program. A
 * kernel that finds itself busy, as one does whose processor is imitated, leaves packets to
 * them: then connect() could return before the connection is complete.
 */
#include <err.h>
#include <glob.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int is_ksoftirqd(const char *path)
{
	char name[32] = "";
	FILE *file = fopen(path, "r");
	if (file == NULL)
		return 0;
	fgets(name, sizeof name, file);
	fclose(file);
	return strncmp(name, "ksoftirqd/", 10) == 0;
}

int main(void)
{
	const struct sched_param first = {.sched_priority = 1};
	glob_t found;
	if (glob("/proc/[0-9]*/comm", 0, NULL, &found) != 0)
		errx(1, "/proc has no processes");
	for (size_t i = 0; i < found.gl_pathc; i++)
		if (is_ksoftirqd(found.gl_pathv[i]) &&
		    sched_setscheduler(atoi(found.gl_pathv[i] + 6), SCHED_FIFO, &first) != 0)
			err(1, "sched_setscheduler");
}
