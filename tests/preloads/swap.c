/* SPDX-License-Identifier: MIT */
/*
 * A preload for below the library: another thread closes the descriptor that the process's
 * first connect() was for, and opens something else under the same number, just before the
 * connect() call number SWAP_AT; SWAP says what: "file" or "socket". With SWAP_BY=signal, it is
 * no thread but a handler of SIGUSR1, which is raised then: while that is blocked, later.
 */
#undef _GNU_SOURCE
#define _DEFAULT_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static int victim;

static void *swap(void *unused)
{
	const char *what = getenv("SWAP");
	close(victim);
	int other = what != NULL && strcmp(what, "socket") == 0
	                    ? socket(AF_INET, SOCK_STREAM, 0)
	                    : (int)syscall(SYS_memfd_create, "swap", 0);
	if (other != victim)
		fprintf(stderr, "swap: %d is not %d\n", other, victim);
	return unused;
}

static void on_signal(int sig)
{
	(void)sig;
	swap(NULL);
}

static void swap_by_signal(void)
{
	const struct sigaction action = {.sa_handler = on_signal};
	sigaction(SIGUSR1, &action, NULL);
	raise(SIGUSR1);
}

static void swap_by_thread(void)
{
	pthread_t thread;
	if (pthread_create(&thread, NULL, swap, NULL) == 0)
		pthread_join(thread, NULL);
}

int connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	static int calls;
	const char *at = getenv("SWAP_AT");
	if (++calls == 1)
		victim = fd;
	if (at != NULL && calls == atoi(at)) {
		if (getenv("SWAP_BY") != NULL)
			swap_by_signal();
		else
			swap_by_thread();
	}
	return (int)syscall(SYS_connect, fd, addr, len);
}
