/* SPDX-License-Identifier: MIT */
/*
 * deliberate HOW...: binds a socket to 127.0.0.1:40000, connects it to that, and says what came
 * of it. HOW is any of: threads (there is another one); reuseport (SO_REUSEPORT is set); fork,
 * exec (a child, or another program, connects the socket that it inherited); sandbox (from
 * bind() on, a seccomp filter refuses any other one); zero (it binds port 0, and connects to
 * the port that getsockname() tells).
 */
#include "attempt.h"

#include <err.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static void *sleeps(void *unused)
{
	pause();
	return unused;
}

static void refuse_bind(void)
{
	struct sock_filter rules[] = {
	        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_bind, 0, 1),
	        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
	        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
	struct sock_fprog filter = {sizeof rules / sizeof rules[0], rules};
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0)
		err(125, "seccomp");
}

static void connect_to_own_port(int fd)
{
	struct sockaddr_in own;
	socklen_t len = sizeof own;
	if (getsockname(fd, (struct sockaddr *)&own, &len) != 0)
		err(2, "getsockname");
	const char *result = connect(fd, (struct sockaddr *)&own, sizeof own) == 0
	                             ? "ok"
	                             : strerrorname_np(errno);
	printf("connect: %s%s\n", result, to_itself(fd) ? ", to itself" : "");
}

int main(int argc, char **argv)
{
	const char *fd_of = getenv("INHERITED");
	bool with[256] = {false};
	const int on = 1;
	pthread_t thread;
	for (int i = 1; i < argc; i++)
		with[(unsigned char)argv[i][0]] = true;
	if (fd_of != NULL) {
		connect_to_own_port(atoi(fd_of));
		return 0;
	}
	if (with['t'] && pthread_create(&thread, NULL, sleeps, NULL) != 0)
		errx(2, "pthread_create");
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in at = loopback(with['z'] ? 0 : PORT);
	if (with['r'])
		setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
	if (bind(fd, (struct sockaddr *)&at, sizeof at) != 0)
		err(2, "bind");
	if (with['s'])
		refuse_bind();
	if (with['e']) {
		char text[16];
		snprintf(text, sizeof text, "%d", fd);
		setenv("INHERITED", text, 1);
		execv(argv[0], argv);
		err(2, "execv");
	}
	if (!with['f'] || fork() == 0)
		connect_to_own_port(fd);
	else
		wait(NULL);
	return 0;
}
