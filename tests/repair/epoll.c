/* SPDX-License-Identifier: MIT */
/*
 * epoll KIND ADDR PORT WORD...: a program that waits for a non-blocking connect() to ADDR:PORT
 * with epoll, and says what it is told; see outcome.bats for how such a text is used. KIND is
 * tcp4, tcp6, mptcp4 or mptcp6. The socket is open when the first word is obeyed:
 *
 *   level edge oneshot exclusive   how the next `add` registers the socket
 *   new                            another epoll set; sets are numbered from 0
 *   add SET                        registers the socket there, with a data word of its own
 *   nest SET IN                    registers a set in another
 *   rearm SET                      EPOLL_CTL_MOD, as the socket was registered
 *   remove SET                     EPOLL_CTL_DEL
 *   connect error close            of the socket
 *   look                           is it connected to itself?
 *   wait SET                       waits for events
 *   peek SET                       shows them without waiting
 *   fork                           what follows is done by a child, which inherits it all
 */
#include "address.h"
#include "older.h"

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST_SETS = 8, EVENTS = EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLRDHUP };

static int fd;
static int sets[MOST_SETS], n_sets;
static uint32_t how;
static uint64_t word_count; /* data words are unlike one another */

static void said(const char *word, int result)
{
	printf("%s: %s\n", word, result < 0 ? strerrorname_np(errno) : "ok");
}

static void control(const char *word, int set, int operation, int what, uint32_t events)
{
	struct epoll_event e = {.events = events,
	                        .data.u64 = 0xfeed0000beef0000 + word_count++};
	said(word, epoll_ctl(set, operation, what, &e));
}

static void events(const char *word, int set, int timeout)
{
	struct epoll_event e[4];
	int n = epoll_wait(set, e, 4, timeout);
	printf("%s: %d", word, n);
	for (int i = 0; i < n; i++)
		printf(" %#x for %#llx", e[i].events, (unsigned long long)e[i].data.u64);
	printf("\n");
}

static void do_connect(const char *addr, const char *port)
{
	struct sockaddr_storage a;
	socklen_t len = address(addr, port, &a);
	said("connect", connect(fd, (struct sockaddr *)&a, len));
}

static void look(void)
{
	struct sockaddr_storage local, peer;
	socklen_t len = sizeof local, peer_len = sizeof peer;
	memset(&local, 0, sizeof local);
	memset(&peer, 0, sizeof peer);
	bool itself = getsockname(fd, (struct sockaddr *)&local, &len) == 0 &&
	              getpeername(fd, (struct sockaddr *)&peer, &peer_len) == 0 &&
	              memcmp(&local, &peer, sizeof local) == 0;
	printf("look: %s\n", itself ? "connected to itself" : "not connected to itself");
}

static void show_error(void)
{
	int error;
	socklen_t len = sizeof error;
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len);
	printf("error: %s\n", error == 0 ? "none" : strerrorname_np(error));
}

static void continue_in_child(void)
{
	int status;
	fflush(stdout);
	pid_t child = fork();
	if (child == 0)
		return;
	if (waitpid(child, &status, 0) != child || status != 0)
		errx(2, "the child failed");
	exit(0);
}

static bool is(const char *word, const char *name)
{
	return strcmp(word, name) == 0;
}

static int set_of(const char *number)
{
	int i = atoi(number);
	if (i < 0 || i >= n_sets)
		errx(2, "%s: no such set", number);
	return sets[i];
}

static bool choose(const char *word)
{
	static const struct {
		const char *word;
		uint32_t how;
	} all[] = {{"level", 0},
	           {"edge", EPOLLET},
	           {"oneshot", EPOLLONESHOT},
	           {"exclusive", EPOLLEXCLUSIVE}};
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		if (is(word, all[i].word)) {
			how = all[i].how;
			return true;
		}
	}
	return false;
}

/* Does what word says of a set, whose number is the first of args; returns how many it took. */
static int use_set(const char *word, char **args)
{
	/* EPOLLEXCLUSIVE takes few others with it. */
	uint32_t wanted = how | (how == EPOLLEXCLUSIVE ? EPOLLIN | EPOLLOUT : EVENTS);
	if (args[0] == NULL)
		errx(2, "%s: which set?", word);
	int set = set_of(args[0]);
	if (is(word, "add"))
		control(word, set, EPOLL_CTL_ADD, fd, wanted);
	else if (is(word, "rearm"))
		control(word, set, EPOLL_CTL_MOD, fd, wanted);
	else if (is(word, "remove"))
		control(word, set, EPOLL_CTL_DEL, fd, 0);
	else if (is(word, "wait"))
		events(word, set, 20000);
	else if (is(word, "peek"))
		events(word, set, 0);
	else if (is(word, "nest") && args[1] != NULL) {
		control(word, set_of(args[1]), EPOLL_CTL_ADD, set, EPOLLIN);
		return 2;
	} else
		errx(2, "%s: no such word", word);
	return 1;
}

int main(int argc, char **argv)
{
	if (argc < 5)
		errx(2, "usage: epoll KIND ADDR PORT WORD...");
	fd = socket(strchr(argv[1], '6') != NULL ? AF_INET6 : AF_INET,
	            SOCK_STREAM | SOCK_NONBLOCK,
	            argv[1][0] == 'm' ? IPPROTO_MPTCP : IPPROTO_TCP);
	if (fd < 0)
		err(2, "socket");
	for (char **word = argv + 4; *word != NULL; word++) {
		if (choose(*word))
			continue;
		if (is(*word, "new") && n_sets < MOST_SETS)
			sets[n_sets++] = epoll_create1(EPOLL_CLOEXEC);
		else if (is(*word, "connect"))
			do_connect(argv[2], argv[3]);
		else if (is(*word, "error"))
			show_error();
		else if (is(*word, "look"))
			look();
		else if (is(*word, "close"))
			close(fd);
		else if (is(*word, "fork"))
			continue_in_child();
		else
			word += use_set(*word, word + 1);
	}
	return 0;
}
