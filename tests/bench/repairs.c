/* SPDX-License-Identifier: MIT */
/*
 * repairs KIND DESCRIPTORS PROCESSES NUMBER: in the namespace of two ports, has NUMBER connects
 * that come out self-connected repaired, and by turns with each makes one that is refused. One
 * line for each pair, in nanoseconds. So many descriptors are open meanwhile, and there are so
 * many other processes. KIND is the repair that is wanted:
 *
 * - in-place, or aborted: an ordinary socket's (and NOSELFCONN_RETRIES=0)
 * - mptcp: an MPTCP socket's
 * - deliberate: the socket was bound to the port
 * - refused: none, so that the pair is twice the same
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

enum { CLOSED = 39999, LOW = 40000, HIGH = 40001 };

/* What shows that it was this kind of repair. */
static const struct kind {
	const char *name;
	int outcome;
	int port; /* that the socket shows afterwards */
} kinds[] = {
        {"in-place", ECONNREFUSED, HIGH}, {"aborted", ECONNREFUSED, 0},
        {"mptcp", ECONNREFUSED, HIGH},    {"deliberate", 0, LOW},
        {"refused", ECONNREFUSED, LOW},
};

static struct sockaddr_in loopback(int port)
{
	return (struct sockaddr_in) {.sin_family = AF_INET,
	                             .sin_port = htons((in_port_t)port),
	                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static long one(const struct kind *kind)
{
	const struct linger none = {.l_onoff = 1};
	struct sockaddr_in to = loopback(kind->outcome != 0 && kind->port == LOW ? CLOSED
	                                                                         : LOW),
	                   a = {0};
	socklen_t len = sizeof a;
	struct timespec before, after;
	int protocol = strcmp(kind->name, "mptcp") == 0 ? IPPROTO_MPTCP : IPPROTO_TCP;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, protocol);
	if (fd < 0 || (kind->outcome == 0 && bind(fd, (struct sockaddr *)&to, sizeof to) != 0))
		err(1, "%s", kind->name);

	clock_gettime(CLOCK_MONOTONIC, &before);
	int result = connect(fd, (struct sockaddr *)&to, sizeof to);
	clock_gettime(CLOCK_MONOTONIC, &after);

	int outcome = result == 0 ? 0 : errno;
	getsockname(fd, (struct sockaddr *)&a, &len);
	if (outcome != kind->outcome || ntohs(a.sin_port) != kind->port)
		errx(1, "%s: %s, at port %d", kind->name, strerror(outcome), ntohs(a.sin_port));
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
	close(fd);
	return (after.tv_sec - before.tv_sec) * 1000000000 + after.tv_nsec - before.tv_nsec;
}

/* Each with a handful of descriptors; they end with this one, which holds the pipe open. */
static void other_processes(int number)
{
	int fds[2];
	char byte;
	if (number > 0 && pipe2(fds, O_CLOEXEC) != 0)
		err(1, "pipe");
	for (; number > 0; number--) {
		pid_t child = fork();
		if (child < 0)
			err(1, "fork");
		if (child != 0)
			continue;
		close(fds[1]);
		for (int i = 0; i < 7; i++)
			dup(STDERR_FILENO);
		read(fds[0], &byte, 1);
		_exit(0);
	}
}

static void open_descriptors(int number)
{
	struct rlimit limit = {(rlim_t)number + 20, (rlim_t)number + 20};
	struct rlimit now;
	getrlimit(RLIMIT_NOFILE, &now);
	if (now.rlim_cur < limit.rlim_cur && setrlimit(RLIMIT_NOFILE, &limit) != 0)
		err(1, "%d descriptors", number);
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	for (int i = 4; i < number; i++)
		if (dup(null) < 0)
			err(1, "%d descriptors", number);
}

int main(int argc, char **argv)
{
	const struct kind *kind = NULL, *refused = kinds + sizeof kinds / sizeof kinds[0] - 1;
	for (size_t i = 0; argc == 5 && i < sizeof kinds / sizeof kinds[0]; i++)
		if (strcmp(kinds[i].name, argv[1]) == 0)
			kind = &kinds[i];
	if (kind == NULL)
		errx(2, "usage: repairs KIND DESCRIPTORS PROCESSES NUMBER");
	other_processes(atoi(argv[3]));
	open_descriptors(atoi(argv[2]));
	for (int i = -1, number = atoi(argv[4]); i < number; i++) { /* the first to warm up */
		bool swapped = i % 2 != 0;
		long a = one(swapped ? refused : kind), b = one(swapped ? kind : refused);
		if (i >= 0)
			printf("%ld %ld\n", swapped ? b : a, swapped ? a : b);
	}
}
