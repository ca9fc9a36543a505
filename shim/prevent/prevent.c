/* SPDX-License-Identifier: MIT */
#include "prevent.h"

#include "address.h"
#include "base/kernel.h"
#include "base/sockopt.h"
#include "base/sys.h"
#include "config.h"
#include "ephemeral.h"
#include "port.h"
#include "readable.h"
#include <errno.h>
#include <stdatomic.h>

enum { MOST_TRIES = 3, LAST_PORT = 65535 };

/* IP_LOCAL_PORT_RANGE: the lower end in the lower half; 0 is no bound, or no range at all. */
static uint32_t packed(unsigned low, unsigned high)
{
	return low | (uint32_t)high << 16;
}

/* To an MPTCP socket that is connecting or connected the kernel says EINVAL, but sets it. */
static bool set_range(int fd, uint32_t range)
{
	return sys_setsockopt(fd, IPPROTO_IP, IP_LOCAL_PORT_RANGE, &range, sizeof range) == 0;
}

/* Linux 6.3, and 6.1 of some distributions. */
static bool read_range(struct prevention *p, int fd)
{
	socklen_t len = sizeof p->before;
	return sys_getsockopt(fd, IPPROTO_IP, IP_LOCAL_PORT_RANGE, &p->before, &len) == 0;
}

/* Does another thread connect the same socket at this moment? It will give back what it cut. */
static bool is_cut(uint32_t range, unsigned port)
{
	return range != 0 && ((range & LAST_PORT) == port + 1 || range >> 16 == port - 1);
}

/*
 * The kernel takes no notice of a bound that lies outside the namespace's range, so a part that
 * would be empty is not used. A range that lacks the port already is set once more: an MPTCP
 * socket may show one that it does not heed, after a connection that fell back to TCP.
 */
static bool cut_range(struct prevention *p, int fd, unsigned port, unsigned turn)
{
	struct port_range range = ephemeral_ports();
	unsigned low = p->before & LAST_PORT, high = p->before >> 16;
	if (low > range.low)
		range.low = low;
	if (high != 0 && high < range.high)
		range.high = high;
	bool lacks_it = port < range.low || port > range.high;
	if (range.low == range.high || is_cut(p->before, port) || (lacks_it && p->before == 0))
		return false;

	uint32_t below = lacks_it ? p->before : packed(low, port - 1);
	uint32_t above = lacks_it ? p->before : packed(port + 1, high);
	p->parts[0] = port != range.low ? below : above;
	p->parts[1] = port != range.high ? above : below;
	p->part = turn;
	p->by_range = set_range(fd, p->parts[turn]);
	if (!p->by_range)
		set_range(fd, p->before);
	return p->by_range;
}

bool prevent_by_range(struct prevention *p, int fd, in_port_t port, unsigned turn)
{
	return read_range(p, fd) && cut_range(p, fd, port_number(port), turn);
}

/*
 * Threads take turns by the golden ratio, so that each part is begun with as often as its size
 * deserves, and neither is used up long before the other.
 */
static unsigned next_turn(unsigned port, struct port_range range)
{
	static atomic_uint turn;
	unsigned random = atomic_fetch_add_explicit(&turn, 0x9e3779b9U, memory_order_relaxed);
	return (random >> 16) * (range.high - range.low + 1) >> 16 < port - range.low ? 0 : 1;
}

/* If the kernel does not tell, it may be one. */
static bool is_tcp(int fd)
{
	int protocol = sockopt_protocol(fd);
	return protocol == IPPROTO_TCP || protocol == IPPROTO_MPTCP || protocol == -1;
}

struct prevention prevent_begin(int fd, const struct sockaddr *addr, socklen_t len)
{
	struct prevention p = {0};
	struct port_range range;
	p.unread = len >= sizeof(struct sockaddr_in) && !is_readable(addr);
	if (len < sizeof(struct sockaddr_in) || p.unread || !address_is_internet(addr, len))
		return p;
	p.port = address_port(addr);
	unsigned number = port_number(p.port);
	range = ephemeral_ports();
	if (number < range.low || number > range.high)
		return p;
	p.needed = is_tcp(fd);
	p.not_tcp = !p.needed;
	if (p.not_tcp)
		return p;
	bool dropped = port_drop(fd, p.port);
	if (!read_range(&p, fd) ||
	    (!cut_range(&p, fd, number, next_turn(number, range)) && is_cut(p.before, number)))
		p.by_port = port_take(fd, p.port, dropped) && !dropped;
	return p;
}

bool prevent_otherwise(struct prevention *p, int fd, const struct sockaddr *addr, socklen_t len)
{
	struct endpoint dest;
	if (!p->by_range || ++p->tries >= MOST_TRIES)
		return false;
	if (p->tries > 1 && addr != NULL && address_endpoint(addr, len, &dest) &&
	    !endpoint_is_wildcard(&dest) && !endpoint_is_loopback(&dest))
		return set_range(fd, p->before);
	p->part = 1 - p->part;
	return (p->tries == 1 || config.retries > 1) && set_range(fd, p->parts[p->part]);
}

/* Did the call send a SYN, so that the port goes when the connection does? */
static bool has_begun(int outcome)
{
	return outcome == 0 || outcome == EINPROGRESS || outcome == EINTR ||
	       outcome == ECONNREFUSED || outcome == ETIMEDOUT || outcome == EALREADY ||
	       outcome == EISCONN;
}

/* A signal handler or a thread may have put another socket under the number. */
static bool is_other_by_now(const struct prevention *p, int fd)
{
	struct prevention now = {0};
	return read_range(&now, fd) && now.before != p->parts[0] && now.before != p->parts[1];
}

void prevent_end(const struct prevention *p, int fd, int outcome)
{
	if (p->by_range && !is_other_by_now(p, fd) && !set_range(fd, p->before))
		set_range(fd, p->before); /* once may be a passing failure */
	if (!p->needed || p->by_range || sockopt_tcp_state(fd) != STATE_CLOSE)
		return;
	if (has_begun(outcome))
		port_was_refused(p->port, p->by_port);
	else if (p->by_port)
		port_give_back(fd);
}
