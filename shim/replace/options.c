/* SPDX-License-Identifier: MIT */
#include "options.h"

#include "base/kernel.h"
#include "base/sockopt.h"
#include "base/sys.h"
#include <string.h>

struct option {
	unsigned short level; /* SOL_SOCKET is 65535 on some machines */
	short name;
};

/*
 * Every option of a TCP socket that can be set before connect() and read, up to Linux 7.3. By
 * number, because no libc's headers name them all. Not here:
 *  - SO_SNDBUF, SO_RCVBUF: below; the kernel doubles them, and may have chosen them itself
 *  - TCP_MAXSEG, TCP_WINDOW_CLAMP: a connect() or an undo forgets them, see undo.h
 *  - TCP_QUICKACK: "not permanent" (tcp(7)), a 0 is used up by any connection
 *  - SO_INCOMING_CPU, SO_INCOMING_NAPI_ID, SO_COOKIE, SO_MEMINFO, SO_ERROR, TCP_INFO,
 *    TCP_TIMESTAMP, IP_MTU, IPV6_MULTICAST_IF, IPV6_MULTICAST_HOPS (which can't be set on a TCP
 *    socket): what the kernel has seen or counted, not what was set
 *  - what can't be read: filters, keys, policies, leased flow labels, SO_BUSY_POLL_BUDGET
 */
static const struct option carried[] = {
        {SOL_SOCKET, 1},    /* SO_DEBUG */
        {SOL_SOCKET, 2},    /* SO_REUSEADDR */
        {SOL_SOCKET, 5},    /* SO_DONTROUTE */
        {SOL_SOCKET, 6},    /* SO_BROADCAST */
        {SOL_SOCKET, 9},    /* SO_KEEPALIVE */
        {SOL_SOCKET, 10},   /* SO_OOBINLINE */
        {SOL_SOCKET, 11},   /* SO_NO_CHECK */
        {SOL_SOCKET, 13},   /* SO_LINGER */
        {SOL_SOCKET, 15},   /* SO_REUSEPORT */
        {SOL_SOCKET, 16},   /* SO_PASSCRED */
        {SOL_SOCKET, 18},   /* SO_RCVLOWAT */
        {SOL_SOCKET, 20},   /* SO_RCVTIMEO */
        {SOL_SOCKET, 21},   /* SO_SNDTIMEO */
        {SOL_SOCKET, 66},   /* SO_RCVTIMEO_NEW: 20 has 32 bits on some machines */
        {SOL_SOCKET, 67},   /* SO_SNDTIMEO_NEW */
        {SOL_SOCKET, 29},   /* SO_TIMESTAMP */
        {SOL_SOCKET, 35},   /* SO_TIMESTAMPNS */
        {SOL_SOCKET, 37},   /* SO_TIMESTAMPING */
        {SOL_SOCKET, 63},   /* SO_TIMESTAMP_NEW */
        {SOL_SOCKET, 64},   /* SO_TIMESTAMPNS_NEW */
        {SOL_SOCKET, 65},   /* SO_TIMESTAMPING_NEW */
        {SOL_SOCKET, 34},   /* SO_PASSSEC */
        {SOL_SOCKET, 36},   /* SO_MARK */
        {SOL_SOCKET, 40},   /* SO_RXQ_OVFL */
        {SOL_SOCKET, 41},   /* SO_WIFI_STATUS */
        {SOL_SOCKET, 42},   /* SO_PEEK_OFF */
        {SOL_SOCKET, 43},   /* SO_NOFCS */
        {SOL_SOCKET, 45},   /* SO_SELECT_ERR_QUEUE */
        {SOL_SOCKET, 46},   /* SO_BUSY_POLL */
        {SOL_SOCKET, 47},   /* SO_MAX_PACING_RATE */
        {SOL_SOCKET, 60},   /* SO_ZEROCOPY */
        {SOL_SOCKET, 61},   /* SO_TXTIME */
        {SOL_SOCKET, 62},   /* SO_BINDTOIFINDEX */
        {SOL_SOCKET, 69},   /* SO_PREFER_BUSY_POLL */
        {SOL_SOCKET, 73},   /* SO_RESERVE_MEM */
        {SOL_SOCKET, 74},   /* SO_TXREHASH */
        {SOL_SOCKET, 75},   /* SO_RCVMARK */
        {SOL_SOCKET, 76},   /* SO_PASSPIDFD */
        {SOL_SOCKET, 82},   /* SO_RCVPRIORITY */
        {SOL_SOCKET, 83},   /* SO_PASSRIGHTS */
        {SOL_SOCKET, 84},   /* SO_INQ */
        {IPPROTO_IP, 1},    /* IP_TOS */
        {IPPROTO_IP, 2},    /* IP_TTL */
        {IPPROTO_IP, 4},    /* IP_OPTIONS */
        {IPPROTO_IP, 6},    /* IP_RECVOPTS */
        {IPPROTO_IP, 7},    /* IP_RETOPTS */
        {IPPROTO_IP, 8},    /* IP_PKTINFO */
        {IPPROTO_IP, 10},   /* IP_MTU_DISCOVER */
        {IPPROTO_IP, 11},   /* IP_RECVERR */
        {IPPROTO_IP, 12},   /* IP_RECVTTL */
        {IPPROTO_IP, 13},   /* IP_RECVTOS */
        {IPPROTO_IP, 15},   /* IP_FREEBIND */
        {IPPROTO_IP, 18},   /* IP_PASSSEC */
        {IPPROTO_IP, 19},   /* IP_TRANSPARENT */
        {IPPROTO_IP, 20},   /* IP_ORIGDSTADDR */
        {IPPROTO_IP, 21},   /* IP_MINTTL */
        {IPPROTO_IP, 22},   /* IP_NODEFRAG */
        {IPPROTO_IP, 23},   /* IP_CHECKSUM */
        {IPPROTO_IP, 24},   /* IP_BIND_ADDRESS_NO_PORT */
        {IPPROTO_IP, 25},   /* IP_RECVFRAGSIZE */
        {IPPROTO_IP, 26},   /* IP_RECVERR_RFC4884 */
        {IPPROTO_IP, 32},   /* IP_MULTICAST_IF */
        {IPPROTO_IP, 33},   /* IP_MULTICAST_TTL */
        {IPPROTO_IP, 34},   /* IP_MULTICAST_LOOP */
        {IPPROTO_IP, 49},   /* IP_MULTICAST_ALL */
        {IPPROTO_IP, 50},   /* IP_UNICAST_IF */
        {IPPROTO_IP, 51},   /* IP_LOCAL_PORT_RANGE */
        {IPPROTO_IPV6, 2},  /* IPV6_2292PKTINFO */
        {IPPROTO_IPV6, 3},  /* IPV6_2292HOPOPTS */
        {IPPROTO_IPV6, 4},  /* IPV6_2292DSTOPTS */
        {IPPROTO_IPV6, 5},  /* IPV6_2292RTHDR */
        {IPPROTO_IPV6, 8},  /* IPV6_2292HOPLIMIT */
        {IPPROTO_IPV6, 11}, /* IPV6_FLOWINFO */
        {IPPROTO_IPV6, 16}, /* IPV6_UNICAST_HOPS */
        {IPPROTO_IPV6, 19}, /* IPV6_MULTICAST_LOOP */
        {IPPROTO_IPV6, 23}, /* IPV6_MTU_DISCOVER */
        {IPPROTO_IPV6, 25}, /* IPV6_RECVERR */
        {IPPROTO_IPV6, 26}, /* IPV6_V6ONLY */
        {IPPROTO_IPV6, 29}, /* IPV6_MULTICAST_ALL */
        {IPPROTO_IPV6, 30}, /* IPV6_ROUTER_ALERT_ISOLATE */
        {IPPROTO_IPV6, 31}, /* IPV6_RECVERR_RFC4884 */
        {IPPROTO_IPV6, 33}, /* IPV6_FLOWINFO_SEND */
        {IPPROTO_IPV6, 49}, /* IPV6_RECVPKTINFO */
        {IPPROTO_IPV6, 51}, /* IPV6_RECVHOPLIMIT */
        {IPPROTO_IPV6, 53}, /* IPV6_RECVHOPOPTS */
        {IPPROTO_IPV6, 54}, /* IPV6_HOPOPTS */
        {IPPROTO_IPV6, 55}, /* IPV6_RTHDRDSTOPTS */
        {IPPROTO_IPV6, 56}, /* IPV6_RECVRTHDR */
        {IPPROTO_IPV6, 57}, /* IPV6_RTHDR */
        {IPPROTO_IPV6, 58}, /* IPV6_RECVDSTOPTS */
        {IPPROTO_IPV6, 59}, /* IPV6_DSTOPTS */
        {IPPROTO_IPV6, 60}, /* IPV6_RECVPATHMTU */
        {IPPROTO_IPV6, 62}, /* IPV6_DONTFRAG */
        {IPPROTO_IPV6, 63}, /* IPV6_USE_MIN_MTU */
        {IPPROTO_IPV6, 66}, /* IPV6_RECVTCLASS */
        {IPPROTO_IPV6, 67}, /* IPV6_TCLASS */
        {IPPROTO_IPV6, 70}, /* IPV6_AUTOFLOWLABEL */
        {IPPROTO_IPV6, 72}, /* IPV6_ADDR_PREFERENCES */
        {IPPROTO_IPV6, 73}, /* IPV6_MINHOPCOUNT */
        {IPPROTO_IPV6, 74}, /* IPV6_ORIGDSTADDR */
        {IPPROTO_IPV6, 75}, /* IPV6_TRANSPARENT */
        {IPPROTO_IPV6, 76}, /* IPV6_UNICAST_IF */
        {IPPROTO_IPV6, 77}, /* IPV6_RECVFRAGSIZE */
        {IPPROTO_IPV6, 78}, /* IPV6_FREEBIND */
        {SOL_SOCKET, 12},   /* SO_PRIORITY: after IP_TOS, which sets it */
        {IPPROTO_TCP, 1},   /* TCP_NODELAY */
        {IPPROTO_TCP, 3},   /* TCP_CORK */
        {IPPROTO_TCP, 4},   /* TCP_KEEPIDLE */
        {IPPROTO_TCP, 5},   /* TCP_KEEPINTVL */
        {IPPROTO_TCP, 6},   /* TCP_KEEPCNT */
        {IPPROTO_TCP, 7},   /* TCP_SYNCNT */
        {IPPROTO_TCP, 8},   /* TCP_LINGER2 */
        {IPPROTO_TCP, 9},   /* TCP_DEFER_ACCEPT */
        {IPPROTO_TCP, 13},  /* TCP_CONGESTION */
        {IPPROTO_TCP, 16},  /* TCP_THIN_LINEAR_TIMEOUTS */
        {IPPROTO_TCP, 17},  /* TCP_THIN_DUPACK */
        {IPPROTO_TCP, 18},  /* TCP_USER_TIMEOUT */
        {IPPROTO_TCP, 23},  /* TCP_FASTOPEN */
        {IPPROTO_TCP, 25},  /* TCP_NOTSENT_LOWAT */
        {IPPROTO_TCP, 27},  /* TCP_SAVE_SYN */
        {IPPROTO_TCP, 30},  /* TCP_FASTOPEN_CONNECT */
        {IPPROTO_TCP, 33},  /* TCP_FASTOPEN_KEY */
        {IPPROTO_TCP, 34},  /* TCP_FASTOPEN_NO_COOKIE */
        {IPPROTO_TCP, 36},  /* TCP_INQ */
        {IPPROTO_TCP, 37},  /* TCP_TX_DELAY */
        {IPPROTO_TCP, 44},  /* TCP_RTO_MAX_MS */
        {IPPROTO_TCP, 45},  /* TCP_RTO_MIN_US */
        {IPPROTO_TCP, 46},  /* TCP_DELACK_MAX_US */
};

struct value {
	int error;
	socklen_t len;
	char bytes[64];
};

static struct value read_option(int fd, const struct option *o)
{
	struct value v = {.len = sizeof v.bytes};
	v.error = sys_getsockopt(fd, o->level, o->name, v.bytes, &v.len);
	if (v.error != 0)
		v.len = 0;
	return v;
}

static bool is_equal(const struct value *a, const struct value *b)
{
	return a->error == b->error && a->len == b->len && a->len < sizeof a->bytes &&
	       memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

static void carry_table(int from, int to, int domain)
{
	for (size_t i = 0; i < sizeof carried / sizeof carried[0]; i++) {
		const struct option *o = &carried[i];
		/* IPv6's options mean nothing to a socket of IPv4. */
		if (o->level == IPPROTO_IPV6 && domain != AF_INET6)
			continue;
		struct value a = read_option(from, o), b = read_option(to, o);
		if (a.error == 0 && !is_equal(&a, &b))
			sys_setsockopt(to, o->level, o->name, a.bytes, a.len);
	}
}

static void carry_buffer(int from, int to, int name)
{
	int a = 0, b = 0;
	if (sockopt_get(from, SOL_SOCKET, name, &a) && sockopt_get(to, SOL_SOCKET, name, &b) &&
	    a != b)
		sockopt_set(to, SOL_SOCKET, name, a / 2);
}

/*
 * To set a size locks it against the kernel's tuning, so the locks are carried over last. The
 * size of a send buffer that is not locked is what the self-connection was tuned to.
 */
static void carry_buffers(int from, int to)
{
	int locks = 0;
	bool known = sockopt_get(from, SOL_SOCKET, SO_BUF_LOCK, &locks);
	if ((locks & SOCK_SNDBUF_LOCK) != 0)
		carry_buffer(from, to, SO_SNDBUF);
	carry_buffer(from, to, SO_RCVBUF);
	if (known)
		sockopt_set(to, SOL_SOCKET, SO_BUF_LOCK, locks);
}

void options_carry(int from, int to, int domain)
{
	/* alpha, mips, parisc and sparc have numbers of their own. */
	if (SO_PROTOCOL != 38)
		return;
	carry_table(from, to, domain);
	carry_buffers(from, to);
}
