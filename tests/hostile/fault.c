/* SPDX-License-Identifier: MIT */
/*
 * fault WORD... [each NUMBER WHEN NTH CALL...]: connects a socket to a port where it connects
 * to itself, while strace makes one of the library's system calls fail, and looks at everything
 * that must be right then. Runs in a network namespace of its own.
 *
 *   nonblock   the socket is non-blocking
 *   shared     a duplicate of its descriptor was made
 *   port       the program bound the port: the self-connection is deliberate
 *   address    the program bound the address; options that a reset forgets are set
 *   mptcp      it is an MPTCP socket
 *   may-leak   the failing call is close(): the descriptor that it did not close stays open
 *   error E    connect() may fail with this errno, too
 *
 * One run is made for each CALL: that many of the process's calls of the system call NUMBER, by
 * strace's count, come up to the one that is to fail. strace's count is per process, and every
 * run is a process of its own, that first makes as many such calls in vain as put its CALL at
 * WHEN: so one strace serves them all (inject=NAME:error=E:when=WHEN). NTH is how many runs
 * there were before in the namespace: each has ports of its own. Without "each", one run
 * without a fault. The library's calls are those between write(-1, "begin") and write(-1,
 * "end").
 *
 * For each run a line: "right", "refused" (there is a server, but the library gave up),
 * "error", or "WRONG: " and why. The preload serve.so lets a server come up during the repair.
 */
#include "older.h"

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DESCRIPTORS = 64, SERVER = 500, LOWEST_PORT = 40000, PORTS = 20000 };

static bool nonblock, shared, own_port, own_address, mptcp, may_leak;
static int allowed_error;
static in_port_t port; /* of the destination */

static void wrong(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	printf("WRONG: ");
	vprintf(format, args);
	printf("\n");
	va_end(args);
	exit(0);
}

static void mark(const char *text)
{
	write(-1, text, strlen(text));
}

static struct sockaddr_in at(in_addr_t addr, in_port_t p)
{
	return (struct sockaddr_in) {
	        .sin_family = AF_INET, .sin_addr.s_addr = htonl(addr), .sin_port = htons(p)};
}

static int try_connect(int fd)
{
	struct sockaddr_in dest = at(INADDR_LOOPBACK, port);
	errno = E2BIG;
	if (connect(fd, (struct sockaddr *)&dest, sizeof dest) != 0)
		return errno;
	if (errno != E2BIG)
		wrong("connect() succeeded and changed errno to %s", strerrorname_np(errno));
	return 0;
}

/* What the program can see of itself but for the socket. */
struct state {
	struct stat open[DESCRIPTORS]; /* st_ino 0: not open */
	sigset_t mask;
	int cancelstate;
};

static struct state state(void)
{
	struct state s = {0};
	for (int fd = 0; fd < DESCRIPTORS; fd++)
		if (fstat(fd, &s.open[fd]) != 0)
			s.open[fd].st_ino = 0;
	pthread_sigmask(SIG_BLOCK, NULL, &s.mask);
	pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &s.cancelstate);
	return s;
}

static void compare(const struct state *a, const struct state *b, int fd, int copy)
{
	int leaked = 0;
	for (int i = 0; i < DESCRIPTORS; i++) {
		if (a->open[i].st_ino == 0)
			leaked += b->open[i].st_ino != 0;
		else if (b->open[i].st_ino == 0)
			wrong("descriptor %d was closed", i);
		else if (i != fd && (a->open[i].st_ino != b->open[i].st_ino ||
		                     a->open[i].st_dev != b->open[i].st_dev))
			wrong("descriptor %d was replaced", i);
	}
	if (leaked > (may_leak ? 1 : 0))
		wrong("%d descriptors are left open", leaked);
	if (!S_ISSOCK(b->open[fd].st_mode))
		wrong("the descriptor is no socket");
	if (copy >= 0 && b->open[copy].st_ino != b->open[fd].st_ino)
		wrong("the duplicate is another socket");
	for (int n = 1; n < NSIG; n++)
		if (sigismember(&a->mask, n) != sigismember(&b->mask, n))
			wrong("signal %d is %sblocked", n,
			      sigismember(&a->mask, n) ? "no longer " : "");
	if (a->cancelstate != b->cancelstate)
		wrong("the thread can no longer be cancelled");
}

/* What a repair may touch on its way. */
static const struct {
	const char *name;
	int level, option, value; /* to be set, or -1 */
} options[] = {{"SO_SNDTIMEO", SOL_SOCKET, SO_SNDTIMEO, 7},
               {"SO_RCVTIMEO", SOL_SOCKET, SO_RCVTIMEO, 9},
               {"SO_LINGER", SOL_SOCKET, SO_LINGER, 3},
               {"SO_KEEPALIVE", SOL_SOCKET, SO_KEEPALIVE, 1},
               {"SO_REUSEADDR", SOL_SOCKET, SO_REUSEADDR, -1},
               {"SO_BUF_LOCK", SOL_SOCKET, 72, -1},
               {"IP_FREEBIND", IPPROTO_IP, IP_FREEBIND, -1},
               {"IP_BIND_ADDRESS_NO_PORT", IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, -1},
               {"TCP_MAXSEG", IPPROTO_TCP, TCP_MAXSEG, 1000},
               {"TCP_WINDOW_CLAMP", IPPROTO_TCP, TCP_WINDOW_CLAMP, 20000}};
enum { OPTIONS = sizeof options / sizeof options[0] };

struct value {
	int words[4];
};

static void set_options(int fd)
{
	for (int i = 0; i < OPTIONS; i++) {
		struct value v = {{options[i].value}};
		socklen_t len =
		        options[i].level == SOL_SOCKET ? sizeof(struct timeval) : sizeof(int);
		if (options[i].option == SO_LINGER)
			v = (struct value) {{1, options[i].value}};
		if (options[i].value >= 0 &&
		    setsockopt(fd, options[i].level, options[i].option, &v, len) != 0)
			err(2, "%s", options[i].name);
	}
}

static struct value get_option(int fd, int i)
{
	struct value v = {{0}};
	socklen_t len = sizeof v;
	getsockopt(fd, options[i].level, options[i].option, &v, &len);
	return v;
}

struct values {
	struct value of[OPTIONS];
};

static struct values all_options(int fd)
{
	struct values v;
	for (int i = 0; i < OPTIONS; i++)
		v.of[i] = get_option(fd, i);
	return v;
}

/*
 * An attempt to connect makes TCP_MAXSEG less. If the program set no value, or in a
 * connection, it and TCP_WINDOW_CLAMP are the kernel's business.
 */
static void compare_options(const struct values *before, const struct values *refused, int fd,
                            bool connected)
{
	struct values now = all_options(fd);
	for (int i = 0; i < OPTIONS; i++)
		if (!(options[i].level == IPPROTO_TCP && (connected || !own_address)) &&
		    memcmp(&now.of[i], &before->of[i], sizeof now.of[i]) != 0 &&
		    memcmp(&now.of[i], &refused->of[i], sizeof now.of[i]) != 0)
			wrong("%s was %d %d, is %d %d", options[i].name, before->of[i].words[0],
			      before->of[i].words[1], now.of[i].words[0], now.of[i].words[1]);
}

static int pending_error(int fd)
{
	int e = -1;
	socklen_t len = sizeof e;
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &e, &len);
	return e;
}

static in_port_t local_port(int fd)
{
	struct sockaddr_in a = {0};
	socklen_t len = sizeof a;
	getsockname(fd, (struct sockaddr *)&a, &len);
	return ntohs(a.sin_port);
}

/* 0: it has none */
static in_port_t peer_port(int fd)
{
	struct sockaddr_in a = {0};
	socklen_t len = sizeof a;
	return getpeername(fd, (struct sockaddr *)&a, &len) == 0 ? ntohs(a.sin_port) : 0;
}

/* How the connection, or the attempt, came out in the end; 0, or an errno. */
static int outcome_of(int fd, int result)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	if (result != EINPROGRESS && result != EINTR)
		return result;
	if (poll(&p, 1, 5000) != 1)
		wrong("%s, and then nothing for 5 s", strerrorname_np(result));
	int e = pending_error(fd);
	return e != 0 ? e : peer_port(fd) != 0 ? 0 : result;
}

static bool has_server(void)
{
	return fcntl(SERVER, F_GETFD) >= 0;
}

/* fd is connected: to what it should be? */
static void check_connection(int fd)
{
	char c = 0;
	if (peer_port(fd) != port)
		wrong("connected, but to port %d", peer_port(fd));
	if (own_port && local_port(fd) != port)
		wrong("connected from port %d, not the one that was bound", local_port(fd));
	if (!own_port && local_port(fd) == port)
		wrong("self-connected");
	if (pending_error(fd) != 0)
		wrong("connected, with a pending error");
	int other = own_port ? dup(fd) : accept(SERVER, NULL, NULL);
	/* What the server got first may be a connection that the library gave up. */
	while (other >= 0 && write(fd, "x", 1) == 1 && read(other, &c, 1) != 1 && !own_port) {
		close(other);
		other = accept(SERVER, NULL, NULL);
	}
	if (c != 'x')
		wrong("connected, but to nobody");
	close(other);
}

/* Nothing in TIME_WAIT, and whoever wants the port can have it. */
static void check_port(void)
{
	char line[512];
	unsigned local, remote, s;
	FILE *f = fopen("/proc/net/tcp", "re");
	if (f == NULL)
		err(2, "/proc/net/tcp");
	while (fgets(line, sizeof line, f) != NULL)
		if (sscanf(line, " %*[^:]: %*[^:]:%x %*[^:]:%x %x", &local, &remote, &s) == 3 &&
		    (local == port || remote == port))
			wrong("a socket of the port is left, in state %u", s);
	fclose(f);

	struct sockaddr_in any = at(INADDR_ANY, port);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(fd, (struct sockaddr *)&any, sizeof any) != 0 || listen(fd, 1) != 0)
		wrong("a server can't have the port: %s", strerrorname_np(errno));
	close(fd);
}

static int prepare(void)
{
	struct sockaddr_in a =
	        at(own_address ? INADDR_LOOPBACK : INADDR_ANY, own_port ? port : 0);
	int fd = socket(AF_INET, SOCK_STREAM, mptcp ? IPPROTO_MPTCP : 0);
	if (fd < 0)
		err(2, "socket");
	if (own_address)
		set_options(fd);
	if ((own_port || own_address) && bind(fd, (struct sockaddr *)&a, sizeof a) != 0)
		err(2, "bind");
	if (nonblock)
		fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK);
	return fd;
}

/* What the options of such a socket are after the kernel's own refusal. */
static struct values options_of_refused(void)
{
	struct sockaddr_in nobody = at(INADDR_LOOPBACK, 1);
	int fd = prepare();
	syscall(SYS_connect, fd, &nobody, sizeof nobody);
	struct values v = all_options(fd);
	close(fd);
	return v;
}

static void run(int number, int vain)
{
	const struct linger abort = {.l_onoff = 1};
	struct values refused = options_of_refused();
	int fd = prepare(), copy = shared ? dup(fd) : -1;
	int fdflags = fcntl(fd, F_GETFD), flags = fcntl(fd, F_GETFL);
	struct values options_before = all_options(fd);
	struct state before = state();

	for (; vain > 0; vain--)
		syscall(number, -1, -1, -1, -1, -1, -1);
	mark("begin");
	int result = try_connect(fd);
	mark("end");

	struct state after = state();
	compare(&before, &after, fd, copy);
	if (fcntl(fd, F_GETFD) != fdflags || fcntl(fd, F_GETFL) != flags)
		wrong("flags were %d %#x, are %d %#x", fdflags, flags, fcntl(fd, F_GETFD),
		      fcntl(fd, F_GETFL));
	int outcome = outcome_of(fd, result);
	compare_options(&options_before, &refused, fd, outcome == 0);
	if (outcome == 0 && !own_port && !has_server())
		wrong(local_port(fd) == port ? "self-connected" : "connected to nothing");
	if (outcome != 0 && outcome != ECONNREFUSED && outcome != EADDRNOTAVAIL &&
	    outcome != allowed_error)
		wrong("the outcome is %s", strerrorname_np(outcome));
	if (outcome != 0 && peer_port(fd) != 0 && local_port(fd) == port)
		wrong("the outcome is %s, but it is self-connected", strerrorname_np(outcome));

	/* The socket can be used again, after whatever came out. */
	int again = outcome_of(fd, try_connect(fd));
	if (outcome != 0 && again == ECONNABORTED) /* the first attempt's, told once more */
		again = outcome_of(fd, try_connect(fd));
	if (outcome == 0 && again != 0 && again != EISCONN)
		wrong("connected, but connect() then says %s", strerrorname_np(again));
	if (outcome != 0 && again != (own_port || has_server() ? 0 : ECONNREFUSED) &&
	    !(has_server() && again == EISCONN) && again != allowed_error)
		wrong("not connected, and then %s", strerrorname_np(again));
	if (outcome == 0 || again == 0 || again == EISCONN)
		check_connection(fd);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
	close(fd);
	close(copy);
	bool served = has_server();
	close(SERVER);
	if (!may_leak)
		check_port();

	if (outcome == 0 || (outcome == ECONNREFUSED && !served && !own_port))
		printf("right\n");
	else
		printf(outcome == ECONNREFUSED ? "refused\n" : "error\n");
}

static void set_port_range(int low)
{
	char range[32];
	int n = snprintf(range, sizeof range, "%d %d", low, low + 1);
	int fd = open("/proc/sys/net/ipv4/ip_local_port_range", O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, range, (size_t)n) != n)
		err(2, "ip_local_port_range");
	close(fd);
}

/*
 * A process and two ports for each run, so that what one leaves behind is not the next one's.
 * The parent is traced, too: it makes no call that is to fail in the child.
 */
static void run_in_child(int nth, int number, int vain)
{
	int status;
	pid_t pid = fork();
	if (pid == 0) {
		int low = LOWEST_PORT + 2 * (nth % (PORTS / 2));
		set_port_range(low);
		/* The first port that bind() chooses is odd. */
		port = (in_port_t)(own_address ? low + 1 : low);
		run(number, vain);
		exit(0);
	}
	if (waitpid(pid, &status, 0) != pid)
		err(2, "fork");
	if (WIFSIGNALED(status))
		printf("WRONG: died of signal %d\n", WTERMSIG(status));
	if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
		printf("WRONG: exit status %d\n", WEXITSTATUS(status));
	fflush(stdout);
}

static int errno_of(const char *name)
{
	for (int e = 1; e < 200; e++)
		if (strerrorname_np(e) != NULL && strcmp(strerrorname_np(e), name) == 0)
			return e;
	errx(2, "%s is no errno", name);
}

int main(int argc, char **argv)
{
	int i;
	for (i = 1; i < argc && strcmp(argv[i], "each") != 0; i++) {
		nonblock |= strcmp(argv[i], "nonblock") == 0;
		shared |= strcmp(argv[i], "shared") == 0;
		own_port |= strcmp(argv[i], "port") == 0;
		own_address |= strcmp(argv[i], "address") == 0;
		mptcp |= strcmp(argv[i], "mptcp") == 0;
		may_leak |= strcmp(argv[i], "may-leak") == 0;
		if (strcmp(argv[i], "error") == 0)
			allowed_error = errno_of(argv[++i]);
	}
	if (i == argc)
		run_in_child(0, 0, 0);
	for (int call = i + 4; call < argc; call++)
		run_in_child(atoi(argv[i + 3]) + call - i - 4, atoi(argv[i + 1]),
		             atoi(argv[i + 2]) - atoi(argv[call]));
	return 0;
}
