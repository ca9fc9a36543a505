/* SPDX-License-Identifier: MIT */
#include "report.h"

#include "base/own_table.h"
#include "base/sys.h"
#include "base/uninterrupted.h"
#include "config.h"
#include "say.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/stat.h>
#include <unistd.h>

extern char *program_invocation_short_name __attribute__((weak));

static char program[64];

static struct {
	bool known;
	unsigned dev_major, dev_minor;
	unsigned long long ino;
} stderr_file;

static bool look_at_stderr(struct statx *st)
{
	return sys_statx(STDERR_FILENO, "", AT_EMPTY_PATH, STATX_INO, st) == 0;
}

/* A program's name may be long, or made to look like a line of ours. */
static void note_program(void)
{
	struct text cut = text_in(program, sizeof program);
	if (&program_invocation_short_name != NULL && program_invocation_short_name != NULL)
		text_add(&cut, program_invocation_short_name);
	for (size_t i = 0; i < cut.len; i++)
		if ((unsigned char)program[i] < ' ' || program[i] == 0x7f)
			program[i] = '?';
}

void report_prepare(void)
{
	struct statx st;
	if (!config.verbose && config.log == NULL)
		return;
	note_program();
	if (config.verbose && look_at_stderr(&st)) {
		stderr_file.dev_major = st.stx_dev_major;
		stderr_file.dev_minor = st.stx_dev_minor;
		stderr_file.ino = st.stx_ino;
		stderr_file.known = true;
	}
}

/* Not inlined: the stack is no longer needed when the line is written. */
__attribute__((noinline)) static bool stderr_is_as_noted(void)
{
	struct statx st;
	return stderr_file.known && look_at_stderr(&st) &&
	       st.stx_dev_major == stderr_file.dev_major &&
	       st.stx_dev_minor == stderr_file.dev_minor && st.stx_ino == stderr_file.ino;
}

/* O_NONBLOCK, so that the program does not wait for somebody to read a FIFO. */
static void append_to_log(void *line)
{
	const int flags =
	        O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_LARGEFILE;
	int log = sys_openat(AT_FDCWD, config.log, flags, 0600);
	if (log >= 0) {
		say(log, line);
		sys_close(log);
	}
}

static void say_in_log(struct text *line)
{
	struct uninterrupted u;
	uninterrupted_begin(&u);
	if (!own_table_run(append_to_log, line, sizeof *line, true))
		append_to_log(line);
	uninterrupted_end(&u);
}

/* By RFC 5952, the longest run of zero groups, if there are two or more, is "::". */
static void add_ipv6(struct text *t, const unsigned char *addr)
{
	unsigned group[8], start = 8, longest = 1;
	for (size_t i = 0; i < 8; i++)
		group[i] = (unsigned)addr[2 * i] << 8 | addr[2 * i + 1];
	for (unsigned i = 0; i < 8; i++) {
		unsigned run = 0;
		while (i + run < 8 && group[i + run] == 0)
			run++;
		if (run > longest) {
			start = i;
			longest = run;
		}
	}
	for (unsigned i = 0; i < 8;) {
		if (i == start) {
			text_add(t, "::");
			i += longest;
			continue;
		}
		if (i != 0 && i != start + longest)
			text_add(t, ":");
		text_add_number(t, group[i++], 16);
	}
}

static void add_endpoint(struct text *t, const struct endpoint *end)
{
	const unsigned char *addr = end->addr.s6_addr;
	if (endpoint_is_ipv4(end)) {
		for (int i = 12; i < 16; i++) {
			text_add(t, i == 12 ? "" : ".");
			text_add_number(t, addr[i], 10);
		}
	} else {
		text_add(t, "[");
		add_ipv6(t, addr);
		text_add(t, "]");
	}
	text_add(t, ":");
	text_add_number(t, port_number(end->port), 10);
}

static void add_outcome(struct text *t, int outcome)
{
	static const struct {
		int outcome;
		char words[24]; /* not pointers: the loader would have to relocate them */
	} known[] = {{0, "connected"},
	             {EINPROGRESS, "connecting"},
	             {ECONNREFUSED, "connection refused"},
	             {EADDRNOTAVAIL, "no other port available"},
	             {EINTR, "interrupted"},
	             {ETIMEDOUT, "timed out"}};
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
		if (known[i].outcome == outcome) {
			text_add(t, known[i].words);
			return;
		}
	}
	text_add(t, "error ");
	text_add_number(t, (unsigned)outcome, 10);
}

/* Not inlined, even by link-time optimization: a repair has no room on the stack for the line.
 */
__attribute__((noinline)) void report_repair(int fd, const struct endpoint *end,
                                             const char *how, int outcome)
{
	char buf[256];
	struct text line = text_in(buf, sizeof buf);
	if (!config.verbose && config.log == NULL)
		return;
	text_add(&line, "noselfconn: ");
	text_add(&line, program);
	text_add(&line, "[");
	text_add_number(&line, (unsigned)sys_getpid(), 10);
	text_add(&line, "]: fd ");
	text_add_number(&line, (unsigned)fd, 10);
	text_add(&line, ": self-connection at ");
	add_endpoint(&line, end);
	text_add(&line, ": ");
	text_add(&line, how);
	text_add(&line, ": ");
	add_outcome(&line, outcome);
	text_add(&line, "\n");

	if (config.verbose && stderr_is_as_noted())
		say(STDERR_FILENO, &line);
	if (config.log != NULL)
		say_in_log(&line);
}
