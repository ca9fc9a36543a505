/* SPDX-License-Identifier: MIT */
#include "guard.h"

#include "base/kernel.h"
#include "base/sockopt.h"
#include "base/spare.h"
#include "base/sys.h"

/* In 100::/64, which is never routed (RFC 6666), and the last two of 127.0.0.0/8. */
static const struct in6_addr ipv6[] = {{.s6_addr = {1, [15] = 1}}, {.s6_addr = {1, [15] = 2}}};
static const struct in6_addr ipv4[] = {
        {.s6_addr = {[10] = 0xff, [11] = 0xff, [12] = 127, [13] = 255, [14] = 255, [15] = 254}},
        {.s6_addr = {
                 [10] = 0xff, [11] = 0xff, [12] = 127, [13] = 255, [14] = 255, [15] = 253}}};

/* Returns the one of two addresses at which the self-connection is not. */
static const struct in6_addr *address_beside(const struct endpoint *end,
                                             const struct in6_addr two[2])
{
	return memcmp(&end->addr, &two[0], sizeof two[0]) == 0 ? &two[1] : &two[0];
}

/*
 * SO_REUSEADDR, because several repairs may guard one port. IP_FREEBIND, because nobody has the
 * address; it works for a socket of IPv6, too (IPV6_FREEBIND came with Linux 4.15).
 */
static int bound(const struct address *at, int device)
{
	int on = 1, fd = spare_socket(at->any.sa_family, IPPROTO_TCP);
	if (fd < 0)
		return -1;
	sys_setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	sys_setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &on, sizeof on);
	if (at->any.sa_family == AF_INET6)
		sys_setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
	if (device != 0)
		sys_setsockopt(fd, SOL_SOCKET, SO_BINDTOIFINDEX, &device, sizeof device);
	if (sys_bind(fd, &at->any, at->len) != 0) {
		spare_close(fd);
		return -1;
	}
	return fd;
}

int guard_port(int fd, const struct endpoint *end)
{
	struct address six = {.in6 = {.sin6_family = AF_INET6,
	                              .sin6_port = end->port,
	                              .sin6_addr = *address_beside(end, ipv6)},
	                      .len = sizeof(struct sockaddr_in6)};
	struct address four = {.in = {.sin_family = AF_INET, .sin_port = end->port},
	                       .len = sizeof(struct sockaddr_in)};
	int device = 0;
	memcpy(&four.in.sin_addr, address_beside(end, ipv4)->s6_addr + 12, 4);
	sockopt_get(fd, SOL_SOCKET, SO_BINDTOIFINDEX, &device);
	int guard = bound(&six, device);
	return guard >= 0 ? guard : bound(&four, device);
}
