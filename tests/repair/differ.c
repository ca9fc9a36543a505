/* SPDX-License-Identifier: MIT */
/*
 * differ SEED [COUNT [threads]]: runs random sequences of socket calls twice, connect() made by
 * the kernel alone (the system call itself) in one process and by whatever is preloaded in
 * another one, and compares all that the two can see. Sequence N depends on the number N only:
 * COUNT of them are run, from SEED on; without COUNT it is that one, many times over.
 *
 * Each process has network and PID namespaces of its own, so that the twins don't disturb one
 * another, nor anything else. What they connect to is the same, but their ephemeral port ranges
 * are not: the ports that are tried lie in the range of the preloaded side, which therefore is
 * connected to itself all the time, and outside the kernel's, which never is. So a repaired
 * connect() is held against one that had nothing to repair. The one thing that may differ is a
 * port that the kernel chose; it is shown as "E".
 *
 * A sequence that differs is run again, in many copies: only what the kernel alone never shows
 * is a difference. It is then shortened to the steps that matter, and printed; exit status 1.
 * With NOSELFCONN_LOG, the repairs are counted (the log is emptied meanwhile). Exit status 125:
 * the namespaces can't be had.
 */
#include "move-range.h"
#include "older.h"
#include "proc.h"

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/net_tstamp.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	SLOTS = 4,
	STEPS = 12,
	BATCH = 256,   /* sequences that a process runs before the outcomes are compared */
	SHOWN = 65536, /* bytes that a sequence may show */
	RANGE = 10,    /* ephemeral ports; half of them are what connect() is given */
	KERNEL_LOW = 50000,
	PRELOADED_LOW = 40000,
	TRIED_SERVER = PRELOADED_LOW + 2, /* where a server listens */
	SERVER = 20000,
	CLOSED = 20001,
	FLUSH = 20002,
	PROGRAMS = 20010, /* the first of some that sequences bind */
	HIGH_FD = 200,    /* what is not a sequence's has descriptors from here on */
	STUCK_MS = 60000,
};

enum side { KERNEL, PRELOADED };
enum { UNTOUCHED = 12345 }; /* errno */
enum { BY_SENDMSG = 1, BY_SENDMMSG = 2, BY_EITHER = 3 };

/* ---- sequences ---- */

enum op {
	SOCKET,
	OPTION,
	BIND,
	CONNECT,
	UNSPEC,
	LISTEN,
	ACCEPT,
	SHUTDOWN,
	SEND,
	SEND_TO,
	RECEIVE,
	ERROR,
	CLOSE,
	DUP,
	DUP2,
	NONBLOCK,
	CLOEXEC,
	WATCH,
	WAIT,
	PASS,
	TAKE,
};

enum host { V4, V6, LOCAL, NETLINK, ODD };
enum { MAPPED_LOOPBACK = 2 }; /* in hosts6 */
enum place { ALIGNED, MISALIGNED, PAGE_END, CUT_OFF, UNMAPPED, NOWHERE, READ_ONLY };
enum level { ADDRESS, DATA, PARTS, CONTROL, MESSAGE, LEVELS }; /* of what is sent */
enum odd {
	LARGE = 1,
	SEVERAL_PARTS,
	NO_PARTS,
	TOO_MANY_PARTS,
	NEGATIVE,
	NO_MESSAGE,
	MESSAGES,
	ODDS
};

struct step {
	unsigned char op, slot, other;
	unsigned char family, host, place; /* of an address */
	bool port_of_other;
	unsigned short port;
	int len, value, flags;
	int how; /* of SEND_TO: flags of sendto(), and BY_SENDMSG or BY_SENDMMSG */
	unsigned char level, level_place, odd; /* of SEND_TO: what is placed so, what is odd */
};

struct sequence {
	uint64_t number;
	int count;
	bool all_options; /* read every option at the end */
	struct step steps[STEPS];
};

static const struct kind {
	const char *name;
	int domain, type, protocol;
} kinds[] = {{"tcp4", AF_INET, SOCK_STREAM, 0},
             {"tcp6", AF_INET6, SOCK_STREAM, 0},
             {"mptcp4", AF_INET, SOCK_STREAM, IPPROTO_MPTCP},
             {"mptcp6", AF_INET6, SOCK_STREAM, IPPROTO_MPTCP},
             {"udp4", AF_INET, SOCK_DGRAM, 0},
             {"udp6", AF_INET6, SOCK_DGRAM, 0},
             {"unix stream", AF_UNIX, SOCK_STREAM, 0},
             {"unix datagram", AF_UNIX, SOCK_DGRAM, 0},
             {"netlink", AF_NETLINK, SOCK_RAW, NETLINK_ROUTE}};

#define NAMED(option) #option, option

static const struct option {
	int level;
	const char *name;
	int number;
	int values[2];
	const char *text;
} options[] = {
        {SOL_SOCKET, NAMED(SO_REUSEADDR), {1, 0}, NULL},
        {SOL_SOCKET, NAMED(SO_REUSEADDR), {1, 1}, NULL},
        {SOL_SOCKET, NAMED(SO_REUSEPORT), {1, 0}, NULL},
        {SOL_SOCKET, NAMED(SO_KEEPALIVE), {1, 0}, NULL},
        {SOL_SOCKET, NAMED(SO_OOBINLINE), {1, 0}, NULL},
        {SOL_SOCKET, NAMED(SO_DONTROUTE), {1, 0}, NULL},
        {SOL_SOCKET, NAMED(SO_SNDBUF), {20000, 1}, NULL},
        {SOL_SOCKET, NAMED(SO_RCVBUF), {30000, 1}, NULL},
        {SOL_SOCKET, NAMED(SO_RCVLOWAT), {3, 70000}, NULL},
        {SOL_SOCKET, NAMED(SO_PRIORITY), {5, 1}, NULL},
        {SOL_SOCKET, NAMED(SO_MARK), {7, 1}, NULL},
        {SOL_SOCKET, NAMED(SO_TIMESTAMP), {1, 0}, NULL},
        {SOL_SOCKET, NAMED(SO_TIMESTAMPNS), {1, 0}, NULL},
        {SOL_SOCKET, NAMED(SO_TIMESTAMPING), {SOF_TIMESTAMPING_TX_SCHED, 0}, NULL},
        {SOL_SOCKET, NAMED(SO_MAX_PACING_RATE), {100000000, -1}, NULL},
        {SOL_SOCKET, NAMED(SO_ZEROCOPY), {1, 0}, NULL},
        {SOL_SOCKET, NAMED(SO_BUSY_POLL), {1, 0}, NULL},
        {SOL_SOCKET, NAMED(SO_LINGER), {1, 0}, NULL},
        {SOL_SOCKET, NAMED(SO_LINGER), {1, 1}, NULL},
        {SOL_SOCKET, NAMED(SO_SNDTIMEO), {5, 500}, NULL},
        {SOL_SOCKET, NAMED(SO_RCVTIMEO), {6, 500}, NULL},
        {SOL_SOCKET, NAMED(SO_BINDTODEVICE), {0, 0}, "lo"},
        {SOL_SOCKET, NAMED(SO_BINDTODEVICE), {0, 0}, ""},
        {IPPROTO_IP, NAMED(IP_TOS), {0x10, 0xb8}, NULL},
        {IPPROTO_IP, NAMED(IP_TTL), {9, 1}, NULL},
        {IPPROTO_IP, NAMED(IP_BIND_ADDRESS_NO_PORT), {1, 0}, NULL},
        {IPPROTO_IP, NAMED(IP_BIND_ADDRESS_NO_PORT), {1, 1}, NULL},
        {IPPROTO_IP, NAMED(IP_FREEBIND), {1, 0}, NULL},
        {IPPROTO_IP, NAMED(IP_TRANSPARENT), {1, 0}, NULL},
        {IPPROTO_IP, NAMED(IP_RECVERR), {1, 0}, NULL},
        {IPPROTO_IP, NAMED(IP_PKTINFO), {1, 0}, NULL},
        {IPPROTO_IP, NAMED(IP_RECVTTL), {1, 0}, NULL},
        {IPPROTO_IP, NAMED(IP_MTU_DISCOVER), {IP_PMTUDISC_DO, IP_PMTUDISC_DONT}, NULL},
        {IPPROTO_IPV6, NAMED(IPV6_V6ONLY), {1, 0}, NULL},
        {IPPROTO_IPV6, NAMED(IPV6_UNICAST_HOPS), {9, -1}, NULL},
        {IPPROTO_IPV6, NAMED(IPV6_TCLASS), {0x10, -1}, NULL},
        {IPPROTO_IPV6, NAMED(IPV6_RECVERR), {1, 0}, NULL},
        {IPPROTO_IPV6, NAMED(IPV6_RECVPKTINFO), {1, 0}, NULL},
        {IPPROTO_IPV6, NAMED(IPV6_RECVHOPLIMIT), {1, 0}, NULL},
        {IPPROTO_IPV6, NAMED(IPV6_MTU_DISCOVER), {IPV6_PMTUDISC_DO, IPV6_PMTUDISC_DONT}, NULL},
        {IPPROTO_TCP, NAMED(TCP_NODELAY), {1, 0}, NULL},
        {IPPROTO_TCP, NAMED(TCP_CORK), {1, 0}, NULL},
        {IPPROTO_TCP, NAMED(TCP_MAXSEG), {536, 1400}, NULL},
        {IPPROTO_TCP, NAMED(TCP_WINDOW_CLAMP), {5000, 40000}, NULL},
        {IPPROTO_TCP, NAMED(TCP_KEEPIDLE), {100, 7}, NULL},
        {IPPROTO_TCP, NAMED(TCP_KEEPINTVL), {100, 7}, NULL},
        {IPPROTO_TCP, NAMED(TCP_KEEPCNT), {3, 7}, NULL},
        {IPPROTO_TCP, NAMED(TCP_SYNCNT), {3, 7}, NULL},
        {IPPROTO_TCP, NAMED(TCP_LINGER2), {3, -1}, NULL},
        {IPPROTO_TCP, NAMED(TCP_QUICKACK), {0, 1}, NULL},
        {IPPROTO_TCP, NAMED(TCP_USER_TIMEOUT), {3000, 0}, NULL},
        {IPPROTO_TCP, NAMED(TCP_FASTOPEN_CONNECT), {1, 0}, NULL},
        {IPPROTO_TCP, NAMED(TCP_NOTSENT_LOWAT), {5000, 1}, NULL},
        {IPPROTO_TCP, NAMED(TCP_THIN_LINEAR_TIMEOUTS), {1, 0}, NULL},
        {IPPROTO_TCP, NAMED(TCP_SAVE_SYN), {1, 0}, NULL},
        {IPPROTO_TCP, NAMED(TCP_INQ), {1, 0}, NULL},
        {IPPROTO_TCP, NAMED(TCP_CONGESTION), {0, 0}, "reno"},
};

static const char *const hosts4[] = {
        "127.0.0.1", "0.0.0.0",         "127.0.0.2",       "127.255.255.254", "127.255.255.253",
        "10.1.2.3",  "127.255.255.255", "255.255.255.255", "224.0.0.1",       "240.0.0.1",
};
static const char *const hosts6[] = {
        "::1",
        "::",
        "::ffff:127.0.0.1",
        "::ffff:0.0.0.0",
        "::ffff:127.0.0.2",
        "::ffff:10.1.2.3",
        "fe80::1",
        "ff02::1",
        "::127.0.0.1",
        "2001:db8::1",
};
static const char *const names[] = {
        "@differ-stream", "@differ-datagram", "@a", "@b", "/proc/none/x", "/"};

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

/* ---- random numbers: splitmix64 ---- */

static uint64_t random_state;

static unsigned below(unsigned n)
{
	uint64_t z = random_state += 0x9e3779b97f4a7c15;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return (unsigned)((z ^ (z >> 31)) >> 33) % n;
}

static bool percent(unsigned p)
{
	return below(100) < p;
}

/* One of the first n, the first ones more often. */
static unsigned char early(size_t n)
{
	unsigned a = below((unsigned)n), b = below((unsigned)n), c = below((unsigned)n);
	a = a < b ? a : b;
	return (unsigned char)(a < c ? a : c);
}

/* A port that is tried: one of the preloaded side's that connect() is given. */
static unsigned short tried_port(void)
{
	unsigned n = below(RANGE / 2 - 1);
	unsigned short port = (unsigned short)(PRELOADED_LOW + 2 * n);
	return port == TRIED_SERVER ? PRELOADED_LOW + RANGE - 2 : port;
}

static void random_port(struct step *s)
{
	unsigned p = below(100);
	if (s->op == BIND) {
		s->port = p < 60 ? 0 : p < 95 ? (unsigned short)(PROGRAMS + below(3)) : SERVER;
	} else {
		s->port = p < 72   ? tried_port()
		          : p < 80 ? SERVER
		          : p < 85 ? CLOSED
		          : p < 88 ? 0
		          : p < 95 ? (unsigned short)(PROGRAMS + below(3))
		                   : TRIED_SERVER;
		s->port_of_other = percent(12);
	}
}

static int natural_len(const struct step *s)
{
	if (s->family == LOCAL)
		return (int)(offsetof(struct sockaddr_un, sun_path) + strlen(names[s->host]));
	if (s->family == NETLINK)
		return sizeof(struct sockaddr_nl);
	return s->family == V6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
}

static void random_address(struct step *s, enum host usual)
{
	static const int odd_lens[] = {0,   1,   2,  7,   8,       15,     16,  17,
	                               23,  24,  27, 28,  29,      110,    127, 128,
	                               129, 200, -1, -16, INT_MIN, INT_MAX};
	s->family = (unsigned char)usual;
	if (percent(12))
		s->family = (unsigned char)below(ODD + 1);
	s->host = percent(45) ? 0
	                      : early(s->family == V4   ? COUNT_OF(hosts4)
	                              : s->family == V6 ? COUNT_OF(hosts6)
	                                                : COUNT_OF(names));
	if (s->op == BIND && s->family == LOCAL)
		s->host %= 4; /* no files */
	random_port(s);
	s->len = natural_len(s);
	if (percent(12))
		s->len = percent(50) ? odd_lens[below(COUNT_OF(odd_lens))] : (int)below(201);
	if (percent(15))
		s->place = (unsigned char)below(NOWHERE + 1);
	s->value = (int)below(CUT_OFF + 1); /* bytes that are cut off */
	s->flags = percent(10) ? 1 : 0;     /* flow information and scope */
}

static bool is_mapped(const struct step *s)
{
	return s->family == V6 && strncmp(hosts6[s->host], "::ffff:", 7) == 0;
}

static unsigned char random_op(void)
{
	static const unsigned char weights[] = {
	        [SOCKET] = 7,   [OPTION] = 9,  [BIND] = 6,     [CONNECT] = 25, [UNSPEC] = 5,
	        [LISTEN] = 4,   [ACCEPT] = 2,  [SHUTDOWN] = 3, [SEND] = 4,     [SEND_TO] = 6,
	        [RECEIVE] = 3,  [ERROR] = 4,   [CLOSE] = 2,    [DUP] = 2,      [DUP2] = 2,
	        [NONBLOCK] = 4, [CLOEXEC] = 2, [WATCH] = 4,    [WAIT] = 4,     [PASS] = 1,
	        [TAKE] = 1,
	};
	unsigned n = below(100), op = 0;
	for (; op < TAKE && n >= weights[op]; op++)
		n -= weights[op];
	return (unsigned char)op;
}

static struct sequence random_sequence(uint64_t number)
{
	struct sequence q = {.number = number};
	enum host usual[SLOTS] = {V4, V4, V4, V4};
	bool mapped[SLOTS] = {false}, used[SLOTS] = {false};
	random_state = number * 0xd1342543de82ef95 + 1;
	below(1);
	q.count = 2 + (int)below(STEPS - 1);
	q.all_options = percent(20);
	for (int i = 0; i < q.count; i++) {
		struct step *s = &q.steps[i];
		s->op = i == 0 ? SOCKET : random_op();
		s->slot = i == 0 ? 0 : early(SLOTS);
		while (!used[s->slot] && s->op != SOCKET && percent(90))
			s->slot = early(SLOTS);
		s->other = early(SLOTS);
		switch (s->op) {
		case SOCKET:
			s->value = percent(75) ? (int)below(4) : (int)below(COUNT_OF(kinds));
			s->flags = (percent(40) ? SOCK_NONBLOCK : 0) |
			           (percent(30) ? SOCK_CLOEXEC : 0) | (percent(25) ? 1 : 0);
			mapped[s->slot] = false;
			used[s->slot] = true;
			usual[s->slot] = kinds[s->value].domain == AF_INET    ? V4
			                 : kinds[s->value].domain == AF_INET6 ? V6
			                 : kinds[s->value].domain == AF_UNIX  ? LOCAL
			                                                      : NETLINK;
			break;
		case BIND:
		case CONNECT:
		case SEND_TO:
			random_address(s, usual[s->slot]);
			s->how = (percent(80) ? MSG_FASTOPEN : 0) |
			         (percent(40) ? MSG_DONTWAIT : 0) | (int)below(BY_EITHER);
			if (s->op == SEND_TO && percent(40)) {
				s->level = (unsigned char)(DATA + below(LEVELS - DATA));
				s->level_place = (unsigned char)below(READ_ONLY + 1);
			}
			if (s->op == SEND_TO && percent(20))
				s->odd = (unsigned char)below(ODDS);
			/*
			 * An IPv6 socket that has tried an IPv4 destination is deaf for the
			 * answers of an IPv6 one (on Linux 6.18), and waits in vain for
			 * seconds.
			 */
			if (mapped[s->slot] && s->family == V6 && below(1000) > 0)
				s->host = MAPPED_LOOPBACK;
			mapped[s->slot] |= is_mapped(s);
			break;
		case DUP:
		case DUP2:
			mapped[s->other] |= mapped[s->slot];
			break;
		case OPTION:
			s->value = (int)below(COUNT_OF(options));
			/* Bound to lo, it waits in vain for an answer of what is not there. */
			if (options[s->value].number == SO_BINDTODEVICE && percent(70))
				s->value = 0;
			s->flags = (int)below(2);
			break;
		case UNSPEC:
			s->len = percent(80) ? (int)sizeof(struct sockaddr) : (int)below(201);
			break;
		case WATCH:
			s->value = (int)below(4);
			break;
		default:
			s->value = (int)below(3);
		}
	}
	return q;
}

/* ---- running a sequence ---- */

/* What the two sides and their parent share. */
struct shared {
	struct sequence batch[BATCH];
	int count;
	bool verbose; /* show each option, not a digest of all */
	struct outcome {
		size_t len;
		char text[SHOWN];
	} shown[2][BATCH];
	int current[2];
};

static struct shared *shared;
static enum side side;
static struct outcome *out;
static unsigned char *pages[LEVELS]; /* after each comes one that is not mapped */
static long page_size;

struct slot {
	int fd, copy;
	in_port_t bound; /* by the program, not chosen by the kernel; as dest in host order */
	in_port_t dest;
	bool accepted;
};

static struct slot slots[SLOTS];
static int servers[4], datagrams[2], epoll_set, pair[2];
static bool were_connected; /* sockets of this sequence, at some time */
static int idle;            /* TCP sockets with a port when no sequence is running */

__attribute__((format(printf, 1, 2))) static void show(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int n = vsnprintf(out->text + out->len, SHOWN - out->len, format, args);
	va_end(args);
	out->len += n < 0 || (size_t)n >= SHOWN - out->len ? SHOWN - out->len - 1 : (size_t)n;
}

static bool is_ephemeral(unsigned port)
{
	return (port >= KERNEL_LOW && port < KERNEL_LOW + RANGE) ||
	       (port >= PRELOADED_LOW && port < PRELOADED_LOW + RANGE);
}

static void show_port(unsigned port, unsigned known)
{
	if (is_ephemeral(port) && port != known)
		show("E");
	else
		show("%u", port);
}

static void show_address(const struct sockaddr_storage *a, socklen_t len, unsigned known)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)a;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)a;
	char text[INET6_ADDRSTRLEN];
	if (a->ss_family == AF_INET) {
		show(" %s:", inet_ntop(AF_INET, &in->sin_addr, text, sizeof text));
		show_port(ntohs(in->sin_port), known);
	} else if (a->ss_family == AF_INET6) {
		show(" [%s]:", inet_ntop(AF_INET6, &in6->sin6_addr, text, sizeof text));
		show_port(ntohs(in6->sin6_port), known);
		show("/%x/%u", ntohl(in6->sin6_flowinfo), in6->sin6_scope_id);
	} else {
		show(" family %d", a->ss_family);
	}
	show("(%u)", len);
}

static int option_of(int fd, int level, int name)
{
	int value = -1;
	socklen_t len = sizeof value;
	return getsockopt(fd, level, name, &value, &len) == 0 ? value : -1;
}

/* What a program can see of a socket without changing it. */
static void show_socket(const struct slot *s)
{
	struct sockaddr_storage a;
	struct tcp_info info = {0};
	socklen_t len = sizeof a;
	struct pollfd p = {.fd = s->fd, .events = POLLIN | POLLOUT | POLLPRI | POLLRDHUP};
	if (s->fd < 0)
		return;
	show(" | local");
	if (getsockname(s->fd, (struct sockaddr *)&a, &len) == 0)
		show_address(&a, len, s->bound);
	else
		show(" %s", strerrorname_np(errno));
	len = sizeof a;
	show(" peer");
	if (getpeername(s->fd, (struct sockaddr *)&a, &len) == 0)
		show_address(&a, len, s->accepted ? 0 : s->dest);
	else
		show(" %s", strerrorname_np(errno));
	int events = poll(&p, 1, 0);
	len = sizeof info;
	getsockopt(s->fd, IPPROTO_TCP, TCP_INFO, &info, &len);
	were_connected |= info.tcpi_state == TCP_ESTABLISHED;
	/* When the other end acknowledges our FIN is up to its timer. */
	if (info.tcpi_state == TCP_FIN_WAIT2)
		info.tcpi_state = TCP_FIN_WAIT1;
	show(" flags %x/%x poll %d:%x state %u", (unsigned)fcntl(s->fd, F_GETFD),
	     (unsigned)fcntl(s->fd, F_GETFL), events, (unsigned)p.revents, info.tcpi_state);
}

/*
 * Options that have a reason to differ: they are what the kernel has seen, counted or numbered
 * (SO_INCOMING_CPU, SO_INCOMING_NAPI_ID, SO_COOKIE, SO_NETNS_COOKIE, SO_MEMINFO, TCP_INFO,
 * TCP_TIMESTAMP, TCP_CC_INFO), show a port (SO_PEERNAME, IP_PROTOCOL), or do something when
 * they are read (SO_ERROR, SO_PEERPIDFD, TCP_ZEROCOPY_RECEIVE). The limits of a reset in place:
 * what the kernel notes of the last packet (IPV6_2292PKTOPTIONS, IPV6_MULTICAST_IF,
 * IPV6_MULTICAST_HOPS), and the size of a send buffer that an MPTCP connection has tuned, or an
 * earlier connection of the same socket; the IP_LOCAL_PORT_RANGE that a disconnected MPTCP
 * socket takes back from its subflow; and TCP_QUICKACK, whose 0 any connection uses up, one
 * to itself too. Of a connection, the segment size goes by the window
 * that the other end happened to have.
 */
static bool is_left_out(int level, int name, int protocol)
{
	static const short left_out[][2] = {
	        {SOL_SOCKET, 49},  {SOL_SOCKET, 56},  {SOL_SOCKET, 57},   {SOL_SOCKET, 71},
	        {SOL_SOCKET, 55},  {IPPROTO_TCP, 11}, {IPPROTO_TCP, 24},  {IPPROTO_TCP, 26},
	        {SOL_SOCKET, 28},  {IPPROTO_IP, 52},  {SOL_SOCKET, 4},    {SOL_SOCKET, 77},
	        {IPPROTO_TCP, 35}, {IPPROTO_IPV6, 6}, {IPPROTO_IPV6, 17}, {IPPROTO_IPV6, 18},
	        {IPPROTO_TCP, 12},
	};
	for (size_t i = 0; i < COUNT_OF(left_out); i++)
		if (left_out[i][0] == level && left_out[i][1] == name)
			return true;
	if (level == IPPROTO_IP && name == 51)
		return protocol == IPPROTO_MPTCP;
	if (level == SOL_SOCKET && name == SO_SNDBUF)
		return protocol == IPPROTO_MPTCP || were_connected;
	return level == IPPROTO_TCP && name == TCP_MAXSEG && were_connected;
}

static void show_options(int fd)
{
	static const short levels[][2] = {
	        {SOL_SOCKET, 90}, {IPPROTO_IP, 60}, {IPPROTO_IPV6, 90}, {IPPROTO_TCP, 50}};
	uint64_t digest = 0xcbf29ce484222325;
	int protocol = option_of(fd, SOL_SOCKET, SO_PROTOCOL);
	for (size_t i = 0; i < COUNT_OF(levels); i++) {
		for (int name = 0; name < levels[i][1]; name++) {
			unsigned char value[64] = {0};
			socklen_t len = sizeof value;
			if (is_left_out(levels[i][0], name, protocol))
				continue;
			if (getsockopt(fd, levels[i][0], name, value, &len) != 0)
				len = 0;
			if (shared->verbose && len > 0) {
				show(" option %d %d:", levels[i][0], name);
				for (socklen_t k = 0; k < len && k < sizeof value; k++)
					show(" %02x", value[k]);
				show("\n");
			}
			for (size_t k = 0; k < sizeof value; k++)
				digest = (digest ^ value[k]) * 0x100000001b3;
		}
	}
	if (!shared->verbose)
		show(" options %016llx\n", (unsigned long long)digest);
}

static void show_result(long result)
{
	if (result < 0)
		show("%s", strerrorname_np(errno) ? strerrorname_np(errno) : "?");
	else
		show("%ld", result);
}

/* The port of a TCP socket, 0 of any other. */
static unsigned short local_port(int fd)
{
	struct sockaddr_in6 a;
	socklen_t len = sizeof a;
	if (option_of(fd, SOL_SOCKET, SO_TYPE) != SOCK_STREAM ||
	    getsockname(fd, (struct sockaddr *)&a, &len) != 0 ||
	    (a.sin6_family != AF_INET && a.sin6_family != AF_INET6))
		return 0;
	return ntohs(a.sin6_port);
}

/*
 * The port that the other socket has, but not one that the kernel could choose for this one,
 * nor one that it has chosen for it in bind(): with those, a self-connection is accidental.
 */
static unsigned short port_of(const struct slot *other, const struct slot *s)
{
	unsigned short port = local_port(other->fd), own = local_port(s->fd);
	return port == 0 || (is_ephemeral(port) && (port % 2 == 0 || port == own)) ? CLOSED
	                                                                           : port;
}

/* Writes the address that the step wants, all 256 bytes; returns its port, in host order. */
static unsigned short write_address(const struct step *s, unsigned char *to)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	struct sockaddr_nl nl = {.nl_family = AF_NETLINK};
	const struct slot *slot = &slots[s->slot];
	int protocol = option_of(slot->fd, SOL_SOCKET, SO_PROTOCOL);
	unsigned short port = s->port;
	if (s->port_of_other)
		port = protocol == IPPROTO_UDP ? CLOSED : port_of(&slots[s->other], slot);
	else if (protocol == IPPROTO_UDP && is_ephemeral(port))
		port = CLOSED; /* the kernel may choose that very port for us: not repaired */

	memset(to, 0, 256);
	switch (s->family) {
	case V4:
		inet_pton(AF_INET, hosts4[s->host], &in.sin_addr);
		in.sin_port = htons(port);
		memcpy(to, &in, sizeof in);
		break;
	case V6:
		inet_pton(AF_INET6, hosts6[s->host], &in6.sin6_addr);
		in6.sin6_port = htons(port);
		if (s->flags != 0) {
			in6.sin6_flowinfo = htonl(0x12345);
			in6.sin6_scope_id = 1;
		}
		memcpy(to, &in6, sizeof in6);
		break;
	case LOCAL:
		memcpy(un.sun_path, names[s->host], strlen(names[s->host]));
		if (un.sun_path[0] == '@')
			un.sun_path[0] = '\0';
		memcpy(to, &un, sizeof un);
		break;
	case NETLINK:
		memcpy(to, &nl, sizeof nl);
		break;
	default:
		inet_pton(AF_INET, "127.0.0.1", &in.sin_addr);
		in.sin_port = htons(port);
		in.sin_family = (sa_family_t)(s->host == 0 ? AF_UNSPEC : 70 + s->host);
		memcpy(to, &in, sizeof in);
	}
	return port;
}

/* Puts size bytes there, as far as they can be read; of CUT_OFF, the last ones can't. */
static void *put_there(enum level level, enum place place, int cut_off, const void *bytes,
                       long size)
{
	unsigned char *end = pages[level] + page_size, *at = pages[level];
	if (place == CUT_OFF)
		size = size > cut_off ? size - 1 - cut_off : 0;
	if (place == UNMAPPED || place == NOWHERE)
		return place == UNMAPPED ? end : NULL;
	if (place == MISALIGNED)
		at++;
	if (place == PAGE_END || place == CUT_OFF)
		at = end - size;
	memcpy(at, bytes, (size_t)size);
	return at;
}

static void *place_address(const struct step *s, const unsigned char *bytes)
{
	long size = s->len < 0 ? 0 : s->len > 256 ? 256 : s->len;
	return put_there(ADDRESS, s->place, s->value, bytes, size);
}

static void *place_part(const struct step *s, enum level level, const void *bytes, size_t size)
{
	return put_there(level, s->level == level ? s->level_place : ALIGNED, s->value, bytes,
	                 (long)size);
}

/*
 * What is sent over lo has mostly been received when the call returns, but a busy kernel may
 * put that off. It keeps the order, though, on one CPU: where a datagram has gone through, so
 * has what was sent before; and after as many as a handshake has packets, so have the answers.
 */
static void flush_network(void)
{
	char byte;
	for (int i = 0; i < 4; i++)
		if (send(datagrams[1], "", 1, 0) == 1)
			recv(datagrams[1], &byte, 1, 0);
}

/*
 * The second thread: while a call connects, it looks whether the socket is connected to itself,
 * again and again. A self-connection from a port that the sequence has bound is deliberate, and
 * does not count.
 */
static bool threads;
static int watch_begins; /* an eventfd */
static atomic_int watched = -1;
static atomic_bool looking, saw_itself;

static void look_at(int fd)
{
	struct sockaddr_in6 a;
	socklen_t len = sizeof a;
	if (getpeername(fd, (struct sockaddr *)&a, &len) == 0 &&
	    is_ephemeral(ntohs(a.sin6_port)) && local_port(fd) == ntohs(a.sin6_port))
		saw_itself = true;
}

static void *watch(void *unused)
{
	eventfd_t value;
	for (;;) {
		eventfd_read(watch_begins, &value);
		do {
			looking = true;
			int fd = watched;
			if (fd >= 0)
				look_at(fd);
			looking = false;
		} while (watched >= 0);
	}
	return unused;
}

static void watch_begin(int fd)
{
	if (!threads || fd < 0)
		return;
	watched = fd;
	eventfd_write(watch_begins, 1);
}

/* The other thread must not hold the socket when it is closed. */
static void watch_end(void)
{
	int error = errno;
	watched = -1;
	while (looking)
		sched_yield();
	if (atomic_exchange(&saw_itself, false))
		show("seen connected to itself: ");
	errno = error;
}

/* Waits until the kernel has its answer. */
static void settle(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	if (option_of(fd, SOL_SOCKET, SO_PROTOCOL) == IPPROTO_TCP ||
	    option_of(fd, SOL_SOCKET, SO_PROTOCOL) == IPPROTO_MPTCP)
		poll(&p, 1, 10000);
}

static void show_opened(int fd, long result)
{
	int error = errno;
	show_result(result);
	if (result >= 0)
		show(error == UNTOUCHED ? ", errno untouched" : ", errno %d", error);
	else if (error == EINPROGRESS || error == EALREADY)
		settle(fd);
}

static void do_connect(const struct slot *slot, const void *addr, socklen_t len)
{
	watch_begin(slot->fd);
	errno = UNTOUCHED;
	long result = side == KERNEL ? syscall(SYS_connect, slot->fd, addr, len)
	                             : connect(slot->fd, addr, len);
	watch_end();
	show_opened(slot->fd, result);
}

struct message {
	char *data;
	size_t size;
	struct mmsghdr *at;
	unsigned count;
};

/* What the step sends, with what is odd about it. */
static struct message write_message(const struct step *s, void *addr)
{
	static const char text[4000] = "hello";
	union {
		char bytes[CMSG_SPACE(sizeof(int))]; /* first: gcc 16 clears no other */
		struct cmsghdr header;
	} control = {{0}};
	control.header = (struct cmsghdr) {.cmsg_len = CMSG_LEN(sizeof(int)),
	                                   .cmsg_level = SOL_SOCKET,
	                                   .cmsg_type = SO_TIMESTAMPING};
	struct message m = {.size = s->odd == LARGE ? sizeof text : 5,
	                    .count = s->odd == NO_MESSAGE ? 0
	                             : s->odd == MESSAGES ? 2
	                                                  : 1};
	m.data = place_part(s, DATA, text, m.size);
	struct iovec parts[5];
	for (size_t i = 0; i < COUNT_OF(parts); i++)
		parts[i] = (struct iovec) {(void *)((uintptr_t)m.data + i), 1};
	size_t used = s->odd == SEVERAL_PARTS ? COUNT_OF(parts) : 1;
	if (used == 1)
		parts[0].iov_len = s->odd == NEGATIVE ? SIZE_MAX : m.size;
	struct msghdr header = {.msg_name = addr, .msg_namelen = (socklen_t)s->len};
	header.msg_iov = place_part(s, PARTS, parts, used * sizeof parts[0]);
	header.msg_iovlen = s->odd == NO_PARTS ? 0 : s->odd == TOO_MANY_PARTS ? 2000 : used;
	if (s->level == CONTROL) {
		header.msg_control = place_part(s, CONTROL, &control, sizeof control);
		header.msg_controllen = sizeof control;
	}
	struct mmsghdr two[2] = {{.msg_hdr = header}, {.msg_hdr = header}};
	m.at = place_part(s, MESSAGE, two, s->odd == MESSAGES ? sizeof two : sizeof two[0]);
	return m;
}

static void protect(const struct step *s, int how)
{
	int error = errno;
	if (s->level_place == READ_ONLY)
		mprotect(pages[s->level], (size_t)page_size, how);
	errno = error;
}

/* With MSG_FASTOPEN, it opens a connection. */
static void do_send_to(const struct slot *slot, void *addr, const struct step *s)
{
	struct message m = write_message(s, addr);
	socklen_t len = (socklen_t)s->len;
	int fd = slot->fd, flags = MSG_NOSIGNAL | (s->how & ~BY_EITHER);
	unsigned sent;
	long n;
	if (option_of(fd, SOL_SOCKET, SO_TYPE) != SOCK_STREAM)
		flags |= MSG_DONTWAIT;
	protect(s, PROT_READ);
	watch_begin(fd);
	errno = UNTOUCHED;
	if ((s->how & BY_SENDMMSG) != 0)
		n = side == KERNEL ? syscall(SYS_sendmmsg, fd, m.at, m.count, flags)
		                   : sendmmsg(fd, m.at, m.count, flags);
	else if ((s->how & BY_SENDMSG) != 0)
		n = side == KERNEL ? syscall(SYS_sendmsg, fd, m.at, flags)
		                   : sendmsg(fd, (struct msghdr *)m.at, flags);
	else
		n = side == KERNEL ? syscall(SYS_sendto, fd, m.data, m.size, flags, addr, len)
		                   : sendto(fd, m.data, m.size, flags, addr, len);
	watch_end();
	protect(s, PROT_READ | PROT_WRITE);
	show_opened(fd, n);
	if (s->level != MESSAGE || s->level_place < CUT_OFF) {
		memcpy(&sent, (char *)m.at + offsetof(struct mmsghdr, msg_len), sizeof sent);
		show(" (%u)", sent);
	}
}

static void forget(struct slot *s)
{
	*s = (struct slot) {.fd = -1, .copy = -1};
}

/* Closing is not to leave anything for the next sequence. */
static void abort_socket(int fd)
{
	const struct linger abort = {.l_onoff = 1};
	if (fd < 0)
		return;
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
	close(fd);
}

static void put_in_slot(struct slot *s, int fd)
{
	show_result(fd);
	abort_socket(s->fd);
	abort_socket(s->copy);
	forget(s);
	s->fd = fd;
}

static void do_option(const struct slot *slot, const struct step *s)
{
	const struct option *o = &options[s->value];
	const struct linger linger = {.l_onoff = o->values[0], .l_linger = o->values[1]};
	const struct timeval time = {.tv_sec = o->values[0], .tv_usec = o->values[1]};
	const void *value = &o->values[s->flags];
	socklen_t len = sizeof o->values[0];
	if (o->text != NULL) {
		value = o->text;
		len = (socklen_t)strlen(o->text);
	} else if (o->level == SOL_SOCKET && o->number == SO_LINGER) {
		value = &linger;
		len = sizeof linger;
	} else if (o->level == SOL_SOCKET &&
	           (o->number == SO_SNDTIMEO || o->number == SO_RCVTIMEO)) {
		value = &time;
		len = sizeof time;
	}
	show_result(setsockopt(slot->fd, o->level, o->number, value, len));
}

static void do_bind(struct slot *slot, const struct step *s)
{
	unsigned char bytes[256];
	unsigned short port = write_address(s, bytes);
	int result = bind(slot->fd, place_address(s, bytes), (socklen_t)s->len);
	show_result(result);
	if (result == 0 && (s->family == V4 || s->family == V6))
		slot->bound = port;
}

/*
 * Of an Internet socket that has no connection yet it fails, and has an effect all the same:
 * the connection ends when it is made. A self-connection is then gone before anything can be
 * done about it.
 */
static void do_shutdown(int fd, int how)
{
	struct sockaddr_storage peer;
	socklen_t len = sizeof peer;
	if (getpeername(fd, (struct sockaddr *)&peer, &len) != 0 &&
	    option_of(fd, SOL_SOCKET, SO_TYPE) == SOCK_STREAM)
		show("not connected");
	else
		show_result(shutdown(fd, how));
}

static void do_accept(struct slot *slot, const struct step *s)
{
	struct pollfd p = {.fd = slot->fd, .events = POLLIN};
	if (option_of(slot->fd, SOL_SOCKET, SO_ACCEPTCONN) != 1 || poll(&p, 1, 0) != 1) {
		show("nothing");
		return;
	}
	put_in_slot(&slots[s->other], accept4(slot->fd, NULL, NULL, 0));
	slots[s->other].accepted = true;
}

static void do_pass(int fd)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof fd)];
	} control = {.header = {.cmsg_len = CMSG_LEN(sizeof fd),
	                        .cmsg_level = SOL_SOCKET,
	                        .cmsg_type = SCM_RIGHTS}};
	struct iovec data = {.iov_base = (void *)"", .iov_len = 1};
	struct msghdr message = {.msg_iov = &data,
	                         .msg_iovlen = 1,
	                         .msg_control = &control,
	                         .msg_controllen = sizeof control};
	memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
	show_result(sendmsg(pair[0], &message, MSG_DONTWAIT));
}

static int take(void)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	char byte;
	int fd = -1;
	struct iovec data = {.iov_base = &byte, .iov_len = 1};
	struct msghdr message = {.msg_iov = &data,
	                         .msg_iovlen = 1,
	                         .msg_control = &control,
	                         .msg_controllen = sizeof control};
	if (recvmsg(pair[1], &message, MSG_DONTWAIT) > 0 && message.msg_controllen > 0)
		memcpy(&fd, CMSG_DATA(&control.header), sizeof fd);
	return fd;
}

static void do_watch(const struct slot *slot, const struct step *s)
{
	static const uint32_t modes[] = {0, EPOLLET, EPOLLONESHOT, EPOLLET | EPOLLONESHOT};
	struct epoll_event e = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | modes[s->value],
	                        .data.u32 = 1000u + s->slot};
	show_result(epoll_ctl(epoll_set, EPOLL_CTL_ADD, slot->fd, &e));
}

static void do_wait(void)
{
	struct epoll_event e[2 * SLOTS];
	int n = epoll_wait(epoll_set, e, COUNT_OF(e), 0);
	show("%d:", n);
	/* In which order they are reported depends on what came first, not on what is. */
	for (unsigned slot = 0; slot < SLOTS; slot++)
		for (int i = 0; i < n; i++)
			if (e[i].data.u32 == 1000 + slot)
				show(" s%u %x", slot, e[i].events);
}

static void do_step(const struct step *s)
{
	struct slot *slot = &slots[s->slot], *other = &slots[s->other];
	unsigned char bytes[256];
	const struct kind *kind;
	long n;

	switch (s->op) {
	case SOCKET:
		kind = &kinds[s->value];
		put_in_slot(slot,
		            socket(kind->domain, kind->type | (s->flags & ~1), kind->protocol));
		if ((s->flags & 1) != 0)
			slot->copy = fcntl(slot->fd, F_DUPFD_CLOEXEC, HIGH_FD);
		break;
	case OPTION:
		do_option(slot, s);
		break;
	case BIND:
		do_bind(slot, s);
		break;
	case CONNECT:
	case SEND_TO:
		slot->dest = write_address(s, bytes);
		if (s->port_of_other)
			slot->dest = 0; /* to be shown as what it may be, an ephemeral port */
		if (s->op == CONNECT)
			do_connect(slot, place_address(s, bytes), (socklen_t)s->len);
		else
			do_send_to(slot, place_address(s, bytes), s);
		break;
	case UNSPEC:
		memset(pages[ADDRESS], 0, 256);
		do_connect(slot, pages[ADDRESS], (socklen_t)s->len);
		/* It keeps a pending error of MPTCP's, which a reset in place takes away. */
		if (option_of(slot->fd, SOL_SOCKET, SO_PROTOCOL) == IPPROTO_MPTCP)
			option_of(slot->fd, SOL_SOCKET, SO_ERROR);
		break;
	case LISTEN:
		show_result(listen(slot->fd, 64));
		break;
	case ACCEPT:
		do_accept(slot, s);
		break;
	case SHUTDOWN:
		do_shutdown(slot->fd, s->value);
		break;
	case SEND:
		show_result(send(slot->fd, "hello", 5, MSG_DONTWAIT | MSG_NOSIGNAL));
		break;
	case RECEIVE:
		n = recv(slot->fd, bytes, 3, MSG_DONTWAIT);
		show_result(n);
		if (n > 0)
			show(" '%.*s'", (int)n, (char *)bytes);
		break;
	case ERROR:
		show("%d", option_of(slot->fd, SOL_SOCKET, SO_ERROR));
		break;
	case CLOSE:
		show_result(close(slot->fd));
		slot->fd = -1;
		abort_socket(slot->copy);
		forget(slot);
		break;
	case DUP:
		if (slot == other || slot->fd < 0)
			break;
		put_in_slot(other, dup(slot->fd));
		other->bound = slot->bound;
		other->dest = slot->dest;
		other->accepted = slot->accepted;
		break;
	case DUP2:
		if (slot == other || slot->fd < 0 || other->fd < 0)
			break;
		show_result(dup2(slot->fd, other->fd));
		abort_socket(other->copy);
		n = other->fd;
		*other = *slot;
		other->fd = (int)n;
		other->copy = -1;
		break;
	case NONBLOCK:
		show_result(fcntl(slot->fd, F_SETFL, s->value == 0 ? 0 : O_NONBLOCK));
		break;
	case CLOEXEC:
		show_result(fcntl(slot->fd, F_SETFD, s->value == 0 ? 0 : FD_CLOEXEC));
		break;
	case WATCH:
		do_watch(slot, s);
		break;
	case WAIT:
		do_wait();
		break;
	case PASS:
		do_pass(slot->fd);
		break;
	default:
		put_in_slot(other, take());
		show_socket(other);
	}
	if (s->op != OPTION && s->op != CLOEXEC && s->op != NONBLOCK)
		flush_network();
	show_socket(slot);
	show("\n");
}

/* Out of the sequences' way. */
static int high(int fd)
{
	int moved = fcntl(fd, F_DUPFD_CLOEXEC, HIGH_FD);
	close(fd);
	return moved;
}

static bool same_socket(int a, int b)
{
	struct stat x, y;
	return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_ino == y.st_ino;
}

/* How many connections have gone into TIME_WAIT, or would have, were there room for any. */
static long count_timewait(void)
{
	static int netstat;
	static char buf[16384];
	if (netstat == 0)
		netstat = high(open("/proc/self/net/netstat", O_RDONLY));
	ssize_t n = pread(netstat, buf, sizeof buf - 1, 0);
	if (n <= 0)
		return -1;
	buf[n] = '\0';
	char *names_at = buf, *values = strchr(buf, '\n'), *save_n, *save_v;
	if (values == NULL)
		return -1;
	*values++ = '\0';
	values[strcspn(values, "\n")] = '\0';
	long sum = 0;
	char *name = strtok_r(names_at, " ", &save_n), *value = strtok_r(values, " ", &save_v);
	for (; name != NULL && value != NULL;
	     name = strtok_r(NULL, " ", &save_n), value = strtok_r(NULL, " ", &save_v))
		if (strcmp(name, "TCPTimeWaitOverflow") == 0)
			sum += strtol(value, NULL, 10);
	return sum;
}

/* How many TCP sockets of the namespace have a port. */
static int count_tcp(void)
{
	static const char *const paths[] = {"/proc/self/net/sockstat",
	                                    "/proc/self/net/sockstat6"};
	static const char *const labels[] = {"TCP: inuse ", "TCP6: inuse "};
	static int files[2];
	int sum = 0;
	for (int i = 0; i < 2; i++) {
		char buf[512];
		if (files[i] == 0)
			files[i] = high(open(paths[i], O_RDONLY));
		ssize_t n = pread(files[i], buf, sizeof buf - 1, 0);
		buf[n < 0 ? 0 : n] = '\0';
		const char *label = strstr(buf, labels[i]);
		sum += label == NULL ? 0 : atoi(label + strlen(labels[i]));
	}
	return sum;
}

/* MPTCP connections are closed by a worker of the kernel's, some time. */
static void wait_for_mptcp(void)
{
	for (int i = 0; i < 5000 && count_tcp() > idle; i++)
		usleep(100);
	idle = count_tcp(); /* more only where something leaks */
}

/* No server sets SO_REUSEADDR here. */
static void show_bindable(unsigned short port)
{
	struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	int fd = socket(AF_INET6, SOCK_STREAM, 0);
	show("port %u: ", port);
	show_result(bind(fd, (struct sockaddr *)&any, sizeof any));
	show("\n");
	close(fd);
}

static void drain(void)
{
	char buf[256];
	for (size_t i = 0; i < COUNT_OF(servers); i++)
		for (int fd; (fd = accept(servers[i], NULL, NULL)) >= 0;)
			abort_socket(fd);
	while (recv(pair[1], buf, sizeof buf, MSG_DONTWAIT) > 0)
		;
	while (recv(datagrams[0], buf, sizeof buf, MSG_DONTWAIT) > 0)
		;
}

static void run_sequence(const struct sequence *q)
{
	sigset_t mask;
	unsigned short tried = 0;
	bool mptcp = false;
	for (int i = 0; i < SLOTS; i++)
		forget(&slots[i]);
	epoll_set = epoll_create1(0);
	were_connected = false;
	long timewait = count_timewait();

	for (int i = 0; i < q->count; i++) {
		do_step(&q->steps[i]);
		mptcp |= q->steps[i].op == SOCKET &&
		         kinds[q->steps[i].value].protocol == IPPROTO_MPTCP;
		if (q->steps[i].op >= CONNECT && is_ephemeral(q->steps[i].port) &&
		    q->steps[i].port != TRIED_SERVER)
			tried = q->steps[i].port;
	}

	for (int i = 0; i < SLOTS; i++) {
		const struct slot *s = &slots[i];
		if (s->fd < 0)
			continue;
		show("s%d: error %d", i, option_of(s->fd, SOL_SOCKET, SO_ERROR));
		show_socket(s);
		if (s->copy >= 0)
			show(" copy: %s", same_socket(s->fd, s->copy) ? "same" : "other");
		for (int k = 0; k < i; k++)
			if (slots[k].fd >= 0 && same_socket(s->fd, slots[k].fd))
				show(" same as s%d", k);
		show("\n");
		if (q->all_options)
			show_options(s->fd);
	}
	do_wait();
	show(" of the epoll set\n");
	for (int fd; (fd = take()) >= 0;) {
		struct slot left = {.fd = fd, .copy = -1};
		show("left: error %d", option_of(fd, SOL_SOCKET, SO_ERROR));
		show_socket(&left);
		show("\n");
		abort_socket(fd);
	}
	for (int i = 0; i < SLOTS; i++) {
		abort_socket(slots[i].fd);
		abort_socket(slots[i].copy);
	}
	drain();
	flush_network();
	if (mptcp)
		wait_for_mptcp();
	close(epoll_set);
	int lowest = dup(0), lowest_high = fcntl(0, F_DUPFD, HIGH_FD);
	close(lowest);
	close(lowest_high);
	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	show("descriptors %d %d, signals blocked %d", lowest, lowest_high,
	     !sigisemptyset(&mask));
	/* How a connection ends, when both ends are closed, is up to the timers of both. */
	if (!were_connected)
		show(", TIME_WAIT %ld", count_timewait() - timewait);
	show("\n");
	if (tried != 0)
		show_bindable(tried);
}

/* ---- the two processes ---- */

static struct worker {
	pid_t pid;
	int orders, answers;
} workers[2];

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		err(125, "%s", path);
	close(fd);
}

static int listener(int domain, unsigned short port)
{
	const int on = 1;
	struct sockaddr_in6 any = {.sin6_family = (sa_family_t)domain,
	                           .sin6_port = htons(port)};
	int fd = socket(domain, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (domain == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
	if (bind(fd, (struct sockaddr *)&any, sizeof any) != 0 || listen(fd, 4096) != 0)
		err(125, "listening on %u", port);
	return fd;
}

static int unix_listener(int type, const char *name)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	memcpy(un.sun_path + 1, name + 1, strlen(name) - 1);
	int fd = socket(AF_UNIX, type | SOCK_NONBLOCK, 0);
	if (bind(fd, (struct sockaddr *)&un,
	         (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name))) != 0)
		err(125, "%s", name);
	if (type == SOCK_STREAM)
		listen(fd, 4096);
	return fd;
}

static void set_up_network(void)
{
	struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	struct sockaddr_in self = {.sin_family = AF_INET,
	                           .sin_addr = {htonl(INADDR_LOOPBACK)},
	                           .sin_port = htons(FLUSH)};
	unsigned low = side == KERNEL ? KERNEL_LOW : PRELOADED_LOW;
	char range[32];
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &lo) != 0)
		err(125, "lo");
	close(fd);
	snprintf(range, sizeof range, "%u %u", low, low + RANGE - 1);
	put("/proc/sys/net/ipv4/ip_local_port_range", range);
	move_range();
	put("/proc/sys/net/ipv4/tcp_max_tw_buckets", "0");
	put("/proc/sys/net/ipv4/tcp_syn_retries", "1");
	servers[0] = high(listener(AF_INET, SERVER));
	servers[1] = high(listener(AF_INET6, SERVER));
	servers[2] = high(listener(AF_INET, TRIED_SERVER));
	servers[3] = high(unix_listener(SOCK_STREAM, names[0]));
	datagrams[0] = high(unix_listener(SOCK_DGRAM, names[1]));
	datagrams[1] = high(socket(AF_INET, SOCK_DGRAM, 0));
	if (bind(datagrams[1], (struct sockaddr *)&self, sizeof self) != 0 ||
	    connect(datagrams[1], (struct sockaddr *)&self, sizeof self) != 0)
		err(125, "UDP");
	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) != 0)
		err(125, "socketpair");
	pair[0] = high(pair[0]);
	pair[1] = high(pair[1]);
	idle = count_tcp();
}

/* Each side on its own, if there are two. */
static void stay_on_one_cpu(void)
{
	cpu_set_t allowed, one;
	int chosen = -1;
	CPU_ZERO(&one);
	if (sched_getaffinity(0, sizeof allowed, &allowed) != 0)
		return;
	for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &allowed) && (chosen < 0 || side == PRELOADED))
			chosen = (int)cpu;
	CPU_SET((unsigned)chosen, &one);
	sched_setaffinity(0, sizeof one, &one);
}

/* Before its process is bound to a CPU: it may use the others. */
static void start_watching(void)
{
	pthread_t thread;
	if (!threads)
		return;
	watch_begins = high(eventfd(0, EFD_CLOEXEC));
	if (pthread_create(&thread, NULL, watch, NULL) != 0)
		err(2, "pthread_create");
}

static void become_root_inside(unsigned uid, unsigned gid)
{
	char map[64];
	put("/proc/self/setgroups", "deny");
	snprintf(map, sizeof map, "0 %u 1", uid);
	put("/proc/self/uid_map", map);
	snprintf(map, sizeof map, "0 %u 1", gid);
	put("/proc/self/gid_map", map);
}

/* Runs batches when told to; never returns. */
static void work(int orders, int answers)
{
	char order;
	while (write(answers, "", 1) == 1 && read(orders, &order, 1) == 1) {
		for (int i = 0; i < shared->count; i++) {
			shared->current[side] = i;
			out = &shared->shown[side][i];
			out->len = 0;
			run_sequence(&shared->batch[i]);
		}
		shared->current[side] = -1;
	}
	_exit(0);
}

/*
 * With a PID namespace, both sides have the same process numbers, and with its own /proc, where
 * the preloaded side looks for who else has a socket, there are no other processes to look at.
 * Where /proc can't be mounted, NO_PROC.
 */
enum { NO_PROC = 124 };

static void enter_namespaces(int orders, int answers, bool own_proc)
{
	unsigned uid = geteuid(), gid = getegid();
	int flags = CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID, status;
	if (unshare(flags) != 0) {
		if (errno != EPERM || unshare(CLONE_NEWUSER | flags) != 0)
			err(125, "unshare");
		become_root_inside(uid, gid);
	}
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (own_proc && !mount_own_proc())
			_exit(NO_PROC);
		/* A sequence finds the same lowest descriptors on both sides. */
		if (dup2(orders, HIGH_FD - 1) < 0 || dup2(answers, HIGH_FD - 2) < 0)
			err(125, "dup2");
		syscall(SYS_close_range, 3, HIGH_FD - 3, 0);
		syscall(SYS_close_range, HIGH_FD, ~0u, 0);
		start_watching();
		stay_on_one_cpu();
		set_up_network();
		work(HIGH_FD - 1, HIGH_FD - 2);
	}
	syscall(SYS_close_range, 3, ~0u, 0);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		err(125, "fork");
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

static int end_of(struct worker *w)
{
	int status = 0;
	close(w->orders);
	close(w->answers);
	waitpid(w->pid, &status, 0);
	w->pid = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void start(enum side which)
{
	static bool own_proc = true;
	struct worker *w = &workers[which];
	int orders[2], answers[2], status;
	char ready;
	for (;;) {
		if (pipe2(orders, O_CLOEXEC) != 0 || pipe2(answers, O_CLOEXEC) != 0)
			err(2, "pipe");
		fflush(NULL);
		w->pid = fork();
		if (w->pid < 0)
			err(2, "fork");
		if (w->pid == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			side = which;
			enter_namespaces(orders[0], answers[1], own_proc);
		}
		close(orders[0]);
		close(answers[1]);
		w->orders = orders[1];
		w->answers = answers[0];
		if (read(w->answers, &ready, 1) == 1)
			return;
		status = end_of(w);
		if (status != NO_PROC || !own_proc)
			exit(status == 0 ? 2 : status);
		own_proc = false;
	}
}

/* A sequence in which a process died or hung shows just that, and the rest of the batch
 * nothing. */
static void bury(enum side which, bool stuck)
{
	struct worker *w = &workers[which];
	if (stuck)
		kill(w->pid, SIGKILL);
	int status = end_of(w), at = shared->current[which];
	if (at < 0)
		errx(2, "a process ended with status %d", status);
	for (int i = at; i < shared->count; i++) {
		out = &shared->shown[which][i];
		if (i > at)
			out->len = 0;
		show(i > at  ? "not run\n"
		     : stuck ? " ... hangs\n"
		             : " ... the process ended with status %d\n",
		     status);
	}
	start(which);
}

/* Does it neither end its batch nor begin another sequence of it? A busy machine is slow. */
static bool is_stuck(enum side which)
{
	struct pollfd p = {.fd = workers[which].answers, .events = POLLIN};
	int at;
	do {
		at = shared->current[which];
		if (poll(&p, 1, STUCK_MS) == 1)
			return false;
	} while (shared->current[which] != at);
	return true;
}

/* Runs the batch on both sides. */
static void run_batch(void)
{
	char answer;
	for (int w = 0; w < 2; w++)
		if (write(workers[w].orders, "", 1) != 1)
			err(2, "a process is gone");
	for (int w = 0; w < 2; w++) {
		bool stuck = is_stuck((enum side)w);
		if (stuck || read(workers[w].answers, &answer, 1) != 1)
			bury((enum side)w, stuck);
	}
}

/* ---- comparing, shortening, printing ---- */

static bool equal(const struct outcome *a, const struct outcome *b)
{
	return a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
}

/*
 * Does the preloaded side, when the sequence is run many times, ever show what the kernel alone
 * never does? Returns which of the batch that was, or -1.
 */
static int differing_copy(const struct sequence *q, int copies)
{
	for (int i = 0; i < copies; i++)
		shared->batch[i] = *q;
	shared->count = copies;
	shared->verbose = true;
	run_batch();
	shared->verbose = false;
	for (int i = 0; i < copies; i++) {
		bool found = false;
		for (int k = 0; k < copies && !found; k++)
			found = equal(&shared->shown[PRELOADED][i],
			              &shared->shown[KERNEL][(i + k) % copies]);
		if (!found)
			return i;
	}
	return -1;
}

static struct sequence without(const struct sequence *q, int step)
{
	struct sequence shorter = *q;
	shorter.count--;
	memmove(&shorter.steps[step], &q->steps[step + 1],
	        (size_t)(shorter.count - step) * sizeof q->steps[0]);
	return shorter;
}

static struct sequence shortened(const struct sequence *q, int copies)
{
	struct sequence shortest = *q;
	for (int i = shortest.count - 1; i >= 0; i--) {
		struct sequence shorter = without(&shortest, i);
		if (differing_copy(&shorter, copies) >= 0)
			shortest = shorter;
	}
	return shortest;
}

static const char *const places[] = {"",
                                     " misaligned",
                                     " at the end of a page",
                                     " reaching into an unmapped page",
                                     " unmapped",
                                     " NULL",
                                     " read-only"};

static void print_address(const struct step *s)
{
	const char *const *hosts = s->family == V4 ? hosts4 : s->family == V6 ? hosts6 : names;
	if (s->family == NETLINK || s->family == ODD)
		printf("%s %u", s->family == NETLINK ? "netlink" : "of odd family", s->host);
	else
		printf("%s", hosts[s->host]);
	if (s->port_of_other)
		printf(" port of s%u", s->other);
	else if (s->family != LOCAL && s->family != NETLINK)
		printf(" port %u", s->port);
	if (s->family == V6 && s->flags != 0)
		printf(" with scope");
	if (s->len != natural_len(s))
		printf(", length %d", s->len);
	printf("%s%s", s->place == 0 ? "" : ",", places[s->place]);
}

static void print_message(const struct step *s)
{
	static const char *const levels[] = {"", "; data", "; iovec", "; control", "; message"};
	static const char *const odd[] = {
	        "",           "; 4000 bytes", "; 5 iovecs",  "; 0 iovecs", "; 2000 iovecs",
	        "; -1 bytes", "; 0 messages", "; 2 messages"};
	printf("%s%s%s", levels[s->level], places[s->level_place], odd[s->odd]);
}

static void print_step(const struct step *s)
{
	const struct option *o = &options[s->op == OPTION ? s->value : 0];
	switch (s->op) {
	case SOCKET:
		printf("s%u = %s%s%s%s", s->slot, kinds[s->value].name,
		       (s->flags & SOCK_NONBLOCK) != 0 ? ", non-blocking" : "",
		       (s->flags & SOCK_CLOEXEC) != 0 ? ", close-on-exec" : "",
		       (s->flags & 1) != 0 ? ", and a duplicate of it" : "");
		break;
	case OPTION:
		printf("option of s%u: %s = ", s->slot, o->name);
		if (o->text != NULL)
			printf("\"%s\"", o->text);
		else if (strstr("SO_LINGER SO_SNDTIMEO SO_RCVTIMEO", o->name) != NULL)
			printf("{%d, %d}", o->values[0], o->values[1]);
		else
			printf("%d", o->values[s->flags]);
		break;
	case BIND:
	case CONNECT:
	case SEND_TO:
		if (s->op != SEND_TO)
			printf("%s s%u: ", s->op == BIND ? "bind" : "connect", s->slot);
		else
			printf("%s with s%u%s%s: ",
			       (s->how & BY_SENDMMSG) != 0  ? "sendmmsg"
			       : (s->how & BY_SENDMSG) != 0 ? "sendmsg"
			                                    : "sendto",
			       s->slot, (s->how & MSG_FASTOPEN) != 0 ? ", MSG_FASTOPEN" : "",
			       (s->how & MSG_DONTWAIT) != 0 ? ", MSG_DONTWAIT" : "");
		print_address(s);
		print_message(s);
		break;
	case UNSPEC:
		printf("connect s%u: AF_UNSPEC, length %d", s->slot, s->len);
		break;
	case LISTEN:
		printf("listen s%u", s->slot);
		break;
	case ACCEPT:
		printf("s%u = accept s%u", s->other, s->slot);
		break;
	case SHUTDOWN:
		printf("shutdown s%u: %d", s->slot, s->value);
		break;
	case SEND:
		printf("send s%u", s->slot);
		break;
	case RECEIVE:
		printf("receive s%u", s->slot);
		break;
	case ERROR:
		printf("SO_ERROR of s%u", s->slot);
		break;
	case CLOSE:
		printf("close s%u", s->slot);
		break;
	case DUP:
		printf("s%u = dup of s%u", s->other, s->slot);
		break;
	case DUP2:
		printf("dup2 s%u over s%u", s->slot, s->other);
		break;
	case NONBLOCK:
		printf("s%u %s", s->slot, s->value == 0 ? "blocking" : "non-blocking");
		break;
	case CLOEXEC:
		printf("s%u %s", s->slot,
		       s->value == 0 ? "not close-on-exec" : "close-on-exec");
		break;
	case WATCH:
		printf("epoll set watches s%u%s%s", s->slot,
		       (s->value & 1) != 0 ? ", edge-triggered" : "",
		       (s->value & 2) != 0 ? ", one-shot" : "");
		break;
	case WAIT:
		printf("epoll_wait");
		break;
	case PASS:
		printf("send s%u over a Unix socket", s->slot);
		break;
	default:
		printf("s%u = received from the Unix socket", s->other);
	}
	printf("\n");
}

/* Of text, up to end: with the newline. */
static size_t line_length(const char *text, const char *end)
{
	const char *newline = text < end ? memchr(text, '\n', (size_t)(end - text)) : NULL;
	return newline == NULL ? (size_t)(end - text) : (size_t)(newline + 1 - text);
}

static void print_line(const char *whose, const char *line, size_t n)
{
	printf("      %-8s%.*s%s", whose, (int)n, line, n == 0 ? "nothing\n" : "");
}

/* Side by side, each step with its line; of what comes after the steps, only what differs. */
static void print_difference(const struct sequence *q, int copy)
{
	const struct outcome *a = &shared->shown[KERNEL][0],
	                     *b = &shared->shown[PRELOADED][copy];
	const char *x = a->text, *y = b->text, *x_end = x + a->len, *y_end = y + b->len;
	for (int i = 0; x < x_end || y < y_end; i++) {
		size_t n = line_length(x, x_end), m = line_length(y, y_end);
		bool same = n == m && memcmp(x, y, n) == 0;
		if (i < q->count) {
			printf("%2d. ", i + 1);
			print_step(&q->steps[i]);
		}
		if (same && i < q->count)
			print_line("both:", x, n);
		if (!same) {
			print_line("kernel:", x, n);
			print_line("here:", y, m);
		}
		x += n;
		y += m;
	}
}

/* Returns whether it differs indeed. */
static bool explain(const struct sequence *q)
{
	if (differing_copy(q, BATCH) < 0) {
		return false;
	}
	struct sequence shortest = shortened(q, BATCH / 2);
	int copy = differing_copy(&shortest, BATCH);
	if (copy < 0) {
		shortest = *q;
		copy = differing_copy(&shortest, BATCH);
		if (copy < 0)
			return false;
	}
	printf("sequence %llu differs; to run it again: differ %llu\n",
	       (unsigned long long)q->number, (unsigned long long)q->number);
	print_difference(&shortest, copy < 0 ? 0 : copy);
	fflush(stdout);
	return true;
}

/* Of one that differed once only: what that was. It is no proof, but a place to look. */
static void show_once(const struct sequence *q, const struct outcome seen[2])
{
	const char *x = seen[KERNEL].text, *y = seen[PRELOADED].text;
	const char *x_end = x + seen[KERNEL].len, *y_end = y + seen[PRELOADED].len;
	size_t n, m;
	while ((n = line_length(x, x_end)) == (m = line_length(y, y_end)) && n > 0 &&
	       memcmp(x, y, n) == 0) {
		x += n;
		y += m;
	}
	printf("sequence %llu differed once, and not in %d copies:\n",
	       (unsigned long long)q->number, BATCH);
	print_line("kernel:", x, n);
	print_line("here:", y, m);
	fflush(stdout);
}

/* ---- counting and reporting ---- */

static struct counts {
	uint64_t sequences, steps, connects, reset, other, unsettled;
} counts;

static void count_repairs(void)
{
	const char *path = getenv("NOSELFCONN_LOG");
	FILE *log = path == NULL ? NULL : fopen(path, "r");
	char line[512];
	if (log == NULL)
		return;
	while (fgets(line, sizeof line, log) != NULL)
		if (strstr(line, ": reset in place: ") != NULL)
			counts.reset++;
		else
			counts.other++;
	fclose(log);
	if (truncate(path, 0) != 0)
		err(2, "%s", path);
}

static void count_steps(const struct sequence *q)
{
	counts.sequences++;
	counts.steps += (uint64_t)q->count;
	for (int i = 0; i < q->count; i++)
		counts.connects += q->steps[i].op == CONNECT || q->steps[i].op == UNSPEC ||
		                   q->steps[i].op == SEND_TO;
}

static void report(FILE *to, const char *end)
{
	fprintf(to,
	        "%llu sequences, %llu steps, %llu of them connecting; repairs: "
	        "%llu reset in place, %llu other; %llu not repeatable%s",
	        (unsigned long long)counts.sequences, (unsigned long long)counts.steps,
	        (unsigned long long)counts.connects, (unsigned long long)counts.reset,
	        (unsigned long long)counts.other, (unsigned long long)counts.unsettled, end);
	fflush(to);
}

/* On a terminal, one line that changes; else, a line for every tenth of the whole. */
static void progress(uint64_t count)
{
	static time_t last;
	static uint64_t tenth;
	time_t now = time(NULL);
	if (isatty(STDERR_FILENO) && now != last)
		report(stderr, "\r");
	else if (!isatty(STDERR_FILENO) && count >= 100000 &&
	         counts.sequences * 10 / count != tenth)
		report(stderr, "\n");
	last = now;
	tenth = counts.sequences * 10 / count;
}

static void *map(size_t size, int flags)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);
	if (at == MAP_FAILED)
		err(2, "mmap");
	return at;
}

int main(int argc, char **argv)
{
	threads = argc > 3 && strcmp(argv[3], "threads") == 0;
	if (argc < 2 || argc > 4 || (argc > 3 && !threads))
		errx(2, "usage: differ SEED [COUNT [threads]]");
	uint64_t seed = strtoull(argv[1], NULL, 10);
	uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	struct sequence *batch = map(sizeof shared->batch, MAP_PRIVATE);
	struct outcome(*seen)[2] = map(BATCH * sizeof *seen, MAP_PRIVATE);
	page_size = sysconf(_SC_PAGESIZE);
	for (int i = 0; i < LEVELS; i++) {
		pages[i] = map((size_t)page_size * 2, MAP_PRIVATE);
		mprotect(pages[i] + page_size, (size_t)page_size, PROT_NONE);
	}
	shared = map(sizeof *shared, MAP_SHARED);
	signal(SIGPIPE, SIG_IGN);
	start(KERNEL);
	start(PRELOADED);

	bool differs = false;
	for (uint64_t done = 0; done < count && !differs; done += BATCH) {
		int n = count - done < BATCH ? (int)(count - done) : BATCH;
		for (int i = 0; i < n; i++) {
			batch[i] = random_sequence(seed + done + (uint64_t)i);
			count_steps(&batch[i]);
		}
		memcpy(shared->batch, batch, (size_t)n * sizeof batch[0]);
		shared->count = n;
		run_batch();
		count_repairs();

		/* Explaining one takes the shared memory of the others. */
		bool suspect[BATCH] = {false};
		for (int i = 0; i < n; i++) {
			suspect[i] = argc == 2 || !equal(&shared->shown[KERNEL][i],
			                                 &shared->shown[PRELOADED][i]);
			for (int w = 0; suspect[i] && w < 2; w++)
				seen[i][w] = shared->shown[w][i];
		}
		for (int i = 0; i < n && !differs; i++) {
			if (!suspect[i])
				continue;
			differs = explain(&batch[i]);
			if (!differs && argc > 2) {
				counts.unsettled++;
				show_once(&batch[i], seen[i]);
			}
		}
		progress(count);
	}
	report(stdout, "\n");
	return differs ? 1 : 0;
}
