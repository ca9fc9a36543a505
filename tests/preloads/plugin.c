/* SPDX-License-Identifier: MIT */
/* A library that connects, for tests/world/loads.c to load. */
#undef _GNU_SOURCE
#define _DEFAULT_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int plugin_connect(int port);

/* Returns 0, or an errno; -1 for a self-connection. */
int plugin_connect(int port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((in_port_t)port)};
	struct sockaddr_in local;
	socklen_t len = sizeof local;
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	int outcome = connect(fd, (const struct sockaddr *)&a, sizeof a) == 0 ? 0 : errno;
	if (outcome == 0 && getsockname(fd, (struct sockaddr *)&local, &len) == 0 &&
	    local.sin_port == a.sin_port)
		outcome = -1;
	close(fd);
	return outcome;
}
