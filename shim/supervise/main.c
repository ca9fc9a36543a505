/* SPDX-License-Identifier: MIT */
/*
 * supervise MODE[:SUBJECT] COMMAND [ARGUMENT...]: runs the command so that neither it nor what
 * it starts is handed a TCP connection to itself, however it makes its system calls. MODE is
 * quiet; warn: says so if that is not possible; or verbose: also if it is. With "+strict" after
 * it, the command is not run if it is not possible; else it then takes the place of this
 * process. SUBJECT is what these lines are about; without it, the command.
 *
 * Exit status: that of the command; 125 to 127 as of env(1).
 */
#include "family.h"
#include "filter.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum { NOT_RUN = 125 };

static void say(const char *subject, const char *what, int error)
{
	fprintf(stderr, "noselfconn: %s: %s%s%s\n", subject, what, error == 0 ? "" : ": ",
	        error == 0 ? "" : strerror(error));
}

static const char *reason(enum obstacle obstacle, int error)
{
	if (obstacle == NO_PROCESS)
		return "not supervised: no more processes";
	if (obstacle == NO_FILTER && error == EBUSY)
		return "not supervised: it already is, by another program than noselfconn";
	if (obstacle == NO_FILTER)
		return "not supervised: no seccomp listener here (Linux 5.9 has it; some "
		       "containers forbid it)";
	if (obstacle == NO_MEMORY)
		return "not supervised: the memory of a child can't be read";
	return "not supervised: the sockets of a child can't be reached (in a container, that "
	       "takes "
	       "CAP_SYS_PTRACE)";
}

static bool prepare(struct family *family)
{
	int news[2], asks[2];
	sigset_t all;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, news) != 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, asks) != 0)
		return false;
	family->front_end = news[0];
	family->news_end = news[1];
	family->asks_end = asks[0];
	family->witness_end = asks[1];
	family->shared = mmap(NULL, sizeof *family->shared, PROT_READ | PROT_WRITE,
	                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (family->shared == MAP_FAILED)
		return false;
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &family->mask);
	return true;
}

static bool has(const char *mode, const char *word)
{
	const char *at = strstr(mode, word), *end = strchr(mode, ':');
	return at != NULL && (end == NULL || at < end);
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return NOT_RUN; /* only noselfconn calls this */
	const char *mode = argv[1], *subject = strchr(mode, ':');
	struct family family = {.command = argv + 2, .verbose = has(mode, "verbose")};
	family.subject = subject == NULL ? argv[2] : subject + 1;
	sigprocmask(SIG_BLOCK, NULL, &family.mask);
	if (is_filtered()) {
		if (family.verbose)
			say(family.subject, "supervised already", 0);
		be_command(&family);
	}
	int error = 0;
	enum obstacle obstacle = NO_PROCESS;
	if (prepare(&family))
		obstacle = be_front(&family, &error);
	else
		error = errno;
	if (!has(mode, "quiet"))
		say(family.subject, reason(obstacle, error), error);
	if (!has(mode, "strict"))
		be_command(&family);
	say(family.command[0], "not run (--strict)", 0);
	return NOT_RUN;
}
