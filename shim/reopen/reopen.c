#include "reopen.h"

#include "holders.h"
#include "options.h"
#include "reset.h"
#include "sockopt.h"
#include "spare.h"
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* The kernel notes who opened a socket, and netfilter's owner match goes by it. */
static bool same_owner(int a, int b)
{
	struct stat x, y;
	return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_uid == y.st_uid;
}

bool reopen_is_other_socket(int a, int b)
{
	struct stat x, y;
	if (fstat(a, &x) != 0)
		return errno == EBADF;
	return fstat(b, &y) == 0 && (x.st_dev != y.st_dev || x.st_ino != y.st_ino);
}

int reopen_alike(int fd, int own)
{
	int domain, before = errno, new = -1;
	if (sockopt_get(own, SOL_SOCKET, SO_DOMAIN, &domain) && !owns_address(own) &&
	    held_only_here(fd, own))
		new = spare_socket(domain, IPPROTO_TCP);
	if (new >= 0 && !(same_owner(own, new) && options_carry(own, new))) {
		spare_close(new);
		new = -1;
	}
	errno = before;
	return new;
}

bool reopen_place(int replacement, int fd, int own, int status_flags)
{
	int before = errno, fdflags = fcntl(fd, F_GETFD);
	bool placed = fdflags >= 0 && fcntl(replacement, F_SETFL, status_flags) == 0 &&
	              !reopen_is_other_socket(fd, own) &&
	              dup3(replacement, fd, (fdflags & FD_CLOEXEC) != 0 ? O_CLOEXEC : 0) == fd;
	errno = before;
	return placed;
}
