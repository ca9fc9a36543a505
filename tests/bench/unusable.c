/* SPDX-License-Identifier: MIT */
/*
 * unusable PORT SECONDS COMMAND [ARGUMENT...]: runs the command, and then tries, as a server
 * would, to bind the port and listen, until it can be had. Prints how many seconds that took;
 * after so many it gives up.
 */
#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static bool is_usable(int port)
{
	const int on = 1;
	struct sockaddr_in sin = {.sin_family = AF_INET,
	                          .sin_port = htons((in_port_t)port),
	                          .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	bool usable = bind(fd, (struct sockaddr *)&sin, sizeof sin) == 0 && listen(fd, 9) == 0;
	close(fd);
	return usable;
}

int main(int argc, char **argv)
{
	const struct timespec pause = {.tv_nsec = 20000000};
	struct timespec start, now;
	if (argc < 4)
		errx(2, "usage: unusable PORT SECONDS COMMAND [ARGUMENT...]");
	pid_t child = fork();
	if (child == 0) {
		dup2(STDERR_FILENO, STDOUT_FILENO);
		execvp(argv[3], argv + 3);
		err(127, "%s", argv[3]);
	}
	waitpid(child, NULL, 0);

	double seconds = 0;
	clock_gettime(CLOCK_MONOTONIC, &start);
	while (!is_usable(atoi(argv[1])) && seconds < atof(argv[2])) {
		nanosleep(&pause, NULL);
		clock_gettime(CLOCK_MONOTONIC, &now);
		seconds = (double)(now.tv_sec - start.tv_sec) +
		          (double)(now.tv_nsec - start.tv_nsec) / 1e9;
	}
	printf("%.2f\n", seconds);
}
