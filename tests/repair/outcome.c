/* SPDX-License-Identifier: MIT */
/*
 * outcome KIND ADDR PORT WORD...: a program that connects to ADDR:PORT and says all that it can
 * see of its socket, in words that are the same wherever it connects to: what is printed for a
 * closed port that is never a source port must be printed for one that was repaired. KIND is
 * tcp4, tcp6, mptcp4 or mptcp6. The socket is open when the first word is obeyed:
 *
 *   nonblock cloexec         its flags
 *   async                    O_ASYNC, with F_SETOWN and F_SETSIG
 *   signo owner              only F_SETSIG, only F_SETOWN
 *   chown                    gives it to another user
 *   bind ADDR                to that address, and a port that the kernel chooses
 *   late                     IP_BIND_ADDRESS_NO_PORT: it chooses in connect()
 *   device NAME              SO_BINDTODEVICE
 *   timeout                  SO_SNDTIMEO of a minute
 *   dup                      another descriptor of it
 *   above                    the number of its descriptor becomes 77
 *   unshare                  the process enters a new network namespace
 *   connect [to PORT]        and says the result
 *   unspec                   connect() with AF_UNSPEC
 *   signal                   the last signal that O_ASYNC sent
 *   poll select              waits until it is ready, and says for what
 *   error                    SO_ERROR
 *   look                     its names, flags, owner and number
 *   read write shutdown listen close
 *   bindable                 can a server bind and listen there?
 *   serve PORT               listens at ADDR:PORT
 */
#include "address.h"
#include "older.h"

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

static const char *addr;
static int fd;
static sigset_t async_signal;
static in_port_t dest_port; /* network byte order, of the last connect */

static void said(const char *word, int result)
{
	printf("%s: %s\n", word, result < 0 ? strerrorname_np(errno) : "ok");
}

/* The port has the same place in both families. */
static in_port_t port_of(const struct sockaddr_storage *a)
{
	return ((const struct sockaddr_in *)(const void *)a)->sin_port;
}

static void do_connect(const char *port)
{
	struct sockaddr_storage a;
	socklen_t len = address(addr, port, &a);
	dest_port = port_of(&a);
	said("connect", connect(fd, (struct sockaddr *)&a, len));
}

/* Shows an address as it is, and of the port what matters. */
static void show_name(const char *word, int (*get)(int, struct sockaddr *, socklen_t *))
{
	struct sockaddr_storage a;
	socklen_t len = sizeof a;
	char host[NI_MAXHOST];
	if (get(fd, (struct sockaddr *)&a, &len) != 0) {
		printf("%s: %s\n", word, strerrorname_np(errno));
		return;
	}
	in_port_t port = port_of(&a);
	getnameinfo((struct sockaddr *)&a, len, host, sizeof host, NULL, 0, NI_NUMERICHOST);
	printf("%s: %s, %s\n", word, host,
	       port == 0           ? "no port"
	       : port == dest_port ? "the destination's port"
	                           : "a port");
}

/* glibc declares the address of these as a union. */
static int local(int s, struct sockaddr *a, socklen_t *len)
{
	return getsockname(s, a, len);
}

static int peer(int s, struct sockaddr *a, socklen_t *len)
{
	return getpeername(s, a, len);
}

static void look(void)
{
	struct stat st;
	show_name("local", local);
	show_name("peer", peer);
	fstat(fd, &st);
	printf("descriptor: %d, flags %d, status %#x, owner %d, signal %d, user %u\n", fd,
	       fcntl(fd, F_GETFD), (unsigned)fcntl(fd, F_GETFL), fcntl(fd, F_GETOWN) != 0,
	       fcntl(fd, F_GETSIG), (unsigned)st.st_uid);
}

static void do_poll(void)
{
	struct pollfd p = {.fd = fd, .events = POLLIN | POLLOUT | POLLPRI | POLLRDHUP};
	printf("poll: %d", poll(&p, 1, 20000));
	printf(" %#x\n", (unsigned)p.revents);
}

static void do_select(void)
{
	struct timeval limit = {.tv_sec = 20};
	fd_set in, out, except;
	FD_ZERO(&in);
	FD_SET(fd, &in);
	out = except = in;
	printf("select: %d", select(fd + 1, &in, &out, &except, &limit));
	printf(" %d%d%d\n", FD_ISSET(fd, &in) != 0, FD_ISSET(fd, &out) != 0,
	       FD_ISSET(fd, &except) != 0);
}

static void show_error(void)
{
	int error;
	socklen_t len = sizeof error;
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len);
	printf("error: %s\n", error == 0 ? "none" : strerrorname_np(error));
}

/* Without SO_REUSEADDR; a server that is to stay gets a number that is not in the way. */
static int server(const char *port, bool stay)
{
	struct sockaddr_storage a;
	socklen_t len = address(addr, port, &a);
	int s = socket(a.ss_family, SOCK_STREAM, 0);
	int result = bind(s, (struct sockaddr *)&a, len);
	if (result == 0)
		result = listen(s, 10);
	int e = errno;
	if (stay)
		fcntl(s, F_DUPFD_CLOEXEC, 100);
	close(s);
	errno = e;
	return result;
}

static void show_signal(void)
{
	const struct timespec now = {0, 0};
	siginfo_t info, last;
	int n = 0;
	for (; sigtimedwait(&async_signal, &info, &now) > 0; n++)
		last = info;
	if (n == 0)
		printf("signal: none\n");
	else
		printf("signal: for %d, of code %d: %#lx\n", last.si_fd, last.si_code,
		       (unsigned long)last.si_band);
}

static bool is(const char *word, const char *name)
{
	return strcmp(word, name) == 0;
}

static bool set_up(const char *word)
{
	struct timeval minute = {.tv_sec = 60};
	int on = 1;
	if (is(word, "nonblock"))
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	else if (is(word, "cloexec"))
		fcntl(fd, F_SETFD, FD_CLOEXEC);
	else if (is(word, "async")) {
		sigprocmask(SIG_BLOCK, &async_signal, NULL);
		fcntl(fd, F_SETOWN, getpid());
		fcntl(fd, F_SETSIG, SIGRTMIN);
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_ASYNC);
	} else if (is(word, "signo"))
		fcntl(fd, F_SETSIG, SIGRTMIN);
	else if (is(word, "owner"))
		fcntl(fd, F_SETOWN, getpid());
	else if (is(word, "chown"))
		said(word, fchown(fd, 99, 99));
	else if (is(word, "timeout"))
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &minute, sizeof minute);
	else if (is(word, "late"))
		setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
	else if (is(word, "dup"))
		dup(fd);
	else if (is(word, "above")) {
		dup2(fd, 77);
		close(fd);
		fd = 77;
	} else if (is(word, "unshare"))
		said(word, unshare(CLONE_NEWNET));
	else
		return false;
	return true;
}

static bool use(const char *word, const char *port)
{
	const struct sockaddr none = {.sa_family = AF_UNSPEC};
	char text[16];
	if (is(word, "unspec"))
		said(word, connect(fd, &none, sizeof none));
	else if (is(word, "poll"))
		do_poll();
	else if (is(word, "select"))
		do_select();
	else if (is(word, "error"))
		show_error();
	else if (is(word, "signal"))
		show_signal();
	else if (is(word, "look"))
		look();
	else if (is(word, "read"))
		said(word, (int)recv(fd, text, sizeof text, MSG_DONTWAIT));
	else if (is(word, "write"))
		said(word, (int)send(fd, "text", 4, MSG_NOSIGNAL));
	else if (is(word, "shutdown"))
		said(word, shutdown(fd, SHUT_RDWR));
	else if (is(word, "listen"))
		said(word, listen(fd, 1));
	else if (is(word, "close"))
		said(word, close(fd));
	else if (is(word, "bindable"))
		said(word, server(port, false));
	else
		return false;
	return true;
}

int main(int argc, char **argv)
{
	struct sockaddr_storage a;
	if (argc < 5)
		errx(2, "usage: outcome KIND ADDR PORT WORD...");
	sigemptyset(&async_signal);
	sigaddset(&async_signal, SIGRTMIN);
	addr = argv[2];
	fd = socket(strchr(argv[1], '6') != NULL ? AF_INET6 : AF_INET, SOCK_STREAM,
	            argv[1][0] == 'm' ? IPPROTO_MPTCP : IPPROTO_TCP);
	if (fd < 0)
		err(2, "socket");
	for (char **word = argv + 4; *word != NULL; word++) {
		if (set_up(*word) || use(*word, argv[3]))
			continue;
		if (is(*word, "connect") && word[1] != NULL && is(word[1], "to")) {
			do_connect(word[2]);
			word += 2;
		} else if (is(*word, "connect")) {
			do_connect(argv[3]);
		} else if (is(*word, "bind")) {
			socklen_t len = address(*++word, "0", &a);
			said("bind", bind(fd, (struct sockaddr *)&a, len));
		} else if (is(*word, "device")) {
			word++;
			said("device", setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, *word,
			                          (socklen_t)strlen(*word)));
		} else if (is(*word, "serve")) {
			said("serve", server(*++word, true));
		} else {
			errx(2, "%s: no such word", *word);
		}
	}
	return 0;
}
