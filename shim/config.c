#include "config.h"

#include "report.h"
#include "text.h"
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DEFAULT_RETRIES = 2, MOST_RETRIES = 100 };

struct config config;

static void load_switch(void)
{
	const char *s = secure_getenv("NOSELFCONN");
	if (s == NULL || *s == '\0' || strcmp(s, "on") == 0)
		return;
	if (strcmp(s, "off") == 0)
		config.off = true;
	else
		report_malformed("NOSELFCONN", "neither 'on' nor 'off'", "on");
}

static void load_verbose(void)
{
	const char *s = secure_getenv("NOSELFCONN_VERBOSE");
	if (s == NULL || *s == '\0' || strcmp(s, "0") == 0)
		return;
	if (strcmp(s, "1") == 0)
		config.verbose = true;
	else
		report_malformed("NOSELFCONN_VERBOSE", "neither '0' nor '1'", "0");
}

static void load_retries(void)
{
	const char *s = secure_getenv("NOSELFCONN_RETRIES");
	if (s == NULL || *s == '\0')
		return;
	unsigned n = 0;
	for (; *s >= '0' && *s <= '9' && n <= MOST_RETRIES; s++)
		n = n * 10 + (unsigned)(*s - '0');
	if (*s == '\0' && n <= MOST_RETRIES)
		config.retries = n;
	else
		report_malformed("NOSELFCONN_RETRIES", "not a number from 0 to 100", "2");
}

/* A relative path is made absolute, so that a program that changes its directory keeps its log.
 */
static void load_log(void)
{
	const char *s = secure_getenv("NOSELFCONN_LOG");
	char dir[PATH_MAX];
	if (s == NULL || *s == '\0')
		return;
	bool relative = *s != '/';
	if (relative && (getcwd(dir, sizeof dir) == NULL || dir[0] != '/')) {
		report_malformed("NOSELFCONN_LOG", "no current directory", "none");
		return;
	}
	if ((relative ? strlen(dir) + 1 : 0) + strlen(s) >= sizeof config.log) {
		report_malformed("NOSELFCONN_LOG", "path too long", "none");
		return;
	}
	struct text path = text_in(config.log, sizeof config.log);
	if (relative) {
		text_add(&path, dir);
		text_add(&path, "/");
	}
	text_add(&path, s);
}

void config_load(void)
{
	static atomic_flag loaded = ATOMIC_FLAG_INIT;
	if (atomic_flag_test_and_set(&loaded))
		return;
	int before = errno;
	config.retries = DEFAULT_RETRIES;
	load_switch();
	load_verbose();
	load_retries();
	load_log();
	if (config.verbose)
		report_remember_stderr();
	errno = before;
}
