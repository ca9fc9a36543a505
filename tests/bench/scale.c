/* SPDX-License-Identifier: MIT */
/*
 * scale THREADS MILLISECONDS ROUNDS: so many threads connect all the time, without blocking, to
 * a closed port, as any program does, so that a preload may stand in front of connect(), and
 * with libc's own, which none stands in front of, by turns. One line for each pair: connects
 * per second.
 */
#undef _GNU_SOURCE /* with it, glibc declares connect() with a union for its addr */
#define _DEFAULT_SOURCE
#include <dlfcn.h>
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MOST_THREADS = 64 };

typedef int connect_fn(int, const struct sockaddr *, socklen_t);

static struct sockaddr_in closed;
static connect_fn *connect_now;
static pthread_barrier_t turn;
static atomic_bool stop, end;
static atomic_long connects;

static void *run(void *unused)
{
	for (;;) {
		long own = 0;
		pthread_barrier_wait(&turn);
		if (end)
			return unused;
		for (; !stop; own++) {
			int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
			if (connect_now(fd, (struct sockaddr *)&closed, sizeof closed) == 0 ||
			    errno != EINPROGRESS)
				err(1, "connect");
			close(fd);
		}
		connects += own;
		pthread_barrier_wait(&turn);
	}
}

static double per_second(connect_fn *fn, long ms)
{
	const struct timespec wait = {ms / 1000, ms % 1000 * 1000000};
	struct timespec a, b;
	connect_now = fn;
	connects = 0;
	stop = false;
	pthread_barrier_wait(&turn);
	clock_gettime(CLOCK_MONOTONIC, &a);
	nanosleep(&wait, NULL);
	stop = true;
	pthread_barrier_wait(&turn);
	clock_gettime(CLOCK_MONOTONIC, &b);
	return (double)connects /
	       ((double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9);
}

int main(int argc, char **argv)
{
	pthread_t threads[MOST_THREADS];
	socklen_t len = sizeof closed;
	connect_fn *of_libc = NULL;
	int number = argc == 4 ? atoi(argv[1]) : 0;
	if (number < 1 || number > MOST_THREADS)
		errx(2, "usage: scale THREADS MILLISECONDS ROUNDS");
	void *libc = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
	if (libc != NULL)
		*(void **)&of_libc = dlsym(libc, "connect");
	if (of_libc == NULL)
		errx(1, "%s", dlerror());

	/* Bound and not listened on: refused, and never chosen for a connect(). */
	int server = socket(AF_INET, SOCK_STREAM, 0);
	closed.sin_family = AF_INET;
	closed.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(server, (struct sockaddr *)&closed, sizeof closed) != 0 ||
	    getsockname(server, (struct sockaddr *)&closed, &len) != 0)
		err(1, "bind");

	pthread_barrier_init(&turn, NULL, (unsigned)number + 1);
	for (int i = 0; i < number; i++)
		if (pthread_create(&threads[i], NULL, run, NULL) != 0)
			errx(1, "pthread_create");
	for (int i = -1; i < atoi(argv[3]); i++) { /* the first to warm up */
		bool swapped = i % 2 != 0;
		double a = per_second(swapped ? of_libc : connect, atol(argv[2]));
		double b = per_second(swapped ? connect : of_libc, atol(argv[2]));
		if (i >= 0)
			printf("%.0f %.0f\n", swapped ? b : a, swapped ? a : b);
	}
	end = true;
	pthread_barrier_wait(&turn);
	for (int i = 0; i < number; i++)
		pthread_join(threads[i], NULL);
}
