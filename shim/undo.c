/* SPDX-License-Identifier: MIT */
#include "undo.h"

#include "address.h"
#include "base/kernel.h"
#include "base/sockopt.h"
#include "next.h"
#include <limits.h>

/* The bytes that headers take of a segment, without and with which the kernel counts an MSS. */
enum { IPV4_TCP_HEADERS = 40, IPV6_TCP_HEADERS = 60, TIMESTAMPS = 12 };

static const struct {
	int level;
	int name;
} forgotten_options[FORGOTTEN_OPTIONS] = {
        {SOL_SOCKET, SO_PEEK_OFF},
        {IPPROTO_TCP, TCP_RTO_MIN_US},
        {IPPROTO_TCP, TCP_DELACK_MAX_US},
};

/*
 * Of a connected socket, TCP_MAXSEG is the current segment size, but tcpi_advmss goes by what
 * was set (less the timestamps), or else by the route's MTU. Of any other, it is what was set,
 * or else the last connection's segment size.
 */
static int maxseg(int fd, const struct tcp_info *info)
{
	struct address local = local_address(fd);
	struct endpoint end;
	bool ipv6 = address_endpoint(&local, local.len, &end) && !endpoint_is_ipv4(&end);
	bool stamped = (info->tcpi_options & TCPI_OPT_TIMESTAMPS) != 0;
	int mss = (int)info->tcpi_advmss + (stamped ? TIMESTAMPS : 0), mtu = 0;
	if (info->tcpi_state == STATE_CLOSE) {
		bool known = sockopt_get(fd, IPPROTO_TCP, TCP_MAXSEG, &mss);
		return known && mss != (int)info->tcpi_snd_mss ? mss : 0;
	}
	sockopt_get(fd, IPPROTO_IP, IP_MTU, &mtu);
	return mss < mtu - (ipv6 ? IPV6_TCP_HEADERS : IPV4_TCP_HEADERS) ? mss : 0;
}

/*
 * TCP_WINDOW_CLAMP always has a value: what was set, or else, with the kernel's default
 * scaling, half the receive buffer less a segment, if two fit (tcp_init_buffer_space()). The
 * kernel has already forgotten a value above that.
 */
static int window_clamp(int fd, const struct tcp_info *info)
{
	int segment = (int)info->tcpi_advmss, buffer = 0, clamp = INT_MAX;
	sockopt_get(fd, SOL_SOCKET, SO_RCVBUF, &buffer);
	int window = buffer / 2;
	if (window > 2 * segment)
		window = window - segment > 2 * segment ? window - segment : 2 * segment;
	sockopt_get(fd, IPPROTO_TCP, TCP_WINDOW_CLAMP, &clamp);
	return clamp < window ? clamp : 0;
}

struct forgotten undo_remember(int fd)
{
	struct forgotten f = {0};
	struct tcp_info info = {0};
	socklen_t len = sizeof info;
	for (int i = 0; i < FORGOTTEN_OPTIONS; i++)
		f.known[i] = sockopt_get(fd, forgotten_options[i].level,
		                         forgotten_options[i].name, &f.options[i]);
	if (sockopt_read(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0) {
		f.maxseg = maxseg(fd, &info);
		f.window_clamp = window_clamp(fd, &info);
	}
	return f;
}

void undo_restore(int fd, const struct forgotten *f)
{
	for (int i = 0; i < FORGOTTEN_OPTIONS; i++) {
		int level = forgotten_options[i].level, name = forgotten_options[i].name, now;
		if (f->known[i] && sockopt_get(fd, level, name, &now) && now != f->options[i])
			sockopt_set(fd, level, name, f->options[i]);
	}
	if (f->maxseg != 0)
		sockopt_set(fd, IPPROTO_TCP, TCP_MAXSEG, f->maxseg);
	if (f->window_clamp != 0)
		sockopt_set(fd, IPPROTO_TCP, TCP_WINDOW_CLAMP, f->window_clamp);
}

/* Twice: once may be a passing failure. The error is ECONNRESET, from the reset itself. */
bool undo(int fd)
{
	const struct sockaddr none = {.sa_family = AF_UNSPEC};
	int error;
	if (next_connect(fd, &none, sizeof none) != 0 &&
	    next_connect(fd, &none, sizeof none) != 0)
		return false;
	/* MPTCP notes no error for it; one that is there is the program's. */
	if (sockopt_protocol(fd) != IPPROTO_MPTCP)
		sockopt_get(fd, SOL_SOCKET, SO_ERROR, &error);
	return true;
}

/*
 * The kernel doubles what SO_SNDBUF is set to, and locks it; SO_BUF_LOCK unlocks it again.
 * First this makes sure that it can: a lock that stays would be worse than the size.
 */
void undo_send_buffer(int fd, int fresh)
{
	int locks = 0, size = 0;
	if (fresh <= 0 || !sockopt_get(fd, SOL_SOCKET, SO_BUF_LOCK, &locks) ||
	    (locks & SOCK_SNDBUF_LOCK) != 0 || !sockopt_get(fd, SOL_SOCKET, SO_SNDBUF, &size) ||
	    size == fresh || !sockopt_set(fd, SOL_SOCKET, SO_BUF_LOCK, locks))
		return;
	sockopt_set(fd, SOL_SOCKET, SO_SNDBUF, fresh / 2);
	sockopt_set(fd, SOL_SOCKET, SO_BUF_LOCK, locks);
}
