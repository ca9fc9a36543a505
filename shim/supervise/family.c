/* SPDX-License-Identifier: MIT */
#include "family.h"

#include "kernel.h"
#include "launch/execute.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

void say(const char *subject, const char *what)
{
	fprintf(stderr, "noselfconn: %s: %s\n", shown(subject), what);
}

bool fail(const struct family *family, const char *what, int error)
{
	if (!family->quiet)
		fprintf(stderr, "noselfconn: %s: not supervised: %s%s%s\n",
		        shown(family->subject), what, error == 0 ? "" : ": ",
		        error == 0 ? "" : strerror(error));
	return false;
}

void keep_only(const int *kept, int count)
{
	(void)!chdir("/");
	for (unsigned from = 0, next; from != UINT_MAX; from = next + (next != UINT_MAX)) {
		next = UINT_MAX; /* or the least of those that are kept */
		for (int i = 0; i < count; i++)
			if ((unsigned)kept[i] >= from && (unsigned)kept[i] < next)
				next = (unsigned)kept[i];
		if (next > from)
			syscall(NR_CLOSE_RANGE, from, next - 1, 0);
	}
}

int open_signals(void)
{
	sigset_t all;
	sigfillset(&all);
	sigdelset(&all, SIGTTOU);
	return signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
}

bool tell(int socket, int value)
{
	return send(socket, &value, sizeof value, MSG_NOSIGNAL) == sizeof value;
}

bool hear(int socket, int *value)
{
	return recv(socket, value, sizeof *value, MSG_WAITALL) == sizeof *value;
}
