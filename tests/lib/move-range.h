/* SPDX-License-Identifier: MIT */
/*
 * The library prevents self-connections in a program with threads, by the ephemeral port range
 * that it has read. With MOVE_RANGE=yes, a program that calls this first has a library that
 * knows an older range: so it repairs them, in threads too. Another thread makes the first
 * connect().
 */
#ifndef MOVE_RANGE_H
#define MOVE_RANGE_H

#include <arpa/inet.h>
#include <err.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static void *connect_to_nobody(void *unused)
{
	struct sockaddr_in sin = {.sin_family = AF_INET,
	                          .sin_port = htons(1),
	                          .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	if (connect(fd, (struct sockaddr *)&sin, sizeof sin) == 0)
		warnx("port 1 is open");
	close(fd);
	return unused;
}

static void move_range(void)
{
	static const char path[] = "/proc/sys/net/ipv4/ip_local_port_range";
	char range[32] = "";
	pthread_t thread;
	if (getenv("MOVE_RANGE") == NULL)
		return;
	FILE *f = fopen(path, "r+e");
	if (f == NULL || fgets(range, sizeof range, f) == NULL)
		err(2, "%s", path);
	rewind(f);
	fputs("20000 20009", f);
	fflush(f);
	if (pthread_create(&thread, NULL, connect_to_nobody, NULL) != 0)
		err(2, "pthread_create");
	pthread_join(thread, NULL);
	rewind(f);
	fputs(range, f);
	if (fclose(f) != 0)
		err(2, "%s", path);
}

#endif
