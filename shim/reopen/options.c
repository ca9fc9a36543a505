#include "options.h"

#include "kernel.h"
#include "sockopt.h"
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* How an option gets from one socket to the other, where they differ. */
enum how {
	SET,          /* by setsockopt() with what getsockopt() gave */
	MUST_BE_ZERO, /* not at all: it comes with something that can't be read */
};

struct option {
	short level;
	short name;
	enum how how;
};

/*
 * Every option of a TCP socket that can be set before connect() and read, up to Linux 6.18. By
 * number, because no libc's headers name them all; a kernel that does not have one says so of
 * both sockets alike. One that can't be set, or not by this process, still differs after the
 * attempt, and that decides the matter. Not here:
 *  - SO_SNDBUF, SO_RCVBUF: below; the kernel doubles them, and may have chosen them itself
 *  - TCP_MAXSEG, TCP_WINDOW_CLAMP: a connect() or a reset forgets them, see reset.h
 *  - TCP_QUICKACK: "not permanent" (tcp(7)), a 0 is used up by any connection
 *  - SO_INCOMING_CPU, SO_INCOMING_NAPI_ID, SO_COOKIE, SO_MEMINFO, SO_ERROR, TCP_INFO,
 *    TCP_TIMESTAMP, IP_MTU, IPV6_MULTICAST_IF, IPV6_MULTICAST_HOPS (which can't be set on a TCP
 *    socket): what the kernel has seen or counted, not what was set
 *  - IPV6_MTU, IPV6_PKTINFO: can't be read before connect(), and mean nothing to TCP
 *  - filters, TCP MD5 and TCP-AO keys, IPV6_JOIN_ANYCAST, leased flow labels: see
 *    hides_nothing()
 *  - without a trace that can be read, and lost: IP_XFRM_POLICY and IPV6_XFRM_POLICY, which
 *    need CAP_NET_ADMIN
 */
static const struct option table[] = {
        {SOL_SOCKET, 1, SET},           /* SO_DEBUG */
        {SOL_SOCKET, 2, SET},           /* SO_REUSEADDR */
        {SOL_SOCKET, 15, MUST_BE_ZERO}, /* SO_REUSEPORT */
        {SOL_SOCKET, 3, SET},           /* SO_TYPE */
        {SOL_SOCKET, 38, SET},          /* SO_PROTOCOL */
        {SOL_SOCKET, 39, SET},          /* SO_DOMAIN */
        {SOL_SOCKET, 5, SET},           /* SO_DONTROUTE */
        {SOL_SOCKET, 6, SET},           /* SO_BROADCAST */
        {SOL_SOCKET, 9, SET},           /* SO_KEEPALIVE */
        {SOL_SOCKET, 10, SET},          /* SO_OOBINLINE */
        {SOL_SOCKET, 11, SET},          /* SO_NO_CHECK */
        {SOL_SOCKET, 13, SET},          /* SO_LINGER */
        {SOL_SOCKET, 16, SET},          /* SO_PASSCRED */
        {SOL_SOCKET, 18, SET},          /* SO_RCVLOWAT */
        {SOL_SOCKET, 20, SET},          /* SO_RCVTIMEO */
        {SOL_SOCKET, 21, SET},          /* SO_SNDTIMEO */
        {SOL_SOCKET, 66, SET},          /* SO_RCVTIMEO_NEW: 20 has 32 bits on some machines */
        {SOL_SOCKET, 67, SET},          /* SO_SNDTIMEO_NEW */
        {SOL_SOCKET, 29, SET},          /* SO_TIMESTAMP */
        {SOL_SOCKET, 35, SET},          /* SO_TIMESTAMPNS */
        {SOL_SOCKET, 37, SET},          /* SO_TIMESTAMPING */
        {SOL_SOCKET, 63, SET},          /* SO_TIMESTAMP_NEW */
        {SOL_SOCKET, 64, SET},          /* SO_TIMESTAMPNS_NEW */
        {SOL_SOCKET, 65, SET},          /* SO_TIMESTAMPING_NEW */
        {SOL_SOCKET, 34, SET},          /* SO_PASSSEC */
        {SOL_SOCKET, 36, SET},          /* SO_MARK */
        {SOL_SOCKET, 40, SET},          /* SO_RXQ_OVFL */
        {SOL_SOCKET, 41, SET},          /* SO_WIFI_STATUS */
        {SOL_SOCKET, 42, SET},          /* SO_PEEK_OFF */
        {SOL_SOCKET, 43, SET},          /* SO_NOFCS */
        {SOL_SOCKET, 44, MUST_BE_ZERO}, /* SO_LOCK_FILTER */
        {SOL_SOCKET, 45, SET},          /* SO_SELECT_ERR_QUEUE */
        {SOL_SOCKET, 46, MUST_BE_ZERO}, /* SO_BUSY_POLL: SO_BUSY_POLL_BUDGET can not be read */
        {SOL_SOCKET, 47, SET},          /* SO_MAX_PACING_RATE */
        {SOL_SOCKET, 60, SET},          /* SO_ZEROCOPY */
        {SOL_SOCKET, 61, SET},          /* SO_TXTIME */
        {SOL_SOCKET, 62, SET},          /* SO_BINDTOIFINDEX */
        {SOL_SOCKET, 69, MUST_BE_ZERO}, /* SO_PREFER_BUSY_POLL: likewise */
        {SOL_SOCKET, 73, SET},          /* SO_RESERVE_MEM */
        {SOL_SOCKET, 74, SET},          /* SO_TXREHASH */
        {SOL_SOCKET, 75, SET},          /* SO_RCVMARK */
        {SOL_SOCKET, 76, SET},          /* SO_PASSPIDFD */
        {SOL_SOCKET, 82, SET},          /* SO_RCVPRIORITY */
        {SOL_SOCKET, 83, SET},          /* SO_PASSRIGHTS */
        {SOL_SOCKET, 84, SET},          /* SO_INQ */
        {IPPROTO_IP, 1, SET},           /* IP_TOS */
        {IPPROTO_IP, 2, SET},           /* IP_TTL */
        {IPPROTO_IP, 4, SET},           /* IP_OPTIONS */
        {IPPROTO_IP, 6, SET},           /* IP_RECVOPTS */
        {IPPROTO_IP, 7, SET},           /* IP_RETOPTS */
        {IPPROTO_IP, 8, SET},           /* IP_PKTINFO */
        {IPPROTO_IP, 10, SET},          /* IP_MTU_DISCOVER */
        {IPPROTO_IP, 11, SET},          /* IP_RECVERR */
        {IPPROTO_IP, 12, SET},          /* IP_RECVTTL */
        {IPPROTO_IP, 13, SET},          /* IP_RECVTOS */
        {IPPROTO_IP, 15, SET},          /* IP_FREEBIND */
        {IPPROTO_IP, 18, SET},          /* IP_PASSSEC */
        {IPPROTO_IP, 19, SET},          /* IP_TRANSPARENT */
        {IPPROTO_IP, 20, SET},          /* IP_ORIGDSTADDR */
        {IPPROTO_IP, 21, SET},          /* IP_MINTTL */
        {IPPROTO_IP, 22, SET},          /* IP_NODEFRAG */
        {IPPROTO_IP, 23, SET},          /* IP_CHECKSUM */
        {IPPROTO_IP, 24, SET},          /* IP_BIND_ADDRESS_NO_PORT */
        {IPPROTO_IP, 25, SET},          /* IP_RECVFRAGSIZE */
        {IPPROTO_IP, 26, SET},          /* IP_RECVERR_RFC4884 */
        {IPPROTO_IP, 32, SET},          /* IP_MULTICAST_IF */
        {IPPROTO_IP, 33, SET},          /* IP_MULTICAST_TTL */
        {IPPROTO_IP, 34, SET},          /* IP_MULTICAST_LOOP */
        {IPPROTO_IP, 49, SET},          /* IP_MULTICAST_ALL */
        {IPPROTO_IP, 50, SET},          /* IP_UNICAST_IF */
        {IPPROTO_IP, 51, SET},          /* IP_LOCAL_PORT_RANGE */
        {IPPROTO_IPV6, 2, SET},         /* IPV6_2292PKTINFO */
        {IPPROTO_IPV6, 3, SET},         /* IPV6_2292HOPOPTS */
        {IPPROTO_IPV6, 4, SET},         /* IPV6_2292DSTOPTS */
        {IPPROTO_IPV6, 5, SET},         /* IPV6_2292RTHDR */
        {IPPROTO_IPV6, 8, SET},         /* IPV6_2292HOPLIMIT */
        {IPPROTO_IPV6, 11, SET},        /* IPV6_FLOWINFO */
        {IPPROTO_IPV6, 16, SET},        /* IPV6_UNICAST_HOPS */
        {IPPROTO_IPV6, 19, SET},        /* IPV6_MULTICAST_LOOP */
        {IPPROTO_IPV6, 23, SET},        /* IPV6_MTU_DISCOVER */
        {IPPROTO_IPV6, 25, SET},        /* IPV6_RECVERR */
        {IPPROTO_IPV6, 26, SET},        /* IPV6_V6ONLY */
        {IPPROTO_IPV6, 29, SET},        /* IPV6_MULTICAST_ALL */
        {IPPROTO_IPV6, 30, SET},        /* IPV6_ROUTER_ALERT_ISOLATE */
        {IPPROTO_IPV6, 31, SET},        /* IPV6_RECVERR_RFC4884 */
        {IPPROTO_IPV6, 33, MUST_BE_ZERO}, /* IPV6_FLOWINFO_SEND */
        {IPPROTO_IPV6, 49, SET},          /* IPV6_RECVPKTINFO */
        {IPPROTO_IPV6, 51, SET},          /* IPV6_RECVHOPLIMIT */
        {IPPROTO_IPV6, 53, SET},          /* IPV6_RECVHOPOPTS */
        {IPPROTO_IPV6, 54, SET},          /* IPV6_HOPOPTS */
        {IPPROTO_IPV6, 55, SET},          /* IPV6_RTHDRDSTOPTS */
        {IPPROTO_IPV6, 56, SET},          /* IPV6_RECVRTHDR */
        {IPPROTO_IPV6, 57, SET},          /* IPV6_RTHDR */
        {IPPROTO_IPV6, 58, SET},          /* IPV6_RECVDSTOPTS */
        {IPPROTO_IPV6, 59, SET},          /* IPV6_DSTOPTS */
        {IPPROTO_IPV6, 60, SET},          /* IPV6_RECVPATHMTU */
        {IPPROTO_IPV6, 62, SET},          /* IPV6_DONTFRAG */
        {IPPROTO_IPV6, 63, SET},          /* IPV6_USE_MIN_MTU */
        {IPPROTO_IPV6, 66, SET},          /* IPV6_RECVTCLASS */
        {IPPROTO_IPV6, 67, SET},          /* IPV6_TCLASS */
        {IPPROTO_IPV6, 70, SET},          /* IPV6_AUTOFLOWLABEL */
        {IPPROTO_IPV6, 72, SET},          /* IPV6_ADDR_PREFERENCES */
        {IPPROTO_IPV6, 73, SET},          /* IPV6_MINHOPCOUNT */
        {IPPROTO_IPV6, 74, SET},          /* IPV6_ORIGDSTADDR */
        {IPPROTO_IPV6, 75, SET},          /* IPV6_TRANSPARENT */
        {IPPROTO_IPV6, 76, SET},          /* IPV6_UNICAST_IF */
        {IPPROTO_IPV6, 77, SET},          /* IPV6_RECVFRAGSIZE */
        {IPPROTO_IPV6, 78, SET},          /* IPV6_FREEBIND */
        {SOL_SOCKET, 12, SET},            /* SO_PRIORITY: after IP_TOS, which sets it */
        {IPPROTO_TCP, 1, SET},            /* TCP_NODELAY */
        {IPPROTO_TCP, 3, SET},            /* TCP_CORK */
        {IPPROTO_TCP, 4, SET},            /* TCP_KEEPIDLE */
        {IPPROTO_TCP, 5, SET},            /* TCP_KEEPINTVL */
        {IPPROTO_TCP, 6, SET},            /* TCP_KEEPCNT */
        {IPPROTO_TCP, 7, SET},            /* TCP_SYNCNT */
        {IPPROTO_TCP, 8, SET},            /* TCP_LINGER2 */
        {IPPROTO_TCP, 9, SET},            /* TCP_DEFER_ACCEPT */
        {IPPROTO_TCP, 13, SET},           /* TCP_CONGESTION */
        {IPPROTO_TCP, 16, SET},           /* TCP_THIN_LINEAR_TIMEOUTS */
        {IPPROTO_TCP, 17, SET},           /* TCP_THIN_DUPACK */
        {IPPROTO_TCP, 18, SET},           /* TCP_USER_TIMEOUT */
        {IPPROTO_TCP, 19, MUST_BE_ZERO},  /* TCP_REPAIR */
        {IPPROTO_TCP, 23, SET},           /* TCP_FASTOPEN */
        {IPPROTO_TCP, 25, SET},           /* TCP_NOTSENT_LOWAT */
        {IPPROTO_TCP, 27, SET},           /* TCP_SAVE_SYN */
        {IPPROTO_TCP, 30, SET},           /* TCP_FASTOPEN_CONNECT */
        {IPPROTO_TCP, 33, SET},           /* TCP_FASTOPEN_KEY */
        {IPPROTO_TCP, 34, SET},           /* TCP_FASTOPEN_NO_COOKIE */
        {IPPROTO_TCP, 36, SET},           /* TCP_INQ */
        {IPPROTO_TCP, 37, SET},           /* TCP_TX_DELAY */
        {IPPROTO_TCP, 44, SET},           /* TCP_RTO_MAX_MS */
        {IPPROTO_TCP, 45, SET},           /* TCP_RTO_MIN_US */
        {IPPROTO_TCP, 46, SET},           /* TCP_DELACK_MAX_US */
};

struct value {
	int error;
	socklen_t len;
	char bytes[64];
};

static void read_option(int fd, const struct option *o, struct value *v)
{
	memset(v, 0, sizeof *v);
	v->len = sizeof v->bytes;
	if (!sockopt_read(fd, o->level, o->name, v->bytes, &v->len)) {
		v->error = errno;
		v->len = 0;
	}
}

static bool is_zero(const struct value *v)
{
	static const char zero[sizeof v->bytes];
	return v->error != 0 || memcmp(v->bytes, zero, sizeof zero) == 0;
}

static bool equal(const struct value *a, const struct value *b)
{
	return a->error == b->error && a->len == b->len && a->len < sizeof a->bytes &&
	       memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

/* Returns how many options differed; those that can be set then no longer do. */
static int carry_table(int from, int to)
{
	int differing = 0;
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		const struct option *o = &table[i];
		struct value a, b;
		read_option(from, o, &a);
		read_option(to, o, &b);
		if (equal(&a, &b) && (o->how == SET || is_zero(&a)))
			continue;
		differing++;
		if (o->how == SET && a.error == 0)
			setsockopt(to, o->level, o->name, a.bytes, a.len);
	}
	return differing;
}

/* Setting a size locks it against the kernel's tuning, so the locks are carried over last. */
static bool carry_buffers(int from, int to)
{
	static const int names[] = {SO_SNDBUF, SO_RCVBUF};
	int locks = 0, other_locks = 0, a = 0, b = 0;
	for (int i = 0; i < 2; i++) {
		if (!sockopt_get(from, SOL_SOCKET, names[i], &a) ||
		    !sockopt_get(to, SOL_SOCKET, names[i], &b))
			return false;
		if (a == b)
			continue;
		sockopt_set(to, SOL_SOCKET, names[i], a / 2);
		if (!sockopt_get(to, SOL_SOCKET, names[i], &b) || a != b)
			return false;
	}
	if (!sockopt_get(from, SOL_SOCKET, SO_BUF_LOCK, &locks) ||
	    !sockopt_get(to, SOL_SOCKET, SO_BUF_LOCK, &other_locks))
		return false;
	return locks == other_locks || sockopt_set(to, SOL_SOCKET, SO_BUF_LOCK, locks);
}

/*
 * The bytes that options take of net.core.optmem_max: keys for TCP MD5 signatures and TCP-AO,
 * anycast groups, filters, headers.
 */
static bool same_option_memory(int a, int b)
{
	uint32_t x[MEMINFO_VARS], y[MEMINFO_VARS];
	socklen_t x_len = sizeof x, y_len = sizeof y;
	return sockopt_read(a, SOL_SOCKET, SO_MEMINFO, x, &x_len) &&
	       sockopt_read(b, SOL_SOCKET, SO_MEMINFO, y, &y_len) &&
	       x[MEMINFO_OPTMEM] == y[MEMINFO_OPTMEM];
}

/*
 * Has anybody in the network namespace leased a flow label? A socket tells only of the one that
 * it uses. Each has a line with its label, share, owner and users, none if it is only kept for
 * a while. Without IPv6 there is no such file.
 */
static bool flow_labels_are_leased(void)
{
	char text[1024];
	int fd = open("/proc/net/ip6_flowlabel", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno != ENOENT;
	ssize_t n = read(fd, text, sizeof text - 1);
	close(fd);
	if (n <= 0 || n == sizeof text - 1)
		return true;

	char *line = text;
	text[n] = '\0';
	while ((line = strchr(line, '\n')) != NULL && line[1] != '\0') {
		unsigned long users = 0;
		for (int field = 0; field < 4; field++)
			users = strtoul(line, &line, field == 0 ? 16 : 10);
		if (users != 0)
			return true;
	}
	return false;
}

/* Is there nothing that the program may have set on a, and can't be read, but does show? */
static bool hides_nothing(int a, int b)
{
	int domain;
	return same_option_memory(a, b) && sockopt_get(a, SOL_SOCKET, SO_DOMAIN, &domain) &&
	       (domain == AF_INET || !flow_labels_are_leased());
}

/* A program may have changed its network namespace since it opened the socket. */
static bool same_namespace(int a, int b)
{
	uint64_t x = 0, y = 0;
	socklen_t len = sizeof x;
	return sockopt_read(a, SOL_SOCKET, SO_NETNS_COOKIE, &x, &len) &&
	       sockopt_read(b, SOL_SOCKET, SO_NETNS_COOKIE, &y, &len) && x == y;
}

bool options_carry(int from, int to)
{
	/* alpha, mips, parisc and sparc have numbers of their own. */
	if (SO_PROTOCOL != 38)
		return false;

	int before = errno;
	/* A second look, because setting one option may change another. */
	bool carried = same_namespace(from, to) &&
	               (carry_table(from, to) == 0 || carry_table(from, to) == 0) &&
	               carry_buffers(from, to) && hides_nothing(from, to);
	errno = before;
	return carried;
}
