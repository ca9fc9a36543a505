/* SPDX-License-Identifier: MIT */
/*
 * A preload for below the library: before each connect(), another thread makes a child, as it
 * may at any moment, and the child counts its descriptors. At the end this says how many
 * children there were, and how many had more descriptors than the first.
 * FORK says how they are made: "fork", "_Fork" (glibc 2.34), "vfork", "clone" (the system
 * call), or "spawn" (posix_spawn(), of a shell). With FILTER, there is a seccomp filter that
 * allows everything.
 */
#undef _GNU_SOURCE
#define _DEFAULT_SOURCE
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST = 64 };

pid_t _Fork(void) __attribute__((weak));

static sem_t wanted, made;
static int children, with_more;

static int descriptors(void)
{
	int n = 0;
	for (int fd = 0; fd < MOST; fd++) {
		struct pollfd p = {.fd = fd};
		poll(&p, 1, 0);
		n += (p.revents & POLLNVAL) == 0;
	}
	return n;
}

static pid_t shell(void)
{
	char count[] = "for fd in /proc/self/fd/*; do : $((n += 1)); done; exit $n";
	char *argv[] = {"sh", "-c", count, NULL};
	char *environment[] = {NULL};
	pid_t pid = -1;
	posix_spawn(&pid, "/bin/sh", NULL, NULL, argv, environment);
	return pid;
}

/* On s390x the stack, here our own, comes before the flags. */
static pid_t cloned(void)
{
#if defined __s390x__
	return (pid_t)syscall(SYS_clone, 0, SIGCHLD, 0, 0, 0);
#else
	return (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
#endif
}

static pid_t child(const char *how)
{
	if (strcmp(how, "spawn") == 0)
		return shell();
	pid_t pid;
	if (strcmp(how, "fork") == 0)
		pid = fork();
	else if (strcmp(how, "vfork") == 0)
		pid = vfork();
	else if (strcmp(how, "_Fork") == 0 && _Fork != NULL)
		pid = _Fork();
	else
		pid = cloned();
	if (pid == 0)
		_exit(descriptors());
	return pid;
}

static void make_child(void)
{
	static int first = -1;
	int status;
	pid_t pid = child(getenv("FORK"));
	if (pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status)) {
		children++;
		if (first < 0)
			first = WEXITSTATUS(status);
		with_more += WEXITSTATUS(status) > first;
	}
}

static void *make_children(void *unused)
{
	for (;;) {
		sem_wait(&wanted);
		make_child();
		sem_post(&made);
	}
	return unused;
}

int connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	static pthread_t thread;
	if (thread == 0) {
		sem_init(&wanted, 0, 0);
		sem_init(&made, 0, 0);
		pthread_create(&thread, NULL, make_children, NULL);
	}
	sem_post(&wanted);
	sem_wait(&made);
	return (int)syscall(SYS_connect, fd, addr, len);
}

__attribute__((constructor)) static void filter(void)
{
	struct sock_filter allow = {.code = BPF_RET | BPF_K, .k = SECCOMP_RET_ALLOW};
	struct sock_fprog program = {.len = 1, .filter = &allow};
	if (getenv("FILTER") == NULL)
		return;
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0);
}

__attribute__((destructor)) static void tell(void)
{
	if (children > 0)
		printf("children: %d, with more descriptors: %d\n", children, with_more);
}
