/* SPDX-License-Identifier: MIT */
/*
 * A preload for below the library: another thread closes the descriptor that the process's
 * first connect() was for, and opens something else under the same number, just before the
 * connect() call number SWAP_AT; SWAP says what: "file" or "socket".
 */
#undef _GNU_SOURCE
#define _DEFAULT_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static void *swap(void *arg)
{
	const char *what = getenv("SWAP");
	int fd = *(int *)arg;
	close(fd);
	int other = what != NULL && strcmp(what, "socket") == 0
	                    ? socket(AF_INET, SOCK_STREAM, 0)
	                    : (int)syscall(SYS_memfd_create, "swap", 0);
	if (other != fd)
		fprintf(stderr, "swap: %d is not %d\n", other, fd);
	return NULL;
}

int connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	static int calls, victim;
	const char *at = getenv("SWAP_AT");
	pthread_t thread;
	if (++calls == 1)
		victim = fd;
	if (at != NULL && calls == atoi(at) &&
	    pthread_create(&thread, NULL, swap, &victim) == 0)
		pthread_join(thread, NULL);
	return (int)syscall(SYS_connect, fd, addr, len);
}
