#include "spare.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LOWEST = STDERR_FILENO + 1 };

int spare_dup(int fd)
{
	int before = errno;
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, LOWEST);
	errno = before;
	return copy;
}

int spare_socket(int domain, int protocol)
{
	int before = errno;
	int fd = socket(domain, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
	if (fd >= 0 && fd < LOWEST) {
		int low = fd;
		fd = spare_dup(low);
		spare_close(low);
	}
	errno = before;
	return fd;
}

void spare_close(int fd)
{
	int before = errno;
	if (fd >= 0)
		close(fd);
	errno = before;
}
