/* SPDX-License-Identifier: MIT */
/*
 * start MODE PRELOAD LIBRARY_PATH COMMAND [ARGUMENT...]: what the wrapper execs.
 *
 * Sets LD_PRELOAD (and LD_LIBRARY_PATH, unless it is "") and execs the command. If no preload
 * reaches that, or with MODE "...+all", it execs supervise, which is beside this program. If
 * that can't help either, it warns, and with "...+strict" does not run the command; "quiet..."
 * says nothing. Being exec'ed, it costs no process; being C, it can read what a shell can't:
 * ELF headers, file capabilities, and what the kernel makes of them.
 *
 * Exit status, if the command is not run: as of env(1), and 125 for --strict.
 */
#include "drops.h"
#include "execute.h"
#include "obstacle.h"
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NOT_RUN = 125 };

/*
 * Execs the supervisor, without a preload of its own. It need not be strict about a command
 * that the preload reaches. Returns if it can't be run.
 */
static void supervise(const char *self, const char *mode, const struct obstacle *it,
                      char **command)
{
	char path[PATH_MAX], how[3 * PATH_MAX];
	snprintf(path, sizeof path, "%.*ssupervise", (int)(base_name(self) - self), self);
	snprintf(how, sizeof how, "%.*s%s:%s%s%s", (int)strcspn(mode, "+"), mode,
	         it->why != NULL && strstr(mode, "+strict") != NULL ? "+strict" : "",
	         it->why == NULL ? command[0] : it->subject, it->why == NULL ? "" : " ",
	         it->why == NULL ? "" : it->why);
	const char *preload = getenv("LD_PRELOAD");
	if (preload != NULL)
		setenv("NOSELFCONN_PRELOAD", preload, 1);
	unsetenv("LD_PRELOAD");
	char **argv = command - 2; /* there are ours before it */
	argv[0] = path;
	argv[1] = how;
	execv(path, argv);
	if (strncmp(mode, "quiet", 5) != 0)
		fprintf(stderr, "noselfconn: %s: %s\n", path, strerror(errno));
	preload = getenv("NOSELFCONN_PRELOAD");
	if (preload != NULL)
		setenv("LD_PRELOAD", preload, 1);
	unsetenv("NOSELFCONN_PRELOAD");
}

/* What comes behind the library stays. */
static void preload_library(const struct obstacle *it, const char *preload)
{
	char all[2 * PATH_MAX];
	snprintf(all, sizeof all, "%s%s", it->library, preload + strcspn(preload, ": "));
	setenv("LD_PRELOAD", it->library[0] != '\0' ? all : preload, 1);
}

int main(int argc, char **argv)
{
	if (argc < 5)
		return NOT_RUN; /* only the wrapper calls this */
	const char *self = argv[0], *mode = argv[1], *preload = argv[2],
	           *library_path = argv[3];
	char **command = argv + 4;
	struct obstacle it = {.why = NULL};
	obstacle_find(&it, command[0], preload);
	bool all = strstr(mode, "+all") != NULL;
	it.drops = it.why == NULL && it.subject[0] != '\0' && !all && drops_preload(command);
	if (it.drops)
		it.why = "drops LD_PRELOAD";
	preload_library(&it, preload);
	if (library_path[0] != '\0')
		setenv("LD_LIBRARY_PATH", library_path, 1);
	if (it.subject[0] != '\0' && !it.private && !it.drops && (it.why != NULL || all))
		supervise(self, mode, &it, command);
	if (it.why != NULL && strncmp(mode, "quiet", 5) != 0)
		fprintf(stderr, "noselfconn: %s %s: no preload reaches %s\n", shown(it.subject),
		        it.why, it.drops ? "what it starts" : "it");
	if (it.why != NULL && strstr(mode, "+strict") != NULL) {
		fprintf(stderr, "noselfconn: %s: not run (--strict)\n", shown(command[0]));
		return NOT_RUN;
	}
	return execute(command);
}
