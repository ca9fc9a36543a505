/* SPDX-License-Identifier: MIT */
/*
 * many ADDR PORT N: connects N times to an IPv4 address and a port where nothing listens, every
 * other time without blocking, and says how many of these were refused. Ends at the first one
 * that is connected to itself. Says also if a descriptor was lost.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int lowest_free_descriptor(void)
{
	int fd = dup(0);
	close(fd);
	return fd;
}

static bool is_self_connected(int fd)
{
	struct sockaddr_in local, peer;
	socklen_t n = sizeof local, m = sizeof peer;
	return getsockname(fd, (struct sockaddr *)&local, &n) == 0 &&
	       getpeername(fd, (struct sockaddr *)&peer, &m) == 0 &&
	       local.sin_port == peer.sin_port && local.sin_addr.s_addr == peer.sin_addr.s_addr;
}

static int outcome(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	int error = 0;
	socklen_t len = sizeof error;
	poll(&p, 1, -1);
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len);
	return error;
}

int main(int argc, char **argv)
{
	struct sockaddr_in a = {.sin_family = AF_INET};
	if (argc != 4 || inet_pton(AF_INET, argv[1], &a.sin_addr) != 1)
		errx(2, "usage: many ADDR PORT N");
	a.sin_port = htons((in_port_t)atoi(argv[2]));
	int attempts = atoi(argv[3]), refused = 0, before = lowest_free_descriptor();

	for (int i = 1; i <= attempts; i++) {
		int nonblock = i % 2 == 0 ? SOCK_NONBLOCK : 0;
		int fd = socket(AF_INET, SOCK_STREAM | nonblock, 0);
		int error = connect(fd, (const struct sockaddr *)&a, sizeof a) == 0 ? 0 : errno;
		if (is_self_connected(fd)) {
			printf("attempt %d: connected to itself\n", i);
			return 1;
		}
		if (error == EINPROGRESS)
			error = outcome(fd);
		if (error == ECONNREFUSED)
			refused++;
		else
			printf("attempt %d: %s\n", i, strerror(error));
		close(fd);
	}
	printf("refused: %d\n", refused);
	printf("descriptors lost: %s\n", lowest_free_descriptor() == before ? "none" : "some");
	return 0;
}
