/*
 * soak COUNT THREADS PROCESSES: COUNT connects to closed ports, from so many processes of so
 * many threads each. To be run in a network namespace of its own (netns); the ports are those
 * of its ephemeral port range that connect() is given. Each connect is to be refused. With
 * NOSELFCONN_LOG, a server without SO_REUSEADDR is to bind the port after each repair, at the
 * latest when the sockets that happen to have it at that moment are closed. At the end, no
 * process has more descriptors or memory than after its first tenth, and the namespace has no
 * socket left.
 *
 * A line of progress on stderr, a summary on stdout; exit status 1 where something is not so.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MOST_PROCESSES = 64, MOST_THREADS = 64, BIND_SECONDS = 30, MEMORY_KB = 128 };

/* Of all processes. */
static struct shared {
	atomic_long done, self_connected, others;
	struct {
		int descriptors[2]; /* after the first tenth, and at the end */
		long memory_kb[2];
	} process[MOST_PROCESSES];
} * shared;

static long count;       /* of connects of each thread */
static int threads, low; /* of the ephemeral port range */
static unsigned ports;   /* that connect() is given */
static int me;           /* which of the processes */
static pthread_barrier_t warm, go_on;

static long read_number(const char *path, const char *label)
{
	char line[256];
	long number = -1;
	FILE *f = fopen(path, "re");
	if (f == NULL)
		err(2, "%s", path);
	while (fgets(line, sizeof line, f) != NULL)
		if (strncmp(line, label, strlen(label)) == 0)
			number = strtol(line + strlen(label), NULL, 10);
	fclose(f);
	return number;
}

static int count_descriptors(void)
{
	int n = 0;
	DIR *d = opendir("/proc/self/fd");
	if (d == NULL)
		err(2, "/proc/self/fd");
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n - 3; /* ".", ".." and the directory itself */
}

static void note(int when)
{
	shared->process[me].descriptors[when] = count_descriptors();
	shared->process[me].memory_kb[when] = read_number("/proc/self/status", "RssAnon:");
}

static void examine(int fd, int error)
{
	struct sockaddr_in6 local, peer;
	socklen_t len = sizeof local, peer_len = sizeof peer;
	if (error == ECONNREFUSED)
		return;
	if (error == 0 && getsockname(fd, (struct sockaddr *)&local, &len) == 0 &&
	    getpeername(fd, (struct sockaddr *)&peer, &peer_len) == 0 &&
	    memcmp(&local, &peer, len) == 0)
		atomic_fetch_add(&shared->self_connected, 1);
	else if (atomic_fetch_add(&shared->others, 1) < 10)
		warnx("connect: %s", error == 0 ? "success" : strerror(error));
}

static void connect_once(unsigned kind, in_port_t port)
{
	struct sockaddr_in in = {.sin_family = AF_INET,
	                         .sin_port = port,
	                         .sin_addr = {htonl(kind == 1 ? INADDR_ANY : INADDR_LOOPBACK)}};
	struct sockaddr_in6 in6 = {
	        .sin6_family = AF_INET6, .sin6_port = port, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	bool ipv6 = kind == 2;
	int error = 0;
	socklen_t len = sizeof error;
	int fd = socket(ipv6 ? AF_INET6 : AF_INET,
	                SOCK_STREAM | SOCK_CLOEXEC | (kind == 3 ? SOCK_NONBLOCK : 0), 0);
	if (fd < 0)
		err(2, "socket");
	if (connect(fd, ipv6 ? (struct sockaddr *)&in6 : (struct sockaddr *)&in,
	            ipv6 ? sizeof in6 : sizeof in) != 0)
		error = errno;
	if (error == EINPROGRESS) {
		struct pollfd p = {.fd = fd, .events = POLLOUT};
		poll(&p, 1, -1);
		getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len);
	}
	examine(fd, error);
	close(fd);
}

static void *work(void *arg)
{
	unsigned state = 2463534242u + (unsigned)*(int *)arg * 977u + (unsigned)me * 131071u;
	for (long i = 0; i < count; i++) {
		state ^= state << 13;
		state ^= state >> 17;
		state ^= state << 5;
		connect_once(i % 8 < 4 ? (unsigned)(i % 4) : 0,
		             htons((in_port_t)((unsigned)low + 2 * (state % ports))));
		if (i % 64 == 63 || i == count - 1)
			atomic_fetch_add(&shared->done, i % 64 + 1);
		if (i == count / 10) {
			pthread_barrier_wait(&warm);
			pthread_barrier_wait(&go_on);
		}
	}
	pthread_barrier_wait(&warm);
	pthread_barrier_wait(&go_on);
	return NULL;
}

/* A process of one thread has only that: it is what reopening is for. */
static void run(void)
{
	static pthread_t thread[MOST_THREADS];
	static int number[MOST_THREADS];
	bool single = threads == 1;
	pthread_barrier_init(&warm, NULL, single ? 1 : (unsigned)threads + 1);
	pthread_barrier_init(&go_on, NULL, single ? 1 : (unsigned)threads + 1);
	if (single) {
		note(0);
		work(&number[0]);
		note(1);
		_exit(0);
	}
	for (int i = 0; i < threads; i++) {
		number[i] = i;
		if (pthread_create(&thread[i], NULL, work, &number[i]) != 0)
			err(2, "pthread_create");
	}
	for (int when = 0; when < 2; when++) {
		pthread_barrier_wait(&warm);
		note(when);
		pthread_barrier_wait(&go_on);
	}
	for (int i = 0; i < threads; i++)
		pthread_join(thread[i], NULL);
	_exit(0);
}
