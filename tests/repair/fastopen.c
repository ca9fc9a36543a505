/* SPDX-License-Identifier: MIT */
/*
 * fastopen HOW CALL [SIZE]: opens a connection to 127.0.0.1:40000 by a call that sends "hello",
 * or SIZE bytes, with MSG_FASTOPEN, and says what came of it. HOW is a list of letters: n the
 * socket is non-blocking, w the call is made with MSG_DONTWAIT, b the program has bound port
 * 40000, d the descriptor is duplicated, c TCP_FASTOPEN_CONNECT is set, and a call that was
 * refused is made again, t there is another thread, h the descriptor is a high one, s the
 * buffers and segments are as small as can be, a the socket is bound to 127.0.0.1 and port 0,
 * and the port that it is given is the destination, f a seccomp filter refuses getsockopt() and
 * getpeername(), p a process listens there and reads, q the same at port 8080, and what the
 * error queue tells of the data is counted: z completions of MSG_ZEROCOPY, m timestamps of
 * SO_TIMESTAMPING, o by its older number, k those that a control message asks for. CALL is
 * sendto, sendmsg, sendmmsg, or connect (TCP_FASTOPEN_CONNECT and write()). The environment's
 * FASTOPEN is what net.ipv4.tcp_fastopen becomes in this network namespace, whose buffers
 * become small, too; it ends by SIGALRM after LIMIT seconds, 60 unless that is set.
 */
#include "older.h"

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __GLIBC__
typedef int sendmmsg_flags;
#else
typedef unsigned sendmmsg_flags; /* musl */
#endif

/* Of programs whose time_t has 32 bits. */
enum { OLDER_TIMESTAMPING = SO_TIMESTAMPING == 65 ? 37 : SO_TIMESTAMPING };

enum { HIGH = 400, SERVER = 500 }; /* the descriptor that tests/preloads/inject.c listens at */

static char hello[] = "hello", *data = hello;
static size_t size = 5;
static char control[CMSG_SPACE(sizeof(int))];
static unsigned control_size;
static struct sockaddr_in dest;

/* A copy that ends at a page which can't be read. */
static void *before_unreadable(const void *from, size_t n)
{
	const size_t page = 65536;
	char *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
	                   -1, 0);
	if (pages == MAP_FAILED || mprotect(pages + page, page, PROT_NONE) != 0)
		err(2, "mmap");
	return memcpy(pages + page - n, from, n);
}

static ssize_t send_by(const char *call, int fd, int flags)
{
	const struct iovec parts[] = {{data, 3}, {data + 3, size - 3}};
	struct iovec *iov = before_unreadable(parts, sizeof parts);
	struct mmsghdr m[2] = {{.msg_hdr = {.msg_name = &dest,
	                                    .msg_namelen = sizeof dest,
	                                    .msg_iov = iov,
	                                    .msg_iovlen = 2,
	                                    .msg_control = control,
	                                    .msg_controllen = control_size}}};
	if (strcmp(call, "sendto") == 0)
		return sendto(fd, data, size, flags, (struct sockaddr *)&dest, sizeof dest);
	if (strcmp(call, "sendmsg") == 0)
		return sendmsg(fd, &m[0].msg_hdr, flags);
	if (strcmp(call, "sendmmsg") == 0) {
		m[1] = m[0];
		int n = sendmmsg(fd, m, 2, (sendmmsg_flags)flags);
		if (n > 1)
			printf("sent %d messages\n", n);
		return n < 1 ? n : (ssize_t)m[0].msg_len;
	}
	errx(2, "%s: no such call", call);
}

static void show(const char *word, ssize_t result)
{
	if (result < 0)
		printf("%s: %s\n", word, strerrorname_np(errno));
	else
		printf("%s: %zd\n", word, result);
}

static void show_what_comes(int fd)
{
	char *buf = malloc(size + 64);
	size_t got = 0;
	ssize_t n;
	while ((n = read(fd, buf + got, size + 63 - got)) > 0)
		got += (size_t)n;
	buf[got] = '\0';
	if (size <= sizeof hello)
		printf("got: %s\n", buf);
	else
		printf("got: %zu bytes%s\n", got,
		       got == size && memcmp(buf, data, size) == 0 ? "" : ", others");
}

static int local_port(int fd)
{
	struct sockaddr_in local;
	socklen_t len = sizeof local;
	getsockname(fd, (struct sockaddr *)&local, &len);
	return ntohs(local.sin_port);
}

/* At the server, if inject.c has started one in this process, else at the socket itself.
 */
static void show_what_arrived(int fd)
{
	int server = accept(SERVER, NULL, NULL), port = local_port(fd);
	shutdown(fd, SHUT_WR);
	fcntl(fd, F_SETFL, 0);
	printf("from port %d %s ", port, server < 0 ? "it" : "the server");
	show_what_comes(server < 0 ? fd : server);
}

static void serve_in_a_process(in_port_t port)
{
	struct sockaddr_in at = dest;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	at.sin_port = htons(port);
	if (bind(fd, (struct sockaddr *)&at, sizeof at) != 0 || listen(fd, 5) != 0)
		err(2, "listen");
	if (fork() == 0) {
		show_what_comes(accept(fd, NULL, NULL));
		exit(0);
	}
	close(fd);
}

static void *sleeps(void *unused)
{
	pause();
	return unused;
}

static void be_small(int fd)
{
	const int least = 1, segment = 88;
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &least, sizeof least);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &least, sizeof least);
	setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof segment);
}

static const int timestamps = 1 << 8; /* SOF_TIMESTAMPING_TX_SCHED, which older headers lack */

static void ask_by_control_message(void)
{
	struct cmsghdr head = {.cmsg_len = CMSG_LEN(sizeof timestamps),
	                       .cmsg_level = SOL_SOCKET,
	                       .cmsg_type = SO_TIMESTAMPING};
	memcpy(control, &head, sizeof head);
	memcpy(control + CMSG_LEN(0), &timestamps, sizeof timestamps);
	control_size = sizeof control;
}

/* The destination is the port that the kernel chooses. */
static void bind_to_any_port(int fd)
{
	socklen_t len = sizeof dest;
	dest.sin_port = 0;
	if (bind(fd, (struct sockaddr *)&dest, len) != 0 ||
	    getsockname(fd, (struct sockaddr *)&dest, &len) != 0)
		err(2, "bind");
}

static void refuse_questions(void)
{
	struct sock_filter filter[] = {
	        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getsockopt, 1, 0),
	        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getpeername, 0, 1),
	        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
	        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
	struct sock_fprog program = {sizeof filter / sizeof filter[0], filter};
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) != 0)
		err(125, "seccomp");
}

static int told_by_error_queue(int fd)
{
	int n = 0;
	char what[256];
	struct msghdr m = {.msg_control = what, .msg_controllen = sizeof what};
	while (recvmsg(fd, &m, MSG_ERRQUEUE | MSG_DONTWAIT) >= 0) {
		m.msg_controllen = sizeof what;
		n++;
	}
	return n;
}

/* With what repeats itself every 251 bytes. */
static void fill(size_t n)
{
	data = malloc(n);
	size = n;
	for (size_t i = 0; i < n && i < 251; i++)
		data[i] = (char)i;
	for (size_t i = 251; i < n; i++)
		data[i] = data[i - 251];
}

static void set(const char *name, const char *value)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/sys/net/ipv4/%s", name);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		err(2, "%s", path);
	close(fd);
}

static void set_up(void)
{
	const char *fastopen = getenv("FASTOPEN"), *limit = getenv("LIMIT");
	double seconds = limit == NULL ? 60 : atof(limit);
	struct itimerval end = {
	        .it_value = {(time_t)seconds, (suseconds_t)((seconds - (int)seconds) * 1e6)}};
	signal(SIGALRM, SIG_DFL); /* GNU parallel ignores it */
	setitimer(ITIMER_REAL, &end, NULL);
	if (fastopen == NULL)
		return;
	set("tcp_fastopen", fastopen);
	set("tcp_rmem", "4096 100000 200000");
	set("tcp_wmem", "4096 100000 200000");
}

int main(int argc, char **argv)
{
	if (argc < 3)
		errx(2, "usage: fastopen HOW CALL [SIZE]");
	set_up();
	setvbuf(stdout, NULL, _IOFBF, 4096); /* so that a process's own lines come first */
	if (argc > 3)
		fill(strtoul(argv[3], NULL, 10));
	const char *how = argv[1], *call = argv[2];
	bool nonblock = strchr(how, 'n') != NULL, nowait = strchr(how, 'w') != NULL;
	int on = 1, error = 0;
	dest.sin_family = AF_INET;
	dest.sin_port = htons(40000);
	dest.sin_addr.s_addr = htonl(INADDR_LOOPBACK);

	pthread_t thread;
	if (strchr(how, 't') != NULL && pthread_create(&thread, NULL, sleeps, NULL) != 0)
		errx(2, "pthread_create");
	if (strchr(how, 'p') != NULL)
		serve_in_a_process(40000);
	if (strchr(how, 'q') != NULL)
		serve_in_a_process(8080);
	int fd = socket(AF_INET, SOCK_STREAM | (nonblock ? SOCK_NONBLOCK : 0), 0);
	if (fd < 0)
		err(2, "socket");
	if (strchr(how, 's') != NULL)
		be_small(fd);
	if (strchr(how, 'h') != NULL) {
		int low = fd;
		fd = fcntl(low, F_DUPFD, HIGH);
		close(low);
	}
	if (strchr(how, 'd') != NULL)
		dup(fd);
	if (strchr(how, 'z') != NULL)
		setsockopt(fd, SOL_SOCKET, SO_ZEROCOPY, &on, sizeof on);
	if (strchr(how, 'm') != NULL)
		setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, &timestamps, sizeof timestamps);
	if (strchr(how, 'o') != NULL)
		setsockopt(fd, SOL_SOCKET, OLDER_TIMESTAMPING, &timestamps, sizeof timestamps);
	if (strchr(how, 'k') != NULL)
		ask_by_control_message();
	if (strchr(how, 'c') != NULL)
		setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &on, sizeof on);
	if (strchr(how, 'b') != NULL && bind(fd, (struct sockaddr *)&dest, sizeof dest) != 0)
		err(2, "bind");
	if (strchr(how, 'a') != NULL)
		bind_to_any_port(fd);
	if (strchr(how, 'f') != NULL)
		refuse_questions();

	ssize_t result;
	errno = E2BIG;
	if (strcmp(call, "connect") == 0) {
		setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &on, sizeof on);
		result = connect(fd, (struct sockaddr *)&dest, sizeof dest);
		if (result == 0 && errno != E2BIG)
			printf("errno was changed\n");
		show("connect", result);
		if (result == 0)
			show("write", result = write(fd, data, size));
	} else {
		result = send_by(call, fd,
		                 MSG_FASTOPEN | MSG_NOSIGNAL | (nowait ? MSG_DONTWAIT : 0) |
		                         (strchr(how, 'z') != NULL ? MSG_ZEROCOPY : 0));
		if (result >= 0 && errno != E2BIG)
			printf("errno was changed\n");
		show(call, result);
	}

	/* As a non-blocking program does: wait, ask for the outcome, send what was not taken.
	 */
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	if ((result < 0 && errno == EINPROGRESS) || (nonblock && result > 0)) {
		socklen_t len = sizeof error;
		poll(&p, 1, 10000);
		getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len);
		printf("outcome: %s\n", error == 0 ? "ok" : strerrorname_np(error));
		if (error == 0 && result < 0) {
			ssize_t again = send(fd, data, size, MSG_NOSIGNAL);
			show("send", again);
			result = again;
		}
	}
	if (strchr(how, 'c') != NULL && error != 0)
		show("again", send_by(call, fd, MSG_FASTOPEN | MSG_NOSIGNAL));
	if (strpbrk(how, "zmok") != NULL)
		printf("error queue: %d\n", told_by_error_queue(fd));
	if (strpbrk(how, "pq") != NULL) {
		printf("from port %d\n", local_port(fd));
		close(fd);
		wait(NULL);
	} else if (result > 0 && error == 0) {
		show_what_arrived(fd);
	}
	return 0;
}
