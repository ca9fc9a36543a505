/* SPDX-License-Identifier: MIT */
/*
 * client WORD...: a program that opens sockets and connects, told what to do word by word, one
 * line of output for each word that has something to say. Errors are shown by name.
 *
 *   tcp4 tcp6 mptcp4 mptcp6 smc4 smc6 ipsmc4 ipsmc6 sctp4 udp4 unix
 *                           a new socket; it is the one that the next words are about
 *   socket DOMAIN TYPE PROTOCOL
 *                           one of any other kind, by numbers
 *   nonblock block cloexec  its flags
 *   dup                     another descriptor of it
 *   bind ADDR PORT
 *   opt LEVEL NAME VALUE    setsockopt() with an int, all three as numbers
 *   get LEVEL NAME          getsockopt() of an int
 *   ulp NAME                TCP_ULP: the protocol that is put over TCP
 *   patience MILLISECONDS   SO_SNDTIMEO
 *   connect ADDR PORT       ADDR may have a scope, fe80::1%eth0
 *   unspec                  connect() with AF_UNSPEC
 *   listen
 *   wait                    until the socket is writable (or failed)
 *   error                   SO_ERROR
 *   names                   local and peer address
 *   say TEXT                writes TEXT to the socket and shows what comes back
 *   flags                   descriptor flags and status flags
 *   kind                    the protocol that the socket was opened with, by its name
 *   inode                   the socket's
 *   close
 *   serve ADDR PORT         listens, without SO_REUSEADDR, on a new socket
 *   bindable ADDR PORT      as serve, and closes it again
 *   timewait                how many sockets of the namespace are in TIME_WAIT
 *   fds                     how many descriptors are open
 *   errno                   connect() leaves errno alone from now on, or it is told
 *   times N                 repeats all words before it until they ran N times
 */
#include "address.h"
#include "older.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

static int fd = -1;
static bool mind_errno;

static const char *error_name(int e)
{
	static const struct {
		int e;
		const char *name;
	} names[] = {{0, "ok"},
	             {EINPROGRESS, "EINPROGRESS"},
	             {ECONNREFUSED, "ECONNREFUSED"},
	             {ECONNRESET, "ECONNRESET"},
	             {ECONNABORTED, "ECONNABORTED"},
	             {EADDRNOTAVAIL, "EADDRNOTAVAIL"},
	             {EADDRINUSE, "EADDRINUSE"},
	             {EISCONN, "EISCONN"},
	             {ENOTCONN, "ENOTCONN"},
	             {EALREADY, "EALREADY"},
	             {EINTR, "EINTR"},
	             {EINVAL, "EINVAL"},
	             {EBADF, "EBADF"},
	             {EFAULT, "EFAULT"},
	             {EAFNOSUPPORT, "EAFNOSUPPORT"},
	             {ENOTSOCK, "ENOTSOCK"},
	             {EAGAIN, "EAGAIN"},
	             {EPERM, "EPERM"},
	             {EACCES, "EACCES"},
	             {EMFILE, "EMFILE"},
	             {ENETUNREACH, "ENETUNREACH"},
	             {ENOENT, "ENOENT"}};
	static char other[32];
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (names[i].e == e)
			return names[i].name;
	snprintf(other, sizeof other, "errno %d", e);
	return other;
}

static void said(const char *word, int result)
{
	printf("%s: %s\n", word, error_name(result < 0 ? errno : 0));
}

static void show_name(const char *word, int (*get)(int, struct sockaddr *, socklen_t *))
{
	struct sockaddr_storage a;
	socklen_t len = sizeof a;
	char host[NI_MAXHOST], port[NI_MAXSERV];
	if (get(fd, (struct sockaddr *)&a, &len) != 0)
		printf("%s: %s\n", word, error_name(errno));
	else if (getnameinfo((struct sockaddr *)&a, len, host, sizeof host, port, sizeof port,
	                     NI_NUMERICHOST | NI_NUMERICSERV) == 0)
		printf("%s: %s %s\n", word, host, port);
	else
		printf("%s: of family %d\n", word, a.ss_family);
}

/* glibc declares the address of these as a union, so they need a face of their own. */
static int local(int s, struct sockaddr *a, socklen_t *len)
{
	return getsockname(s, a, len);
}

static int peer(int s, struct sockaddr *a, socklen_t *len)
{
	return getpeername(s, a, len);
}

static void do_connect(const struct sockaddr *a, socklen_t len)
{
	errno = E2BIG;
	int result = connect(fd, a, len);
	if (mind_errno)
		printf("errno: %s\n", errno == E2BIG ? "untouched" : error_name(errno));
	said("connect", result);
}

static int listener(const char *addr, const char *port)
{
	struct sockaddr_storage a;
	socklen_t len = address(addr, port, &a);
	int s = socket(a.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s < 0)
		err(2, "socket");
	if (bind(s, (struct sockaddr *)&a, len) != 0 || listen(s, 10) != 0) {
		int e = errno;
		close(s);
		errno = e;
		return -1;
	}
	return s;
}

static int count_timewait(void)
{
	int n = 0;
	for (int i = 0; i < 2; i++) {
		char line[512], state[8];
		FILE *f = fopen(i == 0 ? "/proc/net/tcp" : "/proc/net/tcp6", "re");
		if (f == NULL)
			continue;
		while (fgets(line, sizeof line, f) != NULL)
			if (sscanf(line, " %*[^:]: %*s %*s %7s", state) == 1)
				n += strcmp(state, "06") == 0;
		fclose(f);
	}
	return n;
}

static int count_fds(void)
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

static bool is(const char *word, const char *name)
{
	return strcmp(word, name) == 0;
}

static bool open_socket(const char *word)
{
	static const struct {
		const char *word;
		int domain, type, protocol;
	} kinds[] = {{"tcp4", AF_INET, SOCK_STREAM, 0},
	             {"tcp6", AF_INET6, SOCK_STREAM, 0},
	             {"mptcp4", AF_INET, SOCK_STREAM, IPPROTO_MPTCP},
	             {"mptcp6", AF_INET6, SOCK_STREAM, IPPROTO_MPTCP},
	             {"smc4", AF_SMC, SOCK_STREAM, 0},
	             {"smc6", AF_SMC, SOCK_STREAM, 1},
	             {"ipsmc4", AF_INET, SOCK_STREAM, IPPROTO_SMC},
	             {"ipsmc6", AF_INET6, SOCK_STREAM, IPPROTO_SMC},
	             {"sctp4", AF_INET, SOCK_STREAM, IPPROTO_SCTP},
	             {"udp4", AF_INET, SOCK_DGRAM, 0},
	             {"unix", AF_UNIX, SOCK_STREAM, 0}};
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		if (!is(word, kinds[i].word))
			continue;
		fd = socket(kinds[i].domain, kinds[i].type, kinds[i].protocol);
		if (fd < 0)
			err(2, "%s", word);
		return true;
	}
	return false;
}

/* Does what word says, with what follows it; returns how many of those it took. */
static int obey(const char *word, char **args)
{
	struct sockaddr_storage a;
	struct sockaddr none = {.sa_family = AF_UNSPEC};
	int value, s;
	socklen_t len;
	char text[256];

	if (open_socket(word))
		return 0;
	if (is(word, "socket")) {
		fd = socket(atoi(args[0]), atoi(args[1]), atoi(args[2]));
		if (fd < 0)
			err(2, "socket");
		return 3;
	}
	if (is(word, "nonblock")) {
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	} else if (is(word, "block")) {
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
	} else if (is(word, "cloexec")) {
		fcntl(fd, F_SETFD, FD_CLOEXEC);
	} else if (is(word, "dup")) {
		dup(fd);
	} else if (is(word, "errno")) {
		mind_errno = true;
	} else if (is(word, "bind")) {
		len = address(args[0], args[1], &a);
		said(word, bind(fd, (struct sockaddr *)&a, len));
		return 2;
	} else if (is(word, "opt")) {
		value = atoi(args[2]);
		if (setsockopt(fd, atoi(args[0]), atoi(args[1]), &value, sizeof value) != 0)
			err(2, "opt %s %s", args[0], args[1]);
		return 3;
	} else if (is(word, "ulp")) {
		len = (socklen_t)strlen(args[0]);
		said(word, setsockopt(fd, IPPROTO_TCP, 31, args[0], len));
		return 1;
	} else if (is(word, "patience")) {
		struct timeval patience = {.tv_usec = 1000 * atoi(args[0])};
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
		return 1;
	} else if (is(word, "get")) {
		value = 0;
		len = sizeof value;
		if (getsockopt(fd, atoi(args[0]), atoi(args[1]), &value, &len) != 0)
			said(word, -1);
		else
			printf("get: %d\n", value);
		return 2;
	} else if (is(word, "connect")) {
		len = address(args[0], args[1], &a);
		do_connect((struct sockaddr *)&a, len);
		return 2;
	} else if (is(word, "unspec")) {
		said(word, connect(fd, &none, sizeof none));
	} else if (is(word, "wait")) {
		struct pollfd p = {.fd = fd, .events = POLLOUT};
		poll(&p, 1, -1);
	} else if (is(word, "error")) {
		len = sizeof value;
		if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &value, &len) != 0)
			err(2, "SO_ERROR");
		printf("error: %s\n", error_name(value));
	} else if (is(word, "names")) {
		show_name("local", local);
		show_name("peer", peer);
	} else if (is(word, "say")) {
		ssize_t n = -1;
		if (write(fd, args[0], strlen(args[0])) > 0)
			n = read(fd, text, sizeof text - 1);
		if (n < 0) {
			said(word, -1);
		} else {
			text[n] = '\0';
			printf("answer: %s\n", text);
		}
		return 1;
	} else if (is(word, "flags")) {
		printf("flags: %d %#x\n", fcntl(fd, F_GETFD), (unsigned)fcntl(fd, F_GETFL));
	} else if (is(word, "kind")) {
		memset(text, 0, sizeof text);
		fgetxattr(fd, "system.sockprotoname", text, sizeof text - 1);
		printf("kind: %s\n", text);
	} else if (is(word, "inode")) {
		struct stat st = {0};
		fstat(fd, &st);
		printf("inode: %llu\n", (unsigned long long)st.st_ino);
	} else if (is(word, "close")) {
		close(fd);
	} else if (is(word, "listen")) {
		said(word, listen(fd, 5));
	} else if (is(word, "serve") || is(word, "bindable")) {
		s = listener(args[0], args[1]);
		said(word, s);
		if (s >= 0 && is(word, "bindable"))
			close(s);
		return 2;
	} else if (is(word, "timewait")) {
		printf("timewait: %d\n", count_timewait());
	} else if (is(word, "fds")) {
		printf("fds: %d\n", count_fds());
	} else {
		errx(2, "%s: no such word", word);
	}
	return 0;
}

static void obey_all(char **words, int n)
{
	for (int i = 0; i < n; i++)
		i += obey(words[i], words + i + 1);
}

int main(int argc, char **argv)
{
	int done = 1;
	for (; done < argc && !is(argv[done], "times"); done++)
		;
	int words = done - 1, times = done + 1 < argc ? atoi(argv[done + 1]) : 1;
	for (int i = 0; i < times; i++)
		obey_all(argv + 1, words);
	if (done + 2 < argc)
		obey_all(argv + done + 2, argc - done - 2);
	return 0;
}
