/*
 * supervise MODE COMMAND [ARGUMENT...]: runs the command so that neither it nor what it starts
 * is handed a TCP connection to itself, however it makes its system calls. MODE is quiet; warn:
 * says if that is not possible; verbose: says also if it is; or strict: does not run the
 * command then. If it is not possible, the command takes the place of this process.
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

static void say(const struct family *family, const char *what, int error)
{
	fprintf(stderr, "noselfconn: %s: %s%s%s\n", family->command[0], what,
	        error == 0 ? "" : ": ", error == 0 ? "" : strerror(error));
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

int main(int argc, char **argv)
{
	if (argc < 3)
		return NOT_RUN; /* only noselfconn calls this */
	bool strict = strcmp(argv[1], "strict") == 0;
	struct family family = {.command = argv + 2, .says = WARNS};
	if (strcmp(argv[1], "quiet") == 0)
		family.says = QUIET;
	else if (strcmp(argv[1], "verbose") == 0)
		family.says = VERBOSE;
	sigprocmask(SIG_BLOCK, NULL, &family.mask);
	if (is_filtered()) {
		if (family.says == VERBOSE)
			say(&family, "supervised already", 0);
		be_command(&family);
	}
	int error = 0;
	enum obstacle obstacle = NO_PROCESS;
	if (prepare(&family))
		obstacle = be_front(&family, &error);
	else
		error = errno;
	if (family.says != QUIET || strict)
		say(&family, reason(obstacle, error), error);
	if (!strict)
		be_command(&family);
	say(&family, "not run (--strict)", 0);
	return NOT_RUN;
}
