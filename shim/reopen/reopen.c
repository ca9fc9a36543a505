/* SPDX-License-Identifier: MIT */
#include "reopen.h"

#include "base/kernel.h"
#include "base/sandbox.h"
#include "base/sockopt.h"
#include "base/spare.h"
#include "base/sys.h"
#include "bound.h"
#include "holders.h"
#include "options.h"
#include "report/text.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/stat.h>

static bool look_at(int fd, struct statx *st)
{
	return sys_statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, st) == 0;
}

/*
 * fstat() and netfilter's owner match show who opened a socket; fchmod() and fchown() work on
 * one. (A socket's times don't count: in a new one the kernel leaves those of an older socket.)
 */
static bool is_same_owner(int a, int b)
{
	struct statx x, y;
	return look_at(a, &x) && look_at(b, &y) && x.stx_uid == y.stx_uid &&
	       x.stx_gid == y.stx_gid && x.stx_mode == y.stx_mode;
}

/* Is it certain that a is closed, or another socket than b? */
static bool is_other_socket(int a, int b)
{
	struct statx x, y;
	if (!look_at(a, &x))
		return sys_fcntl(a, F_GETFD, 0) < 0;
	return look_at(b, &y) && (x.stx_dev_major != y.stx_dev_major ||
	                          x.stx_dev_minor != y.stx_dev_minor || x.stx_ino != y.stx_ino);
}

/*
 * An SMC socket that has fallen back to TCP answers every question like a TCP socket, save for
 * the name of its protocol, which is that of the socket that the program opened.
 */
static bool is_of_tcp(int fd)
{
	char name[8] = "";
	long n = sys(SYS_fgetxattr, fd, (long)"system.sockprotoname", (long)name,
	             sizeof name - 1, 0, 0);
	return n > 0 ? text_equal(name, "TCP") || text_equal(name, "TCPv6") : n == -EOPNOTSUPP;
}

/* A program may have changed its network namespace since it opened the socket. */
static bool is_same_namespace(int a, int b)
{
	uint64_t x = 0, y = 0;
	socklen_t len = sizeof x;
	return sockopt_read(a, SOL_SOCKET, SO_NETNS_COOKIE, &x, &len) == 0 &&
	       sockopt_read(b, SOL_SOCKET, SO_NETNS_COOKIE, &y, &len) == 0 && x == y;
}

/* The cheapest questions come first. */
int reopen_alike(int fd, int own, int status_flags)
{
	int domain;
	if (status_flags < 0 || is_sandboxed() || sockopt_protocol(own) != IPPROTO_TCP ||
	    !is_of_tcp(own) || !sockopt_get(own, SOL_SOCKET, SO_DOMAIN, &domain) ||
	    bound_address(own) || !bound_port_is_harmless(own) || !held_only_here(fd, own))
		return -1;
	int new = spare_socket(domain, IPPROTO_TCP);
	if (new < 0 ||
	    (is_same_owner(own, new) && is_same_namespace(own, new) &&
	     options_carry(own, new, domain) && bound_port(own, false) == PORT_OF_KERNEL))
		return new;
	spare_close(new);
	return -1;
}

bool reopen_place(int new, int fd, int own, int status_flags)
{
	int fdflags = sys_fcntl(fd, F_GETFD, 0);
	return fdflags >= 0 && sys_fcntl(new, F_SETFL, status_flags) == 0 &&
	       !is_other_socket(fd, own) &&
	       sys_dup3(new, fd, (fdflags & FD_CLOEXEC) != 0 ? O_CLOEXEC : 0) == fd;
}

int reopen_unconnected(int own, sa_family_t family)
{
	int protocol = sockopt_protocol(own);
	int new = spare_socket(family, protocol < 0 ? IPPROTO_TCP : protocol);
	if (new >= 0)
		options_carry(own, new, family);
	return new;
}
