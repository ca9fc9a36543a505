/* SPDX-License-Identifier: MIT */
/*
 * shared KIND ADDR PORT WORD...: a program whose socket has other references besides the
 * descriptor that it connects to ADDR:PORT, and says what is seen through each; see
 * outcome.bats for how such a text is used. KIND is tcp4, tcp6, mptcp4 or mptcp6.
 *
 *   nonblock                 O_NONBLOCK, which all references share
 *   dup                      another descriptor in this process
 *   fork                     a child that inherits the socket
 *   leader                   a child whose first thread has ended, and another one has it
 *   table                    a child whose second thread has descriptors of its own; the first
 *                            one has closed the socket
 *   post                     sends it to a process that does not receive it, until "there take"
 *   hide                     (there) is a process that others may not look at
 *   mode, group              fchmod() and fchown() it
 *   pass                     another process, which is sent it over a Unix socket
 *   send                     sends it over a Unix socket of this process
 *   receive                  and receives another descriptor of it there
 *   there WORD               the last process that was given it does that
 *
 * and of the connection, here or there:
 *
 *   connect poll error write shutdown close
 *   look                     what every descriptor that the process has of the socket shows,
 *                            and its mode and group
 *   bindable                 can a server bind and listen at ADDR:PORT?
 *   timewait                 how many sockets of the namespace are in TIME_WAIT
 */
#include "address.h"
#include "older.h"

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_COPIES = 8 };

static struct sockaddr_storage dest;
static socklen_t dest_len;
static int copies[MOST_COPIES], n_copies; /* the first is the one that is used */
static ino_t inode;                       /* of the socket, when it was opened */
static int other = -1;                    /* leads to the last process that has the socket */
static int own[2];                        /* a Unix socket that only this process has */
static int post[2];                       /* one whose second end only another process has */

static void said(const char *word, int result)
{
	printf("%s: %s\n", word, result < 0 ? strerrorname_np(errno) : "ok");
}

static void add_copy(int fd)
{
	if (fd < 0 || n_copies == MOST_COPIES)
		err(2, "copy");
	copies[n_copies++] = fd;
}

/* Which socket it is, before it is connected. */
static void remember_inode(void)
{
	struct stat st;
	if (fstat(copies[0], &st) != 0)
		err(2, "fstat");
	inode = st.st_ino;
}

static void look_at(int fd)
{
	struct sockaddr_storage a;
	socklen_t len = sizeof a;
	struct stat st = {0};
	/* The port has the same place in both families. */
	const in_port_t *port = &((struct sockaddr_in *)&a)->sin_port;
	const in_port_t *dest_port = &((struct sockaddr_in *)&dest)->sin_port;

	fstat(fd, &st);
	printf("%s socket", st.st_ino == inode ? "the same" : "another");
	memset(&a, 0, sizeof a);
	if (getsockname(fd, (struct sockaddr *)&a, &len) == 0)
		printf(", %s", *port == *dest_port ? "the destination's port"
		               : *port == 0        ? "no port"
		                                   : "a port");
	len = sizeof a;
	int result = getpeername(fd, (struct sockaddr *)&a, &len);
	printf(", %s", result == 0 ? "connected" : strerrorname_np(errno));
	printf(", flags %#x, mode %o, group %u\n", (unsigned)fcntl(fd, F_GETFL), st.st_mode,
	       st.st_gid);
}

static int server(void)
{
	int s = socket(dest.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int result = bind(s, (struct sockaddr *)&dest, dest_len);
	if (result == 0)
		result = listen(s, 10);
	int e = errno;
	close(s);
	errno = e;
	return result;
}

static int count_timewait(const char *path)
{
	char line[512], state[8];
	int n = 0;
	FILE *f = fopen(path, "re");
	while (f != NULL && fgets(line, sizeof line, f) != NULL)
		if (sscanf(line, " %*[^:]: %*s %*s %7s", state) == 1)
			n += strcmp(state, "06") == 0;
	if (f != NULL)
		fclose(f);
	return n;
}

static bool is(const char *word, const char *name)
{
	return strcmp(word, name) == 0;
}

static int receive_socket(int through);

static bool use(const char *word)
{
	int fd = copies[0], error = 0;
	socklen_t len = sizeof error;
	struct pollfd p = {.fd = fd, .events = POLLIN | POLLOUT};
	if (is(word, "connect"))
		said(word, connect(fd, (struct sockaddr *)&dest, dest_len));
	else if (is(word, "poll")) {
		poll(&p, 1, 20000);
		printf("poll: %#x\n", (unsigned)p.revents);
	} else if (is(word, "error")) {
		getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len);
		printf("error: %s\n", error == 0 ? "none" : strerrorname_np(error));
	} else if (is(word, "write"))
		said(word, (int)send(fd, "text", 4, MSG_NOSIGNAL));
	else if (is(word, "shutdown"))
		said(word, shutdown(fd, SHUT_RDWR));
	else if (is(word, "close"))
		said(word, close(fd));
	else if (is(word, "look"))
		for (int i = 0; i < n_copies; i++)
			look_at(copies[i]);
	else if (is(word, "mode"))
		said(word, fchmod(fd, 0600));
	else if (is(word, "group"))
		said(word, fchown(fd, (uid_t)-1, 1));
	else if (is(word, "hide"))
		said(word, prctl(PR_SET_DUMPABLE, 0));
	else if (is(word, "take")) {
		add_copy(receive_socket(post[1]));
		remember_inode();
	} else if (is(word, "bindable"))
		said(word, server());
	else if (is(word, "timewait"))
		printf("timewait: %d\n",
		       count_timewait("/proc/net/tcp") + count_timewait("/proc/net/tcp6"));
	else
		return false;
	return true;
}

static void send_socket(int through, int fd)
{
	char space[CMSG_SPACE(sizeof fd)] = "", text[] = "socket";
	struct iovec data = {text, sizeof text};
	struct msghdr message = {.msg_iov = &data,
	                         .msg_iovlen = 1,
	                         .msg_control = space,
	                         .msg_controllen = sizeof space};
	struct cmsghdr *c = CMSG_FIRSTHDR(&message);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof fd);
	memcpy(CMSG_DATA(c), &fd, sizeof fd);
	if (sendmsg(through, &message, 0) < 0)
		err(2, "sendmsg");
}

static int receive_socket(int through)
{
	int fd;
	char space[CMSG_SPACE(sizeof fd)], text[16];
	struct iovec data = {text, sizeof text};
	struct msghdr message = {.msg_iov = &data,
	                         .msg_iovlen = 1,
	                         .msg_control = space,
	                         .msg_controllen = sizeof space};
	if (recvmsg(through, &message, 0) < 0)
		err(2, "recvmsg");
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
	return fd;
}

/* A process that does what it is told, until nobody is left to tell it. */
static void obey(int from)
{
	char word[32];
	ssize_t n;
	while ((n = recv(from, word, sizeof word - 1, 0)) > 0) {
		word[n] = '\0';
		if (is(word, "pass")) {
			add_copy(receive_socket(from));
			remember_inode();
		} else
			use(word);
		fflush(stdout);
		send(from, "done", 4, 0);
	}
	exit(0);
}

static void tell(const char *word)
{
	char answer[8];
	if (other < 0)
		errx(2, "there %s: no other process", word);
	fflush(stdout);
	send(other, word, strlen(word), 0);
	if (is(word, "pass"))
		send_socket(other, copies[0]);
	if (recv(other, answer, sizeof answer, 0) <= 0)
		errx(2, "there %s: the other process failed", word);
}

static int ends[2]; /* between a process and the one that it has just made */
static atomic_bool has_own_table;

static void wait_until_leader_has_ended(void)
{
	char path[32], state = ' ';
	snprintf(path, sizeof path, "/proc/%d/stat", getpid());
	while (state != 'Z') {
		FILE *f = fopen(path, "re");
		if (f == NULL || fscanf(f, "%*d %*[^)]) %c", &state) != 1)
			err(2, "%s", path);
		fclose(f);
		sched_yield();
	}
}

static void *obeying_thread(void *how)
{
	if (is(how, "table")) {
		if (unshare(CLONE_FILES) != 0)
			err(2, "unshare");
		has_own_table = true;
	} else {
		wait_until_leader_has_ended();
		send(ends[1], "ready", 5, 0);
	}
	obey(ends[1]);
	return NULL;
}

static void leave_to_thread(char *how)
{
	pthread_t thread;
	if (pthread_create(&thread, NULL, obeying_thread, how) != 0)
		errx(2, "pthread_create");
	if (is(how, "leader"))
		pthread_exit(NULL);
	while (!has_own_table)
		sched_yield();
	close(copies[0]);
	send(ends[1], "ready", 5, 0);
	for (;;)
		pause();
}

static int new_process(char *how)
{
	char ready[8];
	bool in_thread = !is(how, "fork");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
		err(2, "socketpair");
	fflush(stdout);
	pid_t child = fork();
	if (child < 0)
		err(2, "fork");
	if (child == 0) {
		alarm(60);
		if (in_thread)
			leave_to_thread(how);
		close(ends[0]);
		obey(ends[1]);
	}
	close(ends[1]);
	if (in_thread)
		recv(ends[0], ready, sizeof ready, 0);
	return ends[0];
}

int main(int argc, char **argv)
{
	if (argc < 5)
		errx(2, "usage: shared KIND ADDR PORT WORD...");
	alarm(60);
	dest_len = address(argv[2], argv[3], &dest);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, own) != 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, post) != 0)
		err(2, "socketpair");
	int stranger = new_process((char[]) {"fork"}); /* has nothing yet */
	close(post[1]);
	add_copy(socket(strchr(argv[1], '6') != NULL ? AF_INET6 : AF_INET, SOCK_STREAM,
	                argv[1][0] == 'm' ? IPPROTO_MPTCP : IPPROTO_TCP));
	remember_inode();

	for (char **word = argv + 4; *word != NULL; word++) {
		if (use(*word))
			continue;
		if (is(*word, "nonblock")) {
			fcntl(copies[0], F_SETFL, O_NONBLOCK);
		} else if (is(*word, "dup")) {
			add_copy(dup(copies[0]));
		} else if (is(*word, "fork") || is(*word, "leader") || is(*word, "table")) {
			other = new_process(*word);
		} else if (is(*word, "post")) {
			other = stranger;
			send_socket(post[0], copies[0]);
		} else if (is(*word, "pass")) {
			other = stranger;
			tell("pass");
		} else if (is(*word, "send")) {
			send_socket(own[0], copies[0]);
		} else if (is(*word, "receive")) {
			add_copy(receive_socket(own[1]));
		} else if (is(*word, "there") && word[1] != NULL) {
			printf("there ");
			tell(*++word);
		} else {
			errx(2, "%s: no such word", *word);
		}
	}
	return 0;
}
