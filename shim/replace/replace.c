/* SPDX-License-Identifier: MIT */
#include "replace.h"

#include "base/kernel.h"
#include "base/sockopt.h"
#include "base/spare.h"
#include "base/sys.h"
#include "options.h"
#include <fcntl.h>

int replacement(int own, sa_family_t family)
{
	int protocol = sockopt_protocol(own);
	int new = spare_socket(family, protocol < 0 ? IPPROTO_TCP : protocol);
	if (new >= 0)
		options_carry(own, new, family);
	return new;
}

bool replace(int new, int fd, int status_flags)
{
	int fdflags = sys_fcntl(fd, F_GETFD, 0);
	return fdflags >= 0 && sys_fcntl(new, F_SETFL, status_flags) == 0 &&
	       sys_dup3(new, fd, (fdflags & FD_CLOEXEC) != 0 ? O_CLOEXEC : 0) == fd;
}
