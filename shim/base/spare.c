/* SPDX-License-Identifier: MIT */
#include "spare.h"

#include "sys.h"
#include <fcntl.h>
#include <unistd.h>

enum { LOWEST = STDERR_FILENO + 1 };

/* Above fd: another thread may close that meanwhile, and its number would be free. */
int spare_dup(int fd)
{
	int copy = sys_fcntl(fd, F_DUPFD_CLOEXEC, fd < LOWEST ? LOWEST : fd + 1);
	return copy < 0 ? -1 : copy;
}

int spare_socket(int domain, int protocol)
{
	int fd = sys_socket(domain, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
	if (fd < 0)
		return -1;
	if (fd < LOWEST) {
		int low = fd;
		fd = spare_dup(low);
		sys_close(low);
	}
	return fd;
}

void spare_close(int fd)
{
	if (fd >= 0)
		sys_close(fd);
}
