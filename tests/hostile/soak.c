/* SPDX-License-Identifier: MIT */
/*
 * soak COUNT THREADS PROCESSES: COUNT connects to closed ports, from so many processes of so
 * many threads each. To be run in a network namespace of its own (netns); the ports are those
 * of its ephemeral port range that connect() is given. Each connect must be refused, unless
 * two of them meet. With NOSELFCONN_LOG, a server without SO_REUSEADDR is to bind the port
 * after each repair, at the latest when the sockets that happen to have it at that moment are
 * closed. At the end, no process has more descriptors or memory than after its first tenth, and
 * the namespace has no socket left.
 *
 * A line of progress on stderr, a summary on stdout; exit status 1 where something is not so.
 */
#include "move-range.h"

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
	atomic_long done, self_connected, mutual, others;
	struct {
		int descriptors[2]; /* after the first tenth, and at the end */
		long memory_kb[2];
	} process[MOST_PROCESSES];
} * shared;

static long count;       /* of connects of each thread */
static int threads, low; /* of the ephemeral port range */
static unsigned ports;   /* that connect() is given */
static int me;           /* which of the processes */
static pthread_barrier_t barrier;

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

/*
 * Two sockets that happen to have each other's destination for their own port connect to one
 * another. Aborted, so that nothing is left of it.
 */
static void examine(int fd, int error)
{
	const struct linger abort = {.l_onoff = 1};
	struct sockaddr_in6 local, peer;
	socklen_t len = sizeof local, peer_len = sizeof peer;
	if (error == ECONNREFUSED)
		return;
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
	if (error != 0 && error != ECONNRESET) {
		atomic_fetch_add(&shared->others, 1);
		warnx("connect: %s", strerror(error));
	} else if (error == 0 && getsockname(fd, (struct sockaddr *)&local, &len) == 0 &&
	           getpeername(fd, (struct sockaddr *)&peer, &peer_len) == 0 &&
	           memcmp(&local, &peer, len) == 0) {
		atomic_fetch_add(&shared->self_connected, 1);
	} else {
		atomic_fetch_add(&shared->mutual, 1);
	}
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

/* All threads stand still while the first one looks. */
static void note_together(int when, int thread)
{
	pthread_barrier_wait(&barrier);
	if (thread == 0)
		note(when);
	pthread_barrier_wait(&barrier);
}

static void *work(void *arg)
{
	int thread = *(int *)arg;
	unsigned state = 2463534242u + (unsigned)thread * 977u + (unsigned)me * 131071u;
	for (long i = 0; i < count; i++) {
		if (i == count / 10)
			note_together(0, thread);
		state ^= state << 13;
		state ^= state >> 17;
		state ^= state << 5;
		connect_once(i % 8 < 4 ? (unsigned)(i % 4) : 0,
		             htons((in_port_t)((unsigned)low + 2 * (state % ports))));
		atomic_fetch_add(&shared->done, 1);
	}
	note_together(1, thread);
	return NULL;
}

static void run(void)
{
	static pthread_t thread[MOST_THREADS];
	static int number[MOST_THREADS];
	pthread_barrier_init(&barrier, NULL, (unsigned)threads);
	for (int i = 0; i < threads; i++) {
		number[i] = i;
		if (i > 0 && pthread_create(&thread[i], NULL, work, &number[i]) != 0)
			err(2, "pthread_create");
	}
	work(&number[0]);
	for (int i = 1; i < threads; i++)
		pthread_join(thread[i], NULL);
	_exit(0);
}

/* ---- the process that watches ---- */

static struct {
	long reset, other, not_bindable;
} repairs;

static bool is_bindable(in_port_t port)
{
	struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = port};
	time_t end = time(NULL) + BIND_SECONDS;
	bool bound = false;
	while (!bound && time(NULL) <= end) {
		int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
		bound = bind(fd, (struct sockaddr *)&any, sizeof any) == 0;
		close(fd);
		if (!bound)
			usleep(200);
	}
	return bound;
}

/* "...: self-connection at 127.0.0.1:40000: reset in place: connection refused" */
static void read_repair(const char *line)
{
	static const char label[] = "self-connection at ";
	const char *at = strstr(line, label), *how = at == NULL ? NULL : strstr(at, ": ");
	if (how == NULL)
		errx(2, "not a repair: %s", line);
	const char *port = how;
	while (port > at && port[-1] != ':')
		port--;
	if (strncmp(how, ": reset in place: ", 18) == 0)
		repairs.reset++;
	else
		repairs.other++;
	if (!is_bindable(htons((in_port_t)atoi(port)))) {
		repairs.not_bindable++;
		warnx("port %d can't be bound", atoi(port));
	}
}

/* The new lines of the log; whole ones, because each is written at once. */
static void read_log(FILE *log)
{
	char line[512];
	if (log == NULL)
		return;
	clearerr(log);
	while (fgets(line, sizeof line, log) != NULL)
		read_repair(line);
}

/* On a terminal, one line that changes; else, a line for every tenth of the whole. */
static void progress(long total)
{
	static long tenth;
	long done = atomic_load(&shared->done);
	bool tty = isatty(STDERR_FILENO);
	if (tty || (total >= 1000000 && done * 10 / total != tenth))
		fprintf(stderr, "%ld of %ld connects, %ld self-connected, %ld repairs%s", done,
		        total, atomic_load(&shared->self_connected),
		        repairs.reset + repairs.other, tty ? "\r" : "\n");
	tenth = done * 10 / total;
}

static long sockets_left(void)
{
	const char *v4 = "/proc/net/sockstat", *v6 = "/proc/net/sockstat6";
	long left = read_number(v4, "TCP: inuse ") + read_number(v6, "TCP6: inuse ");
	FILE *f = fopen(v4, "re");
	long timewait = 0;
	if (f == NULL || fscanf(f, "%*[^T]TCP: inuse %*d orphan %*d tw %ld", &timewait) != 1)
		errx(2, "%s", v4);
	fclose(f);
	return left + timewait;
}

static bool summary(int processes)
{
	bool flat = true;
	int most_descriptors = 0;
	long most_memory = 0;
	long left = sockets_left(), self = atomic_load(&shared->self_connected),
	     others = atomic_load(&shared->others);
	for (int i = 0; i < processes; i++) {
		const int *fds = shared->process[i].descriptors;
		const long *kb = shared->process[i].memory_kb;
		if (fds[1] != fds[0] || kb[1] > kb[0] + MEMORY_KB) {
			flat = false;
			warnx("process %d: from %d to %d descriptors, from %ld to %ld kB", i,
			      fds[0], fds[1], kb[0], kb[1]);
		}
		most_descriptors = fds[1] > most_descriptors ? fds[1] : most_descriptors;
		most_memory = kb[1] > most_memory ? kb[1] : most_memory;
	}
	printf("%ld connects to %u ports, %d x %d threads: %ld self-connected, %ld to one "
	       "another, "
	       "%ld other outcomes; repairs: %ld reset in place, %ld other, "
	       "%ld ports not bindable; %s: %d descriptors, %ld kB at most; %ld sockets left\n",
	       atomic_load(&shared->done), ports, processes, threads, self,
	       atomic_load(&shared->mutual), others, repairs.reset, repairs.other,
	       repairs.not_bindable, flat ? "flat" : "NOT FLAT", most_descriptors, most_memory,
	       left);
	return flat && self == 0 && others == 0 && repairs.not_bindable == 0 &&
	       repairs.other == 0 && left == 0;
}

int main(int argc, char **argv)
{
	if (argc != 4)
		errx(2, "usage: soak COUNT THREADS PROCESSES");
	threads = atoi(argv[2]);
	int processes = atoi(argv[3]), high, status, running = 0;
	bool died = false;
	if (threads < 1 || threads > MOST_THREADS || processes < 1 ||
	    processes > MOST_PROCESSES)
		errx(2, "up to %d threads, up to %d processes", MOST_THREADS, MOST_PROCESSES);
	count = (atol(argv[1]) + threads * processes - 1) / (threads * processes);

	FILE *range = fopen("/proc/sys/net/ipv4/ip_local_port_range", "re");
	if (range == NULL || fscanf(range, "%d %d", &low, &high) != 2)
		errx(2, "ip_local_port_range");
	fclose(range);
	move_range();
	ports = (unsigned)(high - low + 1) / 2;
	shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
	              -1, 0);
	if (shared == MAP_FAILED)
		err(2, "mmap");

	const char *path = getenv("NOSELFCONN_LOG");
	FILE *log = path == NULL ? NULL : fopen(path, "w+e");
	for (me = 0; me < processes; me++, running++) {
		pid_t pid = fork();
		if (pid < 0)
			err(2, "fork");
		if (pid == 0)
			run();
	}
	while (running > 0) {
		pid_t pid = waitpid(-1, &status, WNOHANG);
		running -= pid > 0;
		died |= pid > 0 && status != 0;
		read_log(log);
		progress(count * threads * processes);
		if (pid == 0)
			usleep(100000);
	}
	read_log(log);
	return summary(processes) && !died ? 0 : 1;
}
