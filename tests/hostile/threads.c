/* SPDX-License-Identifier: MIT */
/*
 * threads WORD...: many threads, or hindered ones, connect to one closed port of their own
 * host. Says what came of it, and whether descriptors were left.
 *
 *   crowd N TIMES          N threads, each that many times, each time on a new socket
 *   small                  a thread with the smallest stack there is
 *   cancel HOW TIMES       that many threads, each cancelled while it connects again and again;
 *                          HOW is "deferred" or "asynchronous"
 *   cancel-waiting CALL    a thread that is cancelled while it waits in "connect", "sendto",
 *                          "sendmsg" or "sendmmsg"
 *   child [alone]          a thread connects, and while the library reads the ephemeral port
 *                          range, another one forks a child; says whether that has it open,
 *                          too. With "alone", the process can have no more threads by then
 *   killed                 the same, and the program is killed meanwhile; says whether all ends
 *   unmapped               a thread waits for 192.0.2.1, which does not answer, until a signal
 *                          interrupts it; meanwhile another one unmaps the address
 *   static                 a thread connects to an address that is on no stack
 *   queue                  two threads connect, one after the other; says whether the process
 *                          still has its mq_notify()
 *   closer TIMES           a thread connects, another one closes that descriptor meanwhile, and
 *                          opens a file, which is to stay as it is
 */
#include "attempt.h"
#include "move-range.h"
#include "queue.h"

#include <err.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static struct tally tally;
static pthread_barrier_t barrier;
static int times;

static void start(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *),
                  void *arg)
{
	errno = pthread_create(thread, attr, run, arg);
	if (errno != 0)
		err(2, "pthread_create");
}

static int open_socket(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	if (fd < 0)
		err(2, "socket");
	return fd;
}

static void *one_of_crowd(void *unused)
{
	pthread_barrier_wait(&barrier);
	for (int i = 0; i < times; i++) {
		int fd = open_socket();
		count(&tally, fd, attempt(fd));
		abort_and_close(fd);
	}
	return unused;
}

static void crowd(int n)
{
	pthread_t *threads = calloc((size_t)n, sizeof *threads);
	pthread_barrier_init(&barrier, NULL, (unsigned)n);
	for (int i = 0; i < n; i++)
		start(&threads[i], NULL, one_of_crowd, NULL);
	for (int i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	free(threads);
}

static void small(void)
{
	pthread_attr_t attr;
	pthread_t thread;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, (size_t)PTHREAD_STACK_MIN);
	pthread_barrier_init(&barrier, NULL, 1);
	start(&thread, &attr, one_of_crowd, NULL);
	pthread_join(thread, NULL);
}

static struct {
	int fd, type;
	atomic_int attempts;
} cancelled;

static void *one_to_cancel(void *unused)
{
	int old;
	pthread_setcanceltype(cancelled.type, &old);
	for (;;) {
		if (attempt(cancelled.fd) == 0)
			tally.self++;
		cancelled.attempts++;
		pthread_testcancel();
	}
	return unused;
}

/* The moment is another one each time. */
static void cancel(int type)
{
	cancelled.type = type;
	for (int i = 0; i < times; i++) {
		pthread_t thread;
		void *result;
		cancelled.fd = open_socket();
		cancelled.attempts = 0;
		start(&thread, NULL, one_to_cancel, NULL);
		while (cancelled.attempts == 0)
			sched_yield();
		for (volatile int n = i * 997 % 20000; n > 0; n--)
			;
		pthread_cancel(thread);
		pthread_join(thread, &result);
		if (result != PTHREAD_CANCELED)
			errx(1, "the thread was not cancelled, but returned %p", result);
		abort_and_close(cancelled.fd);
	}
	printf("cancelled: %d\n", times);
}

static const char *call;
static atomic_int waiter; /* its thread ID */

/* In connect() for a server that does not answer, or in a send for a reader that does not read.
 */
static void *one_to_wait(void *unused)
{
	char byte = 0;
	struct iovec data = {&byte, sizeof byte};
	struct mmsghdr message = {.msg_hdr = {.msg_iov = &data, .msg_iovlen = 1}};
	waiter = (int)syscall(SYS_gettid);
	if (strcmp(call, "connect") == 0)
		attempt(cancelled.fd);
	else if (strcmp(call, "sendto") == 0)
		sendto(cancelled.fd, &byte, sizeof byte, 0, NULL, 0);
	else if (strcmp(call, "sendmsg") == 0)
		sendmsg(cancelled.fd, &message.msg_hdr, 0);
	else
		sendmmsg(cancelled.fd, &message, 1, 0);
	return unused;
}

static bool is_asleep(int thread)
{
	char path[64], state = ' ';
	snprintf(path, sizeof path, "/proc/self/task/%d/stat", thread);
	FILE *f = fopen(path, "r");
	if (f != NULL) {
		if (fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
			errx(2, "%s can't be understood", path);
		fclose(f);
	}
	return state == 'S';
}

/* Returns a socket whose connect() has to wait: the server's queue is full. */
static int open_unanswered(void)
{
	struct sockaddr_in here = loopback(PORT);
	int server = open_socket();
	if (bind(server, (struct sockaddr *)&here, sizeof here) != 0 || listen(server, 0) != 0)
		err(2, "listen");
	for (int i = 0; i < 2; i++) {
		int fd = open_socket();
		fcntl(fd, F_SETFL, O_NONBLOCK);
		attempt(fd);
	}
	return open_socket();
}

/* Returns a socket into which nothing more goes. */
static int open_unread(void)
{
	char junk[4096] = "";
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
		err(2, "socketpair");
	while (send(pair[0], junk, sizeof junk, MSG_DONTWAIT) > 0)
		;
	return pair[0];
}

static void cancel_waiting(void)
{
	pthread_t thread;
	void *result;
	cancelled.fd = strcmp(call, "connect") == 0 ? open_unanswered() : open_unread();
	start(&thread, NULL, one_to_wait, NULL);
	while (waiter == 0 || !is_asleep(waiter))
		sched_yield();
	pthread_cancel(thread);
	pthread_join(thread, &result);
	puts(result == PTHREAD_CANCELED ? "cancelled" : "the call returned");
}

/* The socket to connect, how many there were, and how many of these were tried. */
static atomic_int target, offered, tried;
static atomic_bool done;

static void *connector(void *unused)
{
	while (!done) {
		if (tried == offered) {
			sched_yield();
			continue;
		}
		int fd = target;
		tried++;
		if (attempt(fd) == 0 && to_itself(fd))
			tally.self++;
	}
	return unused;
}

/*
 * The connecting thread's call may begin as late as after the socket was closed; what it then
 * meets is a file, and connect() leaves it alone.
 */
static void closer(void)
{
	pthread_t thread;
	const struct linger abort_it = {.l_onoff = 1};
	struct stat before, after;
	int same = 0;
	start(&thread, NULL, connector, NULL);
	for (int i = 0; i < times; i++) {
		int fd = open_socket();
		target = fd;
		/* Closed while it is connected to itself, it must not stay in TIME_WAIT. */
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &abort_it, sizeof abort_it);
		offered++;
		while (tried < offered)
			sched_yield();
		for (volatile int wait = i * 97 % 20000; wait > 0; wait--)
			;
		close(fd);
		int file = memfd_create("file", MFD_CLOEXEC);
		same += file == fd;
		fstat(file, &before);
		for (int yields = 0; yields < 20; yields++)
			sched_yield();
		if (fstat(file, &after) != 0)
			errx(1, "the file was closed");
		if (before.st_ino != after.st_ino || !S_ISREG(after.st_mode))
			errx(1, "the file was replaced");
		if ((fcntl(file, F_GETFL) & (O_ACCMODE | O_NONBLOCK | O_APPEND)) != O_RDWR ||
		    fcntl(file, F_GETFD) != FD_CLOEXEC)
			errx(1, "the file's flags were changed");
		close(file);
	}
	done = true;
	pthread_join(thread, NULL);
	printf("%s\n", same > 0 ? "under the same number" : "never under the same number");
}

/* A thread can make others for the PID namespace of the process only. */
static void *one_to_connect(void *alone)
{
	if (alone != NULL && unshare(CLONE_NEWPID) != 0)
		err(125, "unshare");
	count(&tally, cancelled.fd, attempt(cancelled.fd));
	return alone;
}

#ifdef SYS_socketcall
enum { SOCKETCALL = SYS_socketcall };
#else
enum { SOCKETCALL = SYS_connect };
#endif

/* Does another task wait in that call? (This one reads.) */
static bool waits_in(int this_call, int or_this)
{
	glob_t tasks = {0};
	char own[64];
	bool waits = false;
	int number;
	snprintf(own, sizeof own, "/proc/%d/task/%d/syscall", getpid(), getpid());
	glob("/proc/[0-9]*/task/[0-9]*/syscall", 0, NULL, &tasks);
	for (size_t i = 0; i < tasks.gl_pathc; i++) {
		FILE *f = fopen(tasks.gl_pathv[i], "re");
		if (f == NULL)
			continue;
		waits |= strcmp(tasks.gl_pathv[i], own) != 0 && fscanf(f, "%d", &number) == 1 &&
		         (number == this_call || number == or_this);
		fclose(f);
	}
	globfree(&tasks);
	return waits;
}

static bool has_reader(void)
{
	return waits_in(SYS_read, SYS_read);
}

static bool has_fifo_to_read(void)
{
	struct stat st;
	for (int fd = 0; fd < DESCRIPTORS; fd++)
		if (fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode) && fd > STDERR_FILENO &&
		    (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY)
			return true;
	return false;
}

static void put_fifo_there(void)
{
	char path[] = "/tmp/range.XXXXXX";
	if (mkdtemp(path) == NULL || rmdir(path) != 0 || mkfifo(path, 0600) != 0)
		err(2, "%s", path);
	put_file_there(path);
}

/* The range is a FIFO. */
static void child(void *alone)
{
	pthread_t thread;
	int fifo, status;
	put_fifo_there();
	cancelled.fd = open_socket();
	start(&thread, NULL, one_to_connect, alone);
	fifo = open(RANGE_FILE, O_WRONLY);
	while (!has_reader())
		;
	pid_t pid = fork();
	if (pid == 0)
		_exit(has_fifo_to_read());
	waitpid(pid, &status, 0);
	puts(status == 0 ? "the child has nothing of it" : "the child has it open");
	write(fifo, "40000 40001", 11);
	pthread_join(thread, NULL);
	abort_and_close(cancelled.fd);
	close(fifo);
}

static void ignore(int sig)
{
	(void)sig;
}

static void *connect_in_vain(void *addr)
{
	int fd = open_socket();
	int result = connect(fd, addr, sizeof(struct sockaddr_in));
	puts(result == 0 ? "connected" : strerrorname_np(errno));
	close(fd);
	return addr;
}

static void from_no_stack(void)
{
	static struct sockaddr_in addr;
	pthread_t thread;
	addr = loopback(PORT);
	start(&thread, NULL, connect_in_vain, &addr);
	pthread_join(thread, NULL);
}

static void unmapped(void)
{
	const struct sigaction action = {.sa_handler = ignore};
	struct sockaddr_in *addr = mmap(NULL, sizeof *addr, PROT_READ | PROT_WRITE,
	                                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pthread_t thread;
	*addr = loopback(PORT);
	addr->sin_addr.s_addr = htonl(0xc0000201);
	sigaction(SIGUSR1, &action, NULL);
	start(&thread, NULL, connect_in_vain, addr);
	while (!waits_in(SYS_connect, SOCKETCALL))
		;
	munmap(addr, sizeof *addr);
	pthread_kill(thread, SIGUSR1);
	pthread_join(thread, NULL);
}

/* The same, and the program is killed meanwhile. */
static void killed(void)
{
	pthread_t thread;
	int tries = 10000;
	put_fifo_there();
	pid_t pid = fork();
	if (pid == 0) {
		cancelled.fd = open_socket();
		start(&thread, NULL, one_to_connect, NULL);
		pthread_join(thread, NULL);
	}
	int fifo = open(RANGE_FILE, O_WRONLY);
	while (!has_reader())
		;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	while (has_reader() && --tries > 0)
		usleep(1000);
	puts(tries > 0 ? "nothing is left" : "it still reads");
	close(fifo);
}

static void queue(void)
{
	pthread_t thread;
	int fd = queue_open("threads");
	queue_ask(fd);
	for (int i = 0; i < 2; i++) {
		cancelled.fd = open_socket();
		start(&thread, NULL, one_to_connect, NULL);
		pthread_join(thread, NULL);
		abort_and_close(cancelled.fd);
	}
	puts(queue_tells(fd) ? "notified" : "not notified");
	if (waitpid(-1, NULL, WNOHANG | __WALL) >= 0)
		puts("a child is left");
	close(fd);
}

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "";

	move_range();
	int before = descriptors();
	times = atoi(argv[argc - 1]);
	if (strcmp(word, "crowd") == 0 && argc == 4) {
		crowd(atoi(argv[2]));
	} else if (strcmp(word, "cancel") == 0 && argc == 4) {
		cancel(strcmp(argv[2], "deferred") == 0 ? PTHREAD_CANCEL_DEFERRED
		                                        : PTHREAD_CANCEL_ASYNCHRONOUS);
	} else if (strcmp(word, "cancel-waiting") == 0 && argc == 3) {
		call = argv[2];
		cancel_waiting();
		return 0;
	} else if (strcmp(word, "closer") == 0 && argc == 3) {
		closer();
	} else if (strcmp(word, "unmapped") == 0) {
		unmapped();
	} else if (strcmp(word, "static") == 0) {
		from_no_stack();
	} else if (strcmp(word, "killed") == 0) {
		killed();
	} else if (strcmp(word, "queue") == 0) {
		queue();
	} else if (strcmp(word, "child") == 0) {
		child(argv[2]);
	} else if (strcmp(word, "small") == 0) {
		times = 1;
		small();
	} else {
		errx(2, "see the head of this file's source");
	}
	show(&tally);
	if (descriptors() != before)
		printf("descriptors: %d, then %d\n", before, descriptors());
	return 0;
}
