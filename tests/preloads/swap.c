/* SPDX-License-Identifier: MIT */
/*
 * A preload for below the library: another thread closes the descriptor that the process's
 * first connect() was for, and opens something else under the same number, just before the
 * connect() call number SWAP_AT, or after number SWAP_AFTER, which then is interrupted, unless
 * there is GOES_ON. SWAP
 * says what: "file", "socket", "range", a socket with a port range of its own, or "self", a
 * socket that is bound to port 40000, connected to itself, and has sent a byte; or "shutdown":
 * it only shuts the socket down. With SWAP_BY=signal, it is no thread but a handler of SIGUSR1,
 * which is raised then: while that is blocked, later; and call number 3, a repair's, does not
 * wait for the outcome.
 */
#undef _GNU_SOURCE
#define _DEFAULT_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static int victim;

static void connect_to_itself(int fd)
{
	struct sockaddr_in self = {.sin_family = AF_INET,
	                           .sin_port = htons(40000),
	                           .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	if (bind(fd, (struct sockaddr *)&self, sizeof self) != 0 ||
	    syscall(SYS_connect, fd, &self, sizeof self) != 0 || send(fd, "x", 1, 0) != 1)
		perror("swap");
}

static void *swap(void *unused)
{
	const char *what = getenv("SWAP");
	const unsigned range = 30000 | 30009U << 16;
	if (what != NULL && strcmp(what, "shutdown") == 0) {
		shutdown(victim, SHUT_RDWR);
		return unused;
	}
	close(victim);
	int other = what == NULL || strcmp(what, "file") == 0
	                    ? (int)syscall(SYS_memfd_create, "swap", 0)
	                    : socket(AF_INET, SOCK_STREAM, 0);
	if (what != NULL && strcmp(what, "self") == 0)
		connect_to_itself(other);
	if (what != NULL && strcmp(what, "range") == 0)
		setsockopt(other, IPPROTO_IP, 51 /* IP_LOCAL_PORT_RANGE */, &range,
		           sizeof range);
	if (other != victim)
		fprintf(stderr, "swap: %d is not %d\n", other, victim);
	return unused;
}

static void on_signal(int sig)
{
	(void)sig;
	swap(NULL);
}

static void swap_by_signal(void)
{
	const struct sigaction action = {.sa_handler = on_signal};
	sigaction(SIGUSR1, &action, NULL);
	raise(SIGUSR1);
}

static void swap_by_thread(void)
{
	pthread_t thread;
	if (pthread_create(&thread, NULL, swap, NULL) == 0)
		pthread_join(thread, NULL);
}

static void swap_if(const char *when, int calls)
{
	const char *at = getenv(when);
	int before = errno;
	if (at == NULL || calls != atoi(at))
		return;
	if (getenv("SWAP_BY") != NULL)
		swap_by_signal();
	else
		swap_by_thread();
	errno = getenv("GOES_ON") != NULL ? before : EINTR;
}

int connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	static int calls;
	if (++calls == 1)
		victim = fd;
	swap_if("SWAP_AT", calls);
	int flags = getenv("SWAP_BY") != NULL && calls == 3 ? fcntl(fd, F_GETFL) : -1;
	if (flags >= 0)
		fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	int result = (int)syscall(SYS_connect, fd, addr, len);
	if (flags >= 0)
		fcntl(fd, F_SETFL, flags);
	swap_if("SWAP_AFTER", calls);
	return result;
}
