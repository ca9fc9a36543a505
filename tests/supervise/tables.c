/* SPDX-License-Identifier: MIT */
/*
 * tables WORD: a thread connects to a closed port of its own host, and what it has open is not
 * what its process has open, or changes. Says what came of it.
 *
 *   own            the thread has a descriptor table of its own
 *   leaderless     the first thread of its process has ended
 *   reused TIMES   when the call begins, nothing is open under that number; another thread
 * opens a socket there while it goes on
 */
#include "attempt.h"

#include <err.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

static struct tally tally;

static int open_socket(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	if (fd < 0)
		err(2, "socket");
	return fd;
}

static _Noreturn void *finish(void)
{
	int fd = open_socket();
	count(&tally, fd, attempt(fd));
	abort_and_close(fd);
	show(&tally);
	exit(0);
}

static void *own(void *unused)
{
	(void)unused;
	if (unshare(CLONE_FILES) != 0)
		err(2, "unshare");
	return finish();
}

static bool first_has_ended(void)
{
	char state = ' ';
	FILE *f = fopen("/proc/self/stat", "re");
	if (f == NULL || fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
		err(2, "/proc/self/stat");
	fclose(f);
	return state == 'Z';
}

static void *leaderless(void *unused)
{
	(void)unused;
	while (!first_has_ended())
		sched_yield();
	return finish();
}

static atomic_int number = -1, outcome = -1;

static void *connector(void *unused)
{
	for (;;) {
		int fd = atomic_exchange(&number, -1);
		if (fd >= 0)
			outcome = attempt(fd);
		else
			sched_yield();
	}
	return unused;
}

static void reuse(int times)
{
	for (int i = 0; i < times; i++) {
		int fd = open_socket();
		close(fd);
		outcome = -1;
		number = fd;
		for (volatile int wait = i * 97 % 20000; wait > 0; wait--)
			;
		if (open_socket() != fd)
			errx(2, "not the same number");
		while (outcome < 0)
			sched_yield();
		tally.self += outcome == 0 && to_itself(fd);
		abort_and_close(fd);
	}
	puts("reused");
	show(&tally);
}

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "";
	void *(*run)(void *) = strcmp(word, "own") == 0          ? own
	                       : strcmp(word, "leaderless") == 0 ? leaderless
	                                                         : connector;
	pthread_t thread;
	errno = pthread_create(&thread, NULL, run, NULL);
	if (errno != 0)
		err(2, "pthread_create");
	if (run == connector)
		reuse(argc > 2 ? atoi(argv[2]) : 1);
	else if (run == leaderless)
		pthread_exit(NULL);
	else
		pthread_join(thread, NULL);
	return 0;
}
