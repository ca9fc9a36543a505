/* SPDX-License-Identifier: MIT */
/*
 * filtered TCP WORD... CALL: makes a call to a closed port, behind a seccomp filter that ends
 * the process for everything that it does not expect, and tells what came of it, or "killed".
 * TCP is tcp4, tcp6, mptcp4 or mptcp6. The environment says what the filter expects, besides
 * exit_group():
 *
 *   ALLOW="NAME..."    these system calls, or all
 *   READS="NAME..."    getsockopt() of only these options; if not set, of any option
 *   SETS="NAME..."     the same for setsockopt()
 *
 * CALL is connect, sendto, sendmsg, sendmmsg, large (a send larger than the buffers), again (a
 * second connect(), for the outcome of the first), or an option, which is read. The words:
 * nonblock, fastopen (TCP_FASTOPEN_CONNECT), later (IP_BIND_ADDRESS_NO_PORT), settings (options
 * that an undo forgets), address (bound to one), port (bound to the port that it connects to),
 * device (bound to lo), nowhere (connects to an address without a route), full (no more
 * descriptors), threads (there is another one), known (the process has connected before). With
 * MOVE_RANGE=yes, see move-range.h.
 *
 * The process is a child: its parent, which is not filtered, looks at the socket afterwards.
 */
#include "attempt.h"
#include "move-range.h"

#include <err.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum { MOST_RULES = 512, LARGE = 20000000, REWRITTEN = -1 };

struct name {
	const char *name;
	int level, number;
};

#define CALL(name)                                                                             \
	{                                                                                      \
#name, 0, SYS_##name                                                           \
	}

static const struct name calls[] = {
        CALL(bind),          CALL(close),          CALL(connect),         CALL(dup3),
        CALL(fcntl),         CALL(getpeername),    CALL(getpid),          CALL(getsockname),
        CALL(getsockopt),    CALL(openat),         CALL(ppoll),           CALL(prctl),
        CALL(rt_sigpending), CALL(rt_sigprocmask), CALL(rt_sigtimedwait), CALL(sendmmsg),
        CALL(sendmsg),       CALL(sendto),         CALL(setsockopt),      CALL(socket),
        CALL(statx),         CALL(write),
#ifdef SYS_poll
        CALL(poll),
#endif
};

/* By number, because no headers have them all. */
static const struct name options[] = {
        {"SO_REUSEADDR", SOL_SOCKET, 2},
        {"SO_TYPE", SOL_SOCKET, 3},
        {"SO_ERROR", SOL_SOCKET, 4},
        {"SO_SNDBUF", SOL_SOCKET, 7},
        {"SO_RCVBUF", SOL_SOCKET, 8},
        {"SO_REUSEPORT", SOL_SOCKET, 15},
        {"SO_SNDTIMEO", SOL_SOCKET, 21},
        {"SO_PEERNAME", SOL_SOCKET, 28},
        {"SO_TIMESTAMPING", SOL_SOCKET, 37},
        {"SO_PROTOCOL", SOL_SOCKET, 38},
        {"SO_PEEK_OFF", SOL_SOCKET, 42},
        {"SO_COOKIE", SOL_SOCKET, 57},
        {"SO_BINDTOIFINDEX", SOL_SOCKET, 62},
        {"SO_BUF_LOCK", SOL_SOCKET, 72},
        {"IP_MTU", IPPROTO_IP, 14},
        {"IP_FREEBIND", IPPROTO_IP, 15},
        {"IP_BIND_ADDRESS_NO_PORT", IPPROTO_IP, 24},
        {"IP_LOCAL_PORT_RANGE", IPPROTO_IP, 51},
        {"IPV6_V6ONLY", IPPROTO_IPV6, 26},
        {"TCP_MAXSEG", IPPROTO_TCP, 2},
        {"TCP_WINDOW_CLAMP", IPPROTO_TCP, 10},
        {"TCP_INFO", IPPROTO_TCP, 11},
        {"TCP_REPAIR", IPPROTO_TCP, 19},
        {"TCP_RTO_MIN_US", IPPROTO_TCP, 45},
        {"TCP_DELACK_MAX_US", IPPROTO_TCP, 46},
};

/* The filter */

static struct sock_filter rules[MOST_RULES];
static unsigned short count_of_rules;

static void rule(unsigned code, unsigned value, unsigned char yes, unsigned char no)
{
	if (count_of_rules == MOST_RULES)
		errx(2, "the filter is too long");
	rules[count_of_rules++] = (struct sock_filter) {(unsigned short)code, yes, no, value};
}

static void load(size_t offset)
{
	rule(BPF_LD | BPF_W | BPF_ABS, (unsigned)offset, 0, 0);
}

static void allow_if(int value)
{
	rule(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)value, 0, 1);
	rule(BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
}

static const struct name *find(const char *name, const struct name *in, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(in[i].name, name) == 0)
			return &in[i];
	errx(2, "%s: not in the table", name);
}

static const struct name *find_option(const char *name)
{
	return find(name, options, sizeof options / sizeof options[0]);
}

static int read_option(int fd, const char *name)
{
	char value[256];
	socklen_t len = sizeof value;
	const struct name *o = find_option(name);
	return getsockopt(fd, o->level, o->number, value, &len);
}

/* What is loaded is lost for the rules that come after. */
static void allow_options(int call, char *names)
{
	char *rest = NULL;
	load(offsetof(struct seccomp_data, nr));
	rule(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)call, 1, 0);
	unsigned short past = count_of_rules;
	rule(BPF_JMP | BPF_JA, 0, 0, 0);
	for (char *word = strtok_r(names, " \n", &rest); word != NULL;
	     word = strtok_r(NULL, " \n", &rest)) {
		const struct name *o = find_option(word);
		load(offsetof(struct seccomp_data, args[1]));
		rule(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)o->level, 0, 3);
		load(offsetof(struct seccomp_data, args[2]));
		allow_if(o->number);
	}
	rules[past].k = count_of_rules - past - 1U;
}

/* A call that lacking.c has made to fail has no number. */
static void allow_calls(char *names, char *reads, char *sets)
{
	char *rest = NULL;
	load(offsetof(struct seccomp_data, nr));
	allow_if(SYS_exit_group);
	allow_if(REWRITTEN);
	for (char *word = strtok_r(names, " \n", &rest); word != NULL;
	     word = strtok_r(NULL, " \n", &rest)) {
		const struct name *c = find(word, calls, sizeof calls / sizeof calls[0]);
		if ((c->number != SYS_getsockopt || reads == NULL) &&
		    (c->number != SYS_setsockopt || sets == NULL))
			allow_if(c->number);
	}
	if (reads != NULL)
		allow_options(SYS_getsockopt, reads);
	if (sets != NULL)
		allow_options(SYS_setsockopt, sets);
}

static void expect(char *names)
{
	if (names == NULL || strcmp(names, "all") == 0) {
		rule(BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
	} else {
		allow_calls(names, getenv("READS"), getenv("SETS"));
		rule(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS, 0, 0);
	}
	struct sock_fprog program = {count_of_rules, rules};
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) != 0)
		err(125, "seccomp");
}

/* The socket */

static struct sockaddr_storage dest;
static socklen_t dest_len;

static int open_socket(const char *kind)
{
	bool mptcp = kind[0] == 'm', ipv6 = kind[strlen(kind) - 1] == '6';
	int fd = socket(ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM, mptcp ? IPPROTO_MPTCP : 0);
	if (fd < 0)
		err(125, "%s", kind);
	if (ipv6) {
		struct sockaddr_in6 six = {.sin6_family = AF_INET6,
		                           .sin6_addr = IN6ADDR_LOOPBACK_INIT,
		                           .sin6_port = htons(PORT)};
		memcpy(&dest, &six, dest_len = sizeof six);
	} else {
		struct sockaddr_in four = loopback(PORT);
		memcpy(&dest, &four, dest_len = sizeof four);
	}
	return fd;
}

static void bind_to(int fd, int port)
{
	struct sockaddr_storage a = dest;
	in_port_t number = htons((in_port_t)port);
	memcpy((char *)&a + offsetof(struct sockaddr_in, sin_port), &number, sizeof number);
	if (bind(fd, (struct sockaddr *)&a, dest_len) != 0)
		err(2, "bind");
}

static void *sleeps(void *unused)
{
	pause();
	return unused;
}

static void set_what_is_forgotten(int fd)
{
	static const struct {
		const char *name;
		int value;
	} settings[] = {{"TCP_MAXSEG", 500},
	                {"TCP_WINDOW_CLAMP", 2000},
	                {"SO_PEEK_OFF", 0},
	                {"TCP_RTO_MIN_US", 100000},
	                {"TCP_DELACK_MAX_US", 100000}};
	for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
		const struct name *o = find_option(settings[i].name);
		setsockopt(fd, o->level, o->number, &settings[i].value, sizeof(int));
	}
}

static void obey(int fd, const char *word)
{
	const int on = 1, lo = 1;
	pthread_t thread;
	if (strcmp(word, "settings") == 0)
		set_what_is_forgotten(fd);
	else if (strcmp(word, "later") == 0)
		setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
	else if (strcmp(word, "device") == 0)
		setsockopt(fd, SOL_SOCKET, 62, &lo, sizeof lo); /* SO_BINDTOIFINDEX */
	else if (strcmp(word, "nowhere") == 0)
		((struct sockaddr_in *)&dest)->sin_addr.s_addr = inet_addr("192.0.2.1");
	else if (strcmp(word, "nonblock") == 0)
		fcntl(fd, F_SETFL, O_NONBLOCK);
	else if (strcmp(word, "fastopen") == 0)
		setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &on, sizeof on);
	else if (strcmp(word, "address") == 0)
		bind_to(fd, 0);
	else if (strcmp(word, "port") == 0)
		bind_to(fd, PORT);
	else if (strcmp(word, "full") == 0)
		setrlimit(RLIMIT_NOFILE, &(struct rlimit) {0});
	else if (strcmp(word, "threads") == 0)
		pthread_create(&thread, NULL, sleeps, NULL);
	else if (strcmp(word, "known") == 0)
		connect_to_nobody(NULL);
	else
		errx(2, "%s: no such word", word);
}

/* Returns 0 or the errno. */
static int call(int fd, const char *name)
{
	static char data[LARGE];
	struct iovec part = {.iov_base = data, .iov_len = 5};
	struct mmsghdr m = {.msg_hdr = {.msg_name = &dest,
	                                .msg_namelen = dest_len,
	                                .msg_iov = &part,
	                                .msg_iovlen = 1}};
	const struct sockaddr *addr = (struct sockaddr *)&dest;
	const int flags = MSG_FASTOPEN | MSG_NOSIGNAL;
	ssize_t result = -1;
	if (strcmp(name, "sendto") == 0)
		result = sendto(fd, data, 5, flags, addr, dest_len);
	else if (strcmp(name, "large") == 0)
		result = sendto(fd, data, LARGE, flags, addr, dest_len);
	else if (strcmp(name, "sendmsg") == 0)
		result = sendmsg(fd, &m.msg_hdr, flags);
	else if (strcmp(name, "sendmmsg") == 0)
		result = sendmmsg(fd, &m, 1, flags);
	else if (strcmp(name, "connect") == 0 || strcmp(name, "again") == 0)
		result = connect(fd, addr, dest_len);
	else
		result = read_option(fd, name);
	if (strcmp(name, "again") == 0)
		result = connect(fd, addr, dest_len);
	return result < 0 ? errno : 0;
}

static void in_child(int fd, char **words, int n)
{
	move_range();
	for (int i = 0; i < n - 1; i++)
		obey(fd, words[i]);
	expect(getenv("ALLOW"));
	_exit(call(fd, words[n - 1]));
}

int main(int argc, char **argv)
{
	int status, fd = argc < 3 ? -1 : open_socket(argv[1]);
	pid_t child = fork();
	if (fd < 0 || child < 0)
		errx(2, "usage: filtered TCP WORD... CALL");
	if (child == 0)
		in_child(fd, argv + 2, argc - 2);
	waitpid(child, &status, 0);
	if (WIFSIGNALED(status))
		puts(WTERMSIG(status) == SIGSYS ? "killed" : strsignal(WTERMSIG(status)));
	else if (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == EINPROGRESS)
		puts(to_itself(fd) ? "self-connected" : "connected, or connecting");
	else
		puts(strerrorname_np(WEXITSTATUS(status)));
	abort_and_close(fd);
	return 0;
}
