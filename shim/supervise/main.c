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

#include <fcntl.h>
#include <string.h>
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
	                        .quiet = strstr(mode, "quiet") != NULL,
	                        .verbose = strstr(mode, "verbose") != NULL};
	take_standard_numbers();
	sigprocmask(SIG_BLOCK, NULL, &family.mask);
	family.on_child = signal(SIGCHLD, SIG_DFL);
	if (is_filtered()) {
		if (family.verbose)
			say(family.subject, "supervised already");
		be_command(&family);
	}
	be_front(&family);
	if (strstr(mode, "strict") == NULL)
		be_command(&family);
	say(argv[2], "not run (--strict)");
	return NOT_RUN;
}
