#include "report.h"

#include "config.h"
#include "hold.h"
#include "text.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static struct {
	bool known;
	dev_t dev;
	ino_t ino;
} stderr_file;

void report_remember_stderr(void)
{
	struct stat st;
	int before = errno;
	if (fstat(STDERR_FILENO, &st) == 0) {
		stderr_file.dev = st.st_dev;
		stderr_file.ino = st.st_ino;
		stderr_file.known = true;
	}
	errno = before;
}

static bool stderr_is_as_remembered(void)
{
	struct stat st;
	return stderr_file.known && fstat(STDERR_FILENO, &st) == 0 &&
	       st.st_dev == stderr_file.dev && st.st_ino == stderr_file.ino;
}

/* Takes back signal, which is blocked, if the write() that has just failed raised it. */
static void take_back(int signal, const sigset_t *pending)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, signal);
	if (!sigismember(pending, signal))
		sigtimedwait(&set, NULL, &(const struct timespec) {0, 0});
}

/*
 * Nothing can be done, or said, about a report that can't be written. But the program must not
 * die of it, of SIGPIPE where the reader is gone or SIGXFSZ where the file may not grow, nor
 * wait for a reader: a pipe that is ready takes a line at once.
 */
static void put(int fd, const struct text *line)
{
	struct pollfd ready = {.fd = fd, .events = POLLOUT};
	struct hold hold;
	sigset_t pending;

	hold_begin(&hold);
	sigpending(&pending);
	if (poll(&ready, 1, 0) == 1 && write(fd, line->buf, line->len) < 0) {
		if (errno == EPIPE)
			take_back(SIGPIPE, &pending);
		else if (errno == EFBIG)
			take_back(SIGXFSZ, &pending);
	}
	hold_end(&hold);
}

/* O_NONBLOCK, so that a FIFO that nobody reads does not hold the program up. */
static void put_in_log(const struct text *line)
{
	struct hold hold;
	hold_begin(&hold);
	int log = open(config.log,
	               O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0666);
	if (log >= 0) {
		put(log, line);
		close(log);
	}
	hold_end(&hold);
}

void report_malformed(const char *name, const char *why, const char *fallback)
{
	char buf[160];
	struct text line = text_in(buf, sizeof buf);
	int before = errno;
	text_add(&line, "noselfconn: ");
	text_add(&line, name);
	text_add(&line, ": ");
	text_add(&line, why);
	text_add(&line, ": using ");
	text_add(&line, fallback);
	text_add(&line, "\n");
	put(STDERR_FILENO, &line);
	errno = before;
}

/* As RFC 5952 wants it: the longest run of zero groups, if there are two or more, is "::". */
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
	if (IN6_IS_ADDR_V4MAPPED(&end->addr)) {
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
	text_add_number(t, ntohs(end->port), 10);
}

static void add_outcome(struct text *t, int outcome)
{
	switch (outcome) {
	case 0:
		text_add(t, "connected");
		break;
	case EINPROGRESS:
		text_add(t, "connecting");
		break;
	case ECONNREFUSED:
		text_add(t, "connection refused");
		break;
	case EADDRNOTAVAIL:
		text_add(t, "no other port available");
		break;
	case EINTR:
		text_add(t, "interrupted");
		break;
	case ETIMEDOUT:
		text_add(t, "timed out");
		break;
	default:
		text_add(t, "error ");
		text_add_number(t, (unsigned)outcome, 10);
	}
}

/* What a program calls itself may be long, or meant to look like a line of ours. */
static void add_program(struct text *t)
{
	char name[64];
	struct text cut = text_in(name, sizeof name);
	text_add(&cut, program_invocation_short_name);
	for (size_t i = 0; i < cut.len; i++)
		if ((unsigned char)name[i] < ' ' || name[i] == 0x7f)
			name[i] = '?';
	text_add(t, name);
}

void report_repair(int fd, const struct endpoint *end, const char *how, int outcome)
{
	if (!config.verbose && config.log[0] == '\0')
		return;

	char buf[256];
	struct text line = text_in(buf, sizeof buf);
	int before = errno;
	text_add(&line, "noselfconn: ");
	add_program(&line);
	text_add(&line, "[");
	text_add_number(&line, (unsigned)getpid(), 10);
	text_add(&line, "]: fd ");
	text_add_number(&line, (unsigned)fd, 10);
	text_add(&line, ": self-connection at ");
	add_endpoint(&line, end);
	text_add(&line, ": ");
	text_add(&line, how);
	text_add(&line, ": ");
	add_outcome(&line, outcome);
	text_add(&line, "\n");

	if (config.verbose && stderr_is_as_remembered())
		put(STDERR_FILENO, &line);
	if (config.log[0] != '\0')
		put_in_log(&line);
	errno = before;
}
