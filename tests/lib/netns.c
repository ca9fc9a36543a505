/* SPDX-License-Identifier: MIT */
/*
 * netns LOW HIGH command [args...]: runs the command in a network namespace of its own, with lo
 * up and the ephemeral port range LOW to HIGH, so that which port the kernel chooses is
 * certain. As an ordinary user it takes a user namespace too. Exit status 125: it can't be had.
 */
#include "proc.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		err(125, "%s", path);
	close(fd);
}

static void new_namespaces(void)
{
	const int wanted = CLONE_NEWNET | CLONE_NEWPID | CLONE_NEWNS;
	unsigned uid = geteuid(), gid = getegid();
	char map[64];
	if (unshare(wanted) == 0)
		return;
	if (errno != EPERM || unshare(CLONE_NEWUSER | wanted) != 0)
		err(125, "unshare");
	put("/proc/self/setgroups", "deny");
	snprintf(map, sizeof map, "0 %u 1", uid);
	put("/proc/self/uid_map", map);
	snprintf(map, sizeof map, "0 %u 1", gid);
	put("/proc/self/gid_map", map);
}

/* Waits for child, and for whatever else is left to us, and ends as it ended. */
static void end_as(pid_t child)
{
	int status;
	pid_t ended;
	while ((ended = wait(&status)) != child)
		if (ended < 0 && errno != EINTR)
			err(125, "wait");
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

static pid_t forked(void)
{
	pid_t child = fork();
	if (child < 0)
		err(125, "fork");
	if (child == 0)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return child;
}

int main(int argc, char **argv)
{
	char range[32];
	struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	if (argc < 4)
		errx(125, "usage: netns LOW HIGH command [args...]");
	new_namespaces();

	/* The first process of a PID namespace does not die of its own signals: it is only
	 * init. */
	pid_t child = forked();
	if (child != 0)
		end_as(child);
	if (!mount_own_proc())
		err(125, "/proc");
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &lo) != 0)
		err(125, "lo");
	close(fd);
	snprintf(range, sizeof range, "%s %s", argv[1], argv[2]);
	put("/proc/sys/net/ipv4/ip_local_port_range", range);
	child = forked();
	if (child != 0)
		end_as(child);
	execvp(argv[3], argv + 3);
	err(errno == ENOENT ? 127 : 126, "%s", argv[3]);
}
