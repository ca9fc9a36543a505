/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "base/sys.h"
#include "report/say.h"
#include "report/text.h"
#include <limits.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#pragma weak getauxval

enum { DEFAULT_RETRIES = 2, MOST_RETRIES = 100 };

struct config config = {.retries = DEFAULT_RETRIES};

/* glibc 2.16 and musl 1.1 have getauxval(); without it, the IDs must do. */
static bool is_privileged(void)
{
	if (getauxval != NULL)
		return getauxval(AT_SECURE) != 0;
	return sys(SYS_getuid, 0, 0, 0, 0, 0, 0) != sys(SYS_geteuid, 0, 0, 0, 0, 0, 0) ||
	       sys(SYS_getgid, 0, 0, 0, 0, 0, 0) != sys(SYS_getegid, 0, 0, 0, 0, 0, 0);
}

/* Returns the value of the variable name, NULL if it is not set or empty. */
static const char *value_of(const char *name)
{
	size_t len = strlen(name);
	for (char **e = environ; e != NULL && *e != NULL; e++)
		if (text_begins(*e, name) && (*e)[len] == '=')
			return (*e)[len + 1] == '\0' ? NULL : *e + len + 1;
	return NULL;
}

/* "noselfconn: NAME: WHY: using FALLBACK" */
static void malformed(const char *name, const char *why, const char *fallback)
{
	char buf[160];
	struct text line = text_in(buf, sizeof buf);
	text_add(&line, "noselfconn: ");
	text_add(&line, name);
	text_add(&line, ": ");
	text_add(&line, why);
	text_add(&line, ": using ");
	text_add(&line, fallback);
	text_add(&line, "\n");
	say(STDERR_FILENO, &line);
}

static void read_switch(void)
{
	const char *s = value_of("NOSELFCONN");
	if (s == NULL || text_equal(s, "on"))
		return;
	if (text_equal(s, "off"))
		config.off = true;
	else
		malformed("NOSELFCONN", "neither 'on' nor 'off'", "on");
}

static void read_verbose(void)
{
	const char *s = value_of("NOSELFCONN_VERBOSE");
	if (s == NULL || text_equal(s, "0"))
		return;
	if (text_equal(s, "1"))
		config.verbose = true;
	else
		malformed("NOSELFCONN_VERBOSE", "neither '0' nor '1'", "0");
}

static void read_retries(void)
{
	const char *s = value_of("NOSELFCONN_RETRIES");
	unsigned n = 0;
	if (s == NULL)
		return;
	for (; *s >= '0' && *s <= '9' && n <= MOST_RETRIES; s++)
		n = n * 10 + (unsigned)(*s - '0');
	if (*s == '\0' && n <= MOST_RETRIES)
		config.retries = n;
	else
		malformed("NOSELFCONN_RETRIES", "not a number from 0 to 100", "2");
}

/*
 * Copied, because programs write over their environment, and made absolute, because programs
 * change their directory. The memory is mapped, because few programs have a log.
 */
static void read_log(void)
{
	const char *s = value_of("NOSELFCONN_LOG");
	if (s == NULL)
		return;
	char *copy = sys_mmap(PATH_MAX);
	if (copy == NULL) {
		malformed("NOSELFCONN_LOG", "out of memory", "none");
		return;
	}
	struct text path = text_in(copy, PATH_MAX);
	if (*s != '/') {
		long n = sys(SYS_getcwd, (long)copy, PATH_MAX, 0, 0, 0, 0);
		if (n <= 1 || path.buf[0] != '/') {
			malformed("NOSELFCONN_LOG", "no current directory", "none");
			return;
		}
		path.len = (size_t)n - 1;
		text_add(&path, "/");
	}
	if (path.len + strlen(s) >= PATH_MAX) {
		malformed("NOSELFCONN_LOG", "path too long", "none");
		return;
	}
	text_add(&path, s);
	config.log = path.buf;
}

void config_read(void)
{
	static atomic_flag done = ATOMIC_FLAG_INIT;
	if (atomic_flag_test_and_set(&done) || is_privileged())
		return;
	read_switch();
	read_verbose();
	read_retries();
	read_log();
}
