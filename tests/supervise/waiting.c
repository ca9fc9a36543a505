/* SPDX-License-Identifier: MIT */
/*
 * waiting N: N threads wait in connect() for a server whose queue is full, while another one
 * connects to a closed port; then the process ends. Says what came of that connect, and whether
 * the parent process has opened anything meanwhile, or taken more than a little memory.
 */
#include "attempt.h"

#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/resource.h>

enum { SERVER = 30000, STACK = 64 << 10, LITTLE_KB = 256 };

static void set_range(const char *range)
{
	FILE *f = fopen("/proc/sys/net/ipv4/ip_local_port_range", "we");
	if (f == NULL || fputs(range, f) < 0 || fclose(f) != 0)
		err(2, "ip_local_port_range");
}

static int open_socket(int flags)
{
	int fd = socket(AF_INET, SOCK_STREAM | flags, 0);
	if (fd < 0)
		err(2, "socket");
	return fd;
}

static int connect_to_server(int fd)
{
	struct sockaddr_in server = loopback(SERVER);
	return connect(fd, (struct sockaddr *)&server, sizeof server);
}

static void open_server(void)
{
	struct sockaddr_in here = loopback(SERVER);
	int server = open_socket(0);
	if (bind(server, (struct sockaddr *)&here, sizeof here) != 0 || listen(server, 0) != 0)
		err(2, "listen");
	for (int i = 0; i < 2; i++)
		connect_to_server(open_socket(SOCK_NONBLOCK));
}

static void *one_to_wait(void *unused)
{
	connect_to_server(open_socket(0));
	errx(1, "a connect did not wait");
	return unused;
}

/* How many sockets of this namespace have sent a SYN that nobody has answered. */
static int waiting(void)
{
	char line[256], state[3];
	int n = 0;
	FILE *f = fopen("/proc/net/tcp", "re");
	while (f != NULL && fgets(line, sizeof line, f) != NULL)
		n += sscanf(line, "%*d: %*s %*s %2s", state) == 1 && strcmp(state, "02") == 0;
	if (f != NULL)
		fclose(f);
	return n;
}

struct use {
	int descriptors;
	long memory_kb;
};

static struct use use_of_parent(void)
{
	char path[32], line[128];
	struct use use = {0};
	snprintf(path, sizeof path, "/proc/%d/fd", (int)getppid());
	DIR *d = opendir(path);
	while (d != NULL && readdir(d) != NULL)
		use.descriptors++;
	closedir(d);
	snprintf(path, sizeof path, "/proc/%d/status", (int)getppid());
	FILE *f = fopen(path, "re");
	while (f != NULL && fgets(line, sizeof line, f) != NULL)
		if (sscanf(line, "VmRSS: %ld", &use.memory_kb) == 1)
			break;
	if (f != NULL)
		fclose(f);
	return use;
}

static void start_waiting(int threads)
{
	pthread_t thread;
	pthread_attr_t attr;
	struct rlimit limit;
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	open_server();
	int before = waiting();
	for (int i = 0; i < threads; i++) {
		errno = pthread_create(&thread, &attr, one_to_wait, NULL);
		if (errno != 0)
			err(2, "pthread_create");
	}
	while (waiting() < before + threads)
		sched_yield();
}

int main(int argc, char **argv)
{
	struct tally tally = {0};
	int threads = argc > 1 ? atoi(argv[1]) : 1;
	set_range("20000 39999");
	connect_to_server(open_socket(0)); /* refused; now all is loaded that it takes */
	struct use before = use_of_parent();
	start_waiting(threads);
	printf("waiting: %d\n", threads);
	set_range("40000 40001");
	int fd = open_socket(0);
	count(&tally, fd, attempt(fd));
	show(&tally);
	struct use now = use_of_parent();
	printf("its parent: %d more descriptors, %s\n", now.descriptors - before.descriptors,
	       now.memory_kb - before.memory_kb < LITTLE_KB ? "little memory" : "more memory");
	abort_and_close(fd);
	exit(0);
}
