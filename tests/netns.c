/*
 * netns LOW HIGH command [args...]: runs the command in a network namespace of its own, with lo
 * up and the ephemeral port range LOW to HIGH, so that which port the kernel chooses is
 * certain. As an ordinary user it takes a user namespace too. Exit status 125: it can't be had.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		err(125, "%s", path);
	close(fd);
}

static void new_namespace(void)
{
	unsigned uid = geteuid(), gid = getegid();
	char map[64];
	if (unshare(CLONE_NEWNET) == 0)
		return;
	if (errno != EPERM || unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
		err(125, "unshare");
	put("/proc/self/setgroups", "deny");
	snprintf(map, sizeof map, "0 %u 1", uid);
	put("/proc/self/uid_map", map);
	snprintf(map, sizeof map, "0 %u 1", gid);
	put("/proc/self/gid_map", map);
}

int main(int argc, char **argv)
{
	char range[32];
	struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	if (argc < 4)
		errx(125, "usage: netns LOW HIGH command [args...]");
	new_namespace();
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &lo) != 0)
		err(125, "lo");
	close(fd);
	snprintf(range, sizeof range, "%s %s", argv[1], argv[2]);
	put("/proc/sys/net/ipv4/ip_local_port_range", range);
	execvp(argv[3], argv + 3);
	err(errno == ENOENT ? 127 : 126, "%s", argv[3]);
}
