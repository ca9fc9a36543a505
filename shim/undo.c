#include "reset.h"

#include "kernel.h"
#include "next.h"
#include "selfconn.h"
#include "sockopt.h"
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <string.h>

/* The bytes that headers take of a segment, without and with which the kernel counts an MSS. */
enum { IPV4_TCP_HEADERS = 40, IPV6_TCP_HEADERS = 60, TIMESTAMPS = 12 };

/* By number, as in options.c. */
static const struct {
	int level;
	int name;
} forgotten_options[FORGOTTEN_OPTIONS] = {
        {SOL_SOCKET, 42},  /* SO_PEEK_OFF */
        {IPPROTO_TCP, 45}, /* TCP_RTO_MIN_US */
        {IPPROTO_TCP, 46}, /* TCP_DELACK_MAX_US */
};

union address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

/* Returns the length, 0 for none. Asked twice, like a socket option. */
static socklen_t local_address(int fd, union address *a)
{
	socklen_t len = sizeof *a;
	memset(a, 0, sizeof *a);
	if (getsockname(fd, &a->any, &len) != 0 && getsockname(fd, &a->any, &len) != 0)
		return 0;
	return len;
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
	struct forgotten f = {0};
	union address a;
	struct tcp_info info = {0};
	socklen_t len = sizeof info;
	int before = errno;

	for (int i = 0; i < FORGOTTEN_OPTIONS; i++)
		f.known[i] = sockopt_get(fd, forgotten_options[i].level,
		                         forgotten_options[i].name, &f.options[i]);
	if (local_address(fd, &a) != 0 &&
	    sockopt_read(fd, IPPROTO_TCP, TCP_INFO, &info, &len)) {
		int headers = is_native_ipv6(&a) ? IPV6_TCP_HEADERS : IPV4_TCP_HEADERS;
		int adv = (int)info.tcpi_advmss, mtu = 0, buffer = 0, clamp = INT_MAX;
		bool stamped = (info.tcpi_options & TCPI_OPT_TIMESTAMPS) != 0;
		int mss = adv + (stamped ? TIMESTAMPS : 0);
		sockopt_get(fd, IPPROTO_IP, IP_MTU, &mtu);
		if (mss < mtu - headers)
			f.maxseg = mss;

		sockopt_get(fd, SOL_SOCKET, SO_RCVBUF, &buffer);
		int window = buffer / 2;
		if (window > 2 * adv)
			window = window - adv > 2 * adv ? window - adv : 2 * adv;
		sockopt_get(fd, IPPROTO_TCP, TCP_WINDOW_CLAMP, &clamp);
		if (clamp < window)
			f.window_clamp = clamp;
	}
	errno = before;
	return f;
}

void reset_restore(int fd, const struct forgotten *f)
{
	int before = errno;
	for (int i = 0; i < FORGOTTEN_OPTIONS; i++) {
		int level = forgotten_options[i].level, name = forgotten_options[i].name, now;
		if (f->known[i] && sockopt_get(fd, level, name, &now) && now != f->options[i])
			sockopt_set(fd, level, name, f->options[i]);
	}
	if (f->maxseg != 0)
		sockopt_set(fd, IPPROTO_TCP, TCP_MAXSEG, f->maxseg);
	if (f->window_clamp != 0)
		sockopt_set(fd, IPPROTO_TCP, TCP_WINDOW_CLAMP, f->window_clamp);
	errno = before;
}

/* Twice: once may be a passing failure. The error is ECONNRESET, from the reset itself. */
bool reset(int fd)
{
	const struct sockaddr none = {.sa_family = AF_UNSPEC};
	int before = errno, error;
	bool done = next_connect(fd, &none, sizeof none) == 0 ||
	            next_connect(fd, &none, sizeof none) == 0;
	/* MPTCP notes no error for it; one that is there is the program's. */
	if (done && protocol_of(fd) != IPPROTO_MPTCP)
		sockopt_get(fd, SOL_SOCKET, SO_ERROR, &error);
	errno = before;
	return done;
}

/*
 * The kernel doubles what SO_SNDBUF is set to, and locks it; SO_BUF_LOCK unlocks it again. That
 * this can be done is made sure of first: a lock that stays would be worse than the size.
 */
void reset_send_buffer(int fd, int fresh)
{
	int before = errno, locks = 0, size = 0;
	if (fresh > 0 && sockopt_get(fd, SOL_SOCKET, SO_BUF_LOCK, &locks) &&
	    (locks & SOCK_SNDBUF_LOCK) == 0 && sockopt_get(fd, SOL_SOCKET, SO_SNDBUF, &size) &&
	    size != fresh && sockopt_set(fd, SOL_SOCKET, SO_BUF_LOCK, locks)) {
		sockopt_set(fd, SOL_SOCKET, SO_SNDBUF, fresh / 2);
		sockopt_set(fd, SOL_SOCKET, SO_BUF_LOCK, locks);
	}
	errno = before;
}

bool own_port_is_harmless(int fd)
{
	int before = errno, no_port;
	bool harmless = sockopt_get(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &no_port) &&
	                sockopt_set(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, no_port);
	errno = before;
	return harmless;
}

/*
 * IP_BIND_ADDRESS_NO_PORT keeps a bind() that succeeds from choosing a port, and binding the
 * address that is there already changes nothing.
 */
enum own_port own_port(int fd, bool choose)
{
	union address a;
	int before = errno, no_port = 0;
	enum own_port port = PORT_UNKNOWN;
	socklen_t len = local_address(fd, &a);
	if (a.any.sa_family == AF_INET6)
		a.in6.sin6_port = 0;
	else
		a.in.sin_port = 0;

	bool changes = sockopt_get(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &no_port) &&
	               sockopt_set(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, !choose);
	for (int i = 0; i < 2 && len != 0 && port == PORT_UNKNOWN; i++) {
		if (bind(fd, &a.any, len) == 0)
			port = PORT_NONE;
		else if (errno == EINVAL)
			port = PORT_OWN;
	}
	if (changes)
		sockopt_set(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, no_port);
	errno = before;
	return port;
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
