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
#include "launch/execute.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum { NOT_RUN = 125 };

/* Those of stdin, stdout and stderr, if the user has closed them, are for none of ours. They
 * are closed again by exec. */
static void take_standard_numbers(void)
{
	int fd;
	while ((fd = open("/", O_PATH | O_CLOEXEC)) >= 0 && fd <= STDERR_FILENO)
		;
	close(fd);
}

static bool prepare(struct family *family)
{
	int news[2], asks[2];
	sigset_t all;
	family->shared = mmap(NULL, sizeof *family->shared, PROT_READ | PROT_WRITE,
	                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (family->shared == MAP_FAILED ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, news) != 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, asks) != 0)
		return false;
	family->front_end = news[0];
	family->news_end = news[1];
	family->asks_end = asks[0];
	family->witness_end = asks[1];
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	return true;
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return NOT_RUN; /* only noselfconn calls this */
	char *mode = argv[1], *subject = strchr(mode, ':');
	if (subject != NULL)
		*subject++ = '\0';
	struct family family = {.front = getpid(),
	                        .command = argv + 2,
	                        .subject = subject == NULL ? argv[2] : subject,
	                        .verbose = strstr(mode, "verbose") != NULL};
	take_standard_numbers();
	sigprocmask(SIG_BLOCK, NULL, &family.mask);
	family.on_child = signal(SIGCHLD, SIG_DFL);
	if (is_filtered()) {
		if (family.verbose)
			say(family.subject, "supervised already");
		be_command(&family);
	}
	bool prepared = prepare(&family);
	struct obstacle obstacle = {"no memory or descriptors", errno};
	if (prepared) {
		be_front(&family);
		obstacle = family.shared->obstacle;
	}
	if (strstr(mode, "quiet") == NULL)
		fprintf(stderr, "noselfconn: %s: not supervised: %s%s%s\n",
		        shown(family.subject), obstacle.what, obstacle.error == 0 ? "" : ": ",
		        obstacle.error == 0 ? "" : strerror(obstacle.error));
	if (strstr(mode, "strict") == NULL)
		be_command(&family);
	say(argv[2], "not run (--strict)");
	return NOT_RUN;
}
