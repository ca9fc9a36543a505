/* SPDX-License-Identifier: MIT */
#include "bound.h"

#include "address.h"
#include "base/sockopt.h"
#include "base/sys.h"
#include <errno.h>

/* A seccomp filter that answers EINVAL does so for no socket at all, too. */
static bool is_answer_of_kernel(const struct address *a)
{
	return sys_bind(-1, &a->any, a->len) == -EBADF;
}

/*
 * With IP_BIND_ADDRESS_NO_PORT, a bind() that succeeds chooses no port, and to bind the address
 * that the socket already has changes nothing. Asked twice, like a socket option.
 */
enum port_owner bound_port(int fd, bool choose)
{
	int no_port = 0;
	enum port_owner owner = PORT_OF_UNKNOWN;
	struct address a = local_address(fd);
	if (a.any.sa_family == AF_INET6)
		a.in6.sin6_port = 0;
	else
		a.in.sin_port = 0;

	bool changes = sockopt_get(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &no_port) &&
	               sockopt_set(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, !choose);
	for (int i = 0; i < 2 && a.len != 0 && owner == PORT_OF_UNKNOWN; i++) {
		int result = sys_bind(fd, &a.any, a.len);
		if (result == 0)
			owner = PORT_OF_KERNEL;
		else if (result == -EINVAL && is_answer_of_kernel(&a))
			owner = PORT_OF_PROGRAM;
	}
	if (changes)
		sockopt_set(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, no_port);
	return owner;
}
