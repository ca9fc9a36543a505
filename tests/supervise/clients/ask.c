/* SPDX-License-Identifier: MIT */
/*
 * ask [ring]: asks the server at 127.0.0.1:40000 and shows what comes back. It connects by a
 * system call of its own, or by io_uring, if there is any here (compiled with -DRING and
 * liburing).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef RING
#include <liburing.h>

static int connect_by_ring(int fd, const struct sockaddr_in *address)
{
	struct io_uring ring;
	struct io_uring_cqe *done;
	int e = io_uring_queue_init(4, &ring, 0);
	if (e < 0) {
		printf("no ring: %s\n", strerror(-e));
		return (int)syscall(SYS_connect, fd, address, sizeof *address);
	}
	io_uring_prep_connect(io_uring_get_sqe(&ring), fd, (const struct sockaddr *)address,
	                      sizeof *address);
	io_uring_submit(&ring);
	io_uring_wait_cqe(&ring, &done);
	errno = -done->res;
	return done->res < 0 ? -1 : 0;
}
#else
static int connect_by_ring(int fd, const struct sockaddr_in *address)
{
	return (int)syscall(SYS_connect, fd, address, sizeof *address);
}
#endif

int main(int argc, char **argv)
{
	char line[64];
	const struct sockaddr_in address = {.sin_family = AF_INET,
	                                    .sin_port = htons(40000),
	                                    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	int failed = argc > 1 && strcmp(argv[1], "ring") == 0
	                     ? connect_by_ring(fd, &address)
	                     : (int)syscall(SYS_connect, fd, &address, sizeof address);
	if (failed || write(fd, "ping\n", 5) != 5) {
		printf("error: %s\n", strerror(errno));
		return 1;
	}
	ssize_t n = read(fd, line, sizeof line);
	printf("received %.*s", n < 0 ? 0 : (int)n, line);
	return 0;
}
