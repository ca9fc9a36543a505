#include "reset.h"

#include "kernel.h"
#include "next.h"
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>

/* The bytes that headers take of a segment, without and with which the kernel counts an MSS. */
enum { IPV4_TCP_HEADERS = 40, IPV6_TCP_HEADERS = 60, TIMESTAMPS = 12 };

static int get(int fd, int level, int name)
{
	int value = 0;
	socklen_t len = sizeof value;
	return getsockopt(fd, level, name, &value, &len) == 0 ? value : 0;
}

static bool set(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof value) == 0;
}

union address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

/* Returns the length, 0 for none. */
static socklen_t local_address(int fd, union address *a)
{
	socklen_t len = sizeof *a;
	memset(a, 0, sizeof *a);
	return getsockname(fd, &a->any, &len) == 0 ? len : 0;
}

static bool is_native_ipv6(const union address *a)
{
	return a->any.sa_family == AF_INET6 && !IN6_IS_ADDR_V4MAPPED(&a->in6.sin6_addr);
}

/*
 * Of a connected socket, TCP_MAXSEG is the current segment size, but tcpi_advmss goes by what
 * was set (less the timestamps), or else by the route's MTU. TCP_WINDOW_CLAMP always has a
 * value: what was set, or else, with the kernel's default scaling, half the receive buffer less
 * a segment, if two fit (tcp_init_buffer_space()). One that was set above that has been
 * forgotten already.
 */
struct forgotten reset_remember(int fd)
{
	struct forgotten f = {.may_be_signed = true};
	union address a;
	struct tcp_info info = {0};
	socklen_t len = sizeof info;
	int before = errno;

	if (local_address(fd, &a) != 0 &&
	    getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0) {
		int headers = is_native_ipv6(&a) ? IPV6_TCP_HEADERS : IPV4_TCP_HEADERS;
		int adv = (int)info.tcpi_advmss;
		f.may_be_signed = (info.tcpi_options & TCPI_OPT_TIMESTAMPS) == 0;
		int mss = adv + (f.may_be_signed ? 0 : TIMESTAMPS);
		if (mss < get(fd, IPPROTO_IP, IP_MTU) - headers)
			f.maxseg = mss;

		int window = get(fd, SOL_SOCKET, SO_RCVBUF) / 2;
		if (window > 2 * adv)
			window = window - adv > 2 * adv ? window - adv : 2 * adv;
		int clamp = get(fd, IPPROTO_TCP, TCP_WINDOW_CLAMP);
		if (clamp < window)
			f.window_clamp = clamp;
	}
	errno = before;
	return f;
}

void reset_restore(int fd, const struct forgotten *f)
{
	int before = errno;
	if (f->maxseg != 0)
		set(fd, IPPROTO_TCP, TCP_MAXSEG, f->maxseg);
	if (f->window_clamp != 0)
		set(fd, IPPROTO_TCP, TCP_WINDOW_CLAMP, f->window_clamp);
	errno = before;
}

/* Twice: once may be a passing failure. The error is ECONNRESET, from the reset itself. */
bool reset(int fd)
{
	const struct sockaddr none = {.sa_family = AF_UNSPEC};
	int before = errno;
	bool done = next_connect(fd, &none, sizeof none) == 0 ||
	            next_connect(fd, &none, sizeof none) == 0;
	if (done)
		get(fd, SOL_SOCKET, SO_ERROR);
	errno = before;
	return done;
}

/*
 * The kernel doubles what SO_SNDBUF is set to, and locks it; SO_BUF_LOCK unlocks it again. That
 * this can be done is made sure of first: a lock that stays would be worse than the size.
 */
void reset_send_buffer(int fd, int fresh)
{
	int before = errno, locks = 0;
	socklen_t len = sizeof locks;
	if (fresh > 0 && getsockopt(fd, SOL_SOCKET, SO_BUF_LOCK, &locks, &len) == 0 &&
	    !(locks & SOCK_SNDBUF_LOCK) && get(fd, SOL_SOCKET, SO_SNDBUF) != fresh &&
	    set(fd, SOL_SOCKET, SO_BUF_LOCK, locks)) {
		set(fd, SOL_SOCKET, SO_SNDBUF, fresh / 2);
		set(fd, SOL_SOCKET, SO_BUF_LOCK, locks);
	}
	errno = before;
}

/*
 * IP_BIND_ADDRESS_NO_PORT keeps a bind() that succeeds from choosing a port, and binding the
 * address that is there already changes nothing.
 */
bool owns_port(int fd)
{
	union address a;
	int before = errno;
	bool owned = false;
	socklen_t len = local_address(fd, &a);
	if (len != 0) {
		if (a.any.sa_family == AF_INET6)
			a.in6.sin6_port = 0;
		else
			a.in.sin_port = 0;
		int no_port = get(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT);
		set(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
		owned = bind(fd, &a.any, len) != 0 && errno == EINVAL;
		set(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, no_port);
	}
	errno = before;
	return owned;
}

bool owns_address(int fd)
{
	union address a;
	int before = errno;
	socklen_t len = local_address(fd, &a);
	errno = before;
	if (len == 0)
		return true;
	if (a.any.sa_family == AF_INET6)
		return !IN6_IS_ADDR_UNSPECIFIED(&a.in6.sin6_addr);
	return a.in.sin_addr.s_addr != htonl(INADDR_ANY);
}
