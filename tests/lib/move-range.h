/* SPDX-License-Identifier: MIT */
/*
 * The library prevents self-connections in a program with threads, by the ephemeral port range
 * that it has read. A program that calls this first has a library that knows another range: so
 * it repairs them, in threads too.
 *
 *   MOVE_RANGE=yes     whenever it reads the range, it reads another one
 *   MOVE_RANGE=once    the range was another one when it was read first
 *
 * Another thread makes the first connect().
 */
#ifndef MOVE_RANGE_H
#define MOVE_RANGE_H

#include "proc.h"

#include <arpa/inet.h>
#include <err.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#define RANGE_FILE "/proc/sys/net/ipv4/ip_local_port_range"
#define OTHER_RANGE "20000 20009"

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

static void make_library_read_it(void)
{
	pthread_t thread;
	if (pthread_create(&thread, NULL, connect_to_nobody, NULL) != 0)
		err(2, "pthread_create");
	pthread_join(thread, NULL);
}

/* In a mount namespace of our own, so that no other process sees that file. */
static void put_file_there(char *path)
{
	if (unshare(CLONE_NEWNS) != 0 || !make_mounts_private() ||
	    mount(path, RANGE_FILE, NULL, MS_BIND, NULL) != 0)
		err(2, "%s", path);
	unlink(path);
}

static void hide_range(void)
{
	char path[] = "/tmp/range.XXXXXX";
	int fd = mkstemp(path);
	if (fd < 0 || write(fd, OTHER_RANGE, strlen(OTHER_RANGE)) < 0)
		err(2, "%s", path);
	close(fd);
	put_file_there(path);
}

static void move_range(void)
{
	const char *how = getenv("MOVE_RANGE");
	if (how == NULL)
		return;
	hide_range();
	make_library_read_it();
	if (strcmp(how, "once") == 0 && umount(RANGE_FILE) != 0)
		err(2, RANGE_FILE);
}

#endif
