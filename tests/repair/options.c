/* SPDX-License-Identifier: MIT */
/*
 * options: does a repair leave a socket every option that the program had set?
 *
 *   options run KIND OUTCOME [TOGETHER]
 *           For each option of the table: sets it on two sockets, connects one with the bare
 *           system call to a port that can't be chosen as a source port, the other with
 *           connect() to 40000, where it is connected to itself, and compares every option of
 *           the table between the two, before and after.
 *           One line for each: "NAME: REPAIR: same", or what differs.
 *           TOGETHER: sets that many on the same two sockets, "NAME: NAME: ...", and each by
 *           itself only if those differ or can't be set together.
 *           KIND: tcp4 tcp6 mapped mptcp4 mptcp6; OUTCOME: refused, replaced (refused, where
 *           no socket can be disconnected), served (a listener on the first port; preload
 *           inject for 40000)
 *   options list
 *           The table: level, number, name, how it is carried
 *   options unknown
 *           What this kernel takes from a TCP socket, and the table does not have
 */
#include "older.h"

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/in6.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LOW_PORT = 7, SELF_PORT = 40000 };

/* What becomes of an option in a repair. */
enum how {
	CARRIED, /* reads back the same on another socket */
	SECRET,  /* can't be read, or no longer: another socket would not have it */
	READ,    /* can't be set, or not on a TCP socket before connect(); must not change */
	ACTION,  /* setting it does something, or nothing; there is nothing to keep */
	DIFFERS, /* not compared, for the reason given with it */
};

static const char *const how_names[] = {"carried", "secret", "read", "action", "differs"};

struct kind {
	const char *name;
	int family, protocol;
	const char *dest;
};

struct option {
	int level, number;
	const char *name;
	enum how how;
	const void *value; /* not the default */
	socklen_t len;
	int (*set)(int fd, const struct kind *k); /* where a plain setsockopt() will not do */
	/* Tells from the result of a call whether an option that can't be read is still set. */
	int (*probe)(int fd, const struct kind *k);
};

static int set(int fd, int level, int number, const void *value, size_t len)
{
	return setsockopt(fd, level, number, value, (socklen_t)len) == 0 ? 0 : errno;
}

static int set_int(int fd, int level, int number, int value)
{
	return set(fd, level, number, &value, sizeof value);
}

/* A key of that length for host; one of length 0 takes the key back. */
static int md5_key(int fd, int family, const char *host, unsigned short length)
{
	struct tcp_md5sig key = {.tcpm_keylen = length};
	struct sockaddr_in *in = (struct sockaddr_in *)&key.tcpm_addr;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&key.tcpm_addr;
	memset(key.tcpm_key, 'k', length);
	if (family == AF_INET) {
		in->sin_family = AF_INET;
		inet_pton(AF_INET, host, &in->sin_addr);
	} else {
		in6->sin6_family = AF_INET6;
		inet_pton(AF_INET6, host, &in6->sin6_addr);
	}
	return set(fd, IPPROTO_TCP, TCP_MD5SIG, &key, sizeof key);
}

static int set_md5(int fd, const struct kind *k)
{
	/* An unsigned RST is ignored, so that this connect() would take minutes to fail. */
	struct timeval jiffy = {.tv_usec = 1};
	set_int(fd, IPPROTO_TCP, TCP_SYNCNT, 1);
	set(fd, SOL_SOCKET, SO_SNDTIMEO, &jiffy, sizeof jiffy);
	return md5_key(fd, k->family, k->dest, 3);
}

/* Taking back a key that is not there gives ENOENT. */
static int take_md5(int fd, const struct kind *k)
{
	return md5_key(fd, k->family, k->dest, 0);
}

static const char *other_host(const struct kind *k)
{
	return k->family == AF_INET ? "127.0.0.9" : "::9";
}

/* The program may turn to another host after this one. */
static int set_md5_other(int fd, const struct kind *k)
{
	return md5_key(fd, k->family, other_host(k), 3);
}

static int take_md5_other(int fd, const struct kind *k)
{
	return md5_key(fd, k->family, other_host(k), 0);
}

/* The default depends on the family. */
static int toggle_multicast_all(int fd, const struct kind *k)
{
	return set_int(fd, IPPROTO_IP, IP_MULTICAST_ALL, k->family == AF_INET ? 0 : 1);
}

static struct sock_filter pass_all[] = {{BPF_RET | BPF_K, 0, 0, 0xffffffff}};
static struct sock_filter first_of_group[] = {{BPF_RET | BPF_K, 0, 0, 0}};

static int ebpf_program(void)
{
	const struct bpf_insn code[] = {
	        {.code = BPF_ALU | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0xffff},
	        {.code = BPF_JMP | BPF_EXIT}};
	union bpf_attr attr;
	memset(&attr, 0, sizeof attr);
	attr.prog_type = BPF_PROG_TYPE_SOCKET_FILTER;
	attr.insns = (uintptr_t)code;
	attr.insn_cnt = sizeof code / sizeof code[0];
	attr.license = (uintptr_t) "MIT";
	return (int)syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof attr);
}

static int set_ebpf(int fd, const struct kind *k)
{
	int program = ebpf_program();
	(void)k;
	if (program < 0)
		return errno;
	int result = set(fd, SOL_SOCKET, SO_ATTACH_BPF, &program, sizeof program);
	close(program);
	return result;
}

static int set_reuseport_cbpf(int fd, const struct kind *k)
{
	struct sock_fprog program = {1, first_of_group};
	(void)k;
	set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	return set(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof program);
}

static int set_reuseport_ebpf(int fd, const struct kind *k)
{
	int program = ebpf_program();
	(void)k;
	if (program < 0)
		return errno;
	set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	int result = set(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_EBPF, &program, sizeof program);
	close(program);
	return result;
}

/* Linux 5.15 and newer. */
static bool has_buf_lock(int fd)
{
	int locks;
	socklen_t len = sizeof locks;
	return getsockopt(fd, SOL_SOCKET, SO_BUF_LOCK, &locks, &len) == 0;
}

/* Linux 5.10 forgets the program whenever a connection ends, also a refused one. */
static int take_reuseport_bpf(int fd, const struct kind *k)
{
	(void)k;
	int error = set_int(fd, SOL_SOCKET, SO_DETACH_REUSEPORT_BPF, 0);
	return error == ENOENT && !has_buf_lock(fd) ? 0 : error;
}

static int set_both(int fd, const struct kind *k)
{
	(void)k;
	set_int(fd, IPPROTO_TCP, TCP_MAXSEG, 1000);
	return set_int(fd, IPPROTO_TCP, TCP_WINDOW_CLAMP, 20000);
}

static int set_clamp_and_buffer(int fd, const struct kind *k)
{
	(void)k;
	set_int(fd, SOL_SOCKET, SO_RCVBUF, 30000);
	return set_int(fd, IPPROTO_TCP, TCP_WINDOW_CLAMP, 20000);
}

/*
 * A size that the program chose, from which the kernel may tune the buffer. (That of SO_SNDBUF
 * is lost: when the repair begins, the connection to itself has had it tuned.)
 */
static int set_and_unlock(int fd, const struct kind *k)
{
	(void)k;
	set_int(fd, SOL_SOCKET, SO_RCVBUF, 40000);
	return set_int(fd, SOL_SOCKET, SO_BUF_LOCK, 0);
}

/* Means nothing to TCP; read with IPV6_2292PKTOPTIONS, where IPV6_RECVPKTINFO asks for it. */
static int set_pktinfo(int fd, const struct kind *k)
{
	struct in6_pktinfo info = {.ipi6_addr = IN6ADDR_LOOPBACK_INIT, .ipi6_ifindex = 1};
	(void)k;
	set_int(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
	return set(fd, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof info);
}

static int see_pktinfo(int fd, const struct kind *k)
{
	/* For a 32-bit program, too, the kernel lays it out as for a 64-bit one. */
	unsigned char message[64];
	socklen_t len = sizeof message;
	(void)k;
	if (getsockopt(fd, IPPROTO_IPV6, IPV6_2292PKTOPTIONS, message, &len) != 0)
		return errno;
	const struct in6_addr wanted = IN6ADDR_LOOPBACK_INIT;
	return memmem(message, len, &wanted, sizeof wanted) == NULL;
}

static int flow_label(int fd, unsigned char action)
{
	struct in6_flowlabel_req request = {
	        .flr_dst = IN6ADDR_LOOPBACK_INIT,
	        .flr_label = htonl(0x12345),
	        .flr_action = action,
	        .flr_share = IPV6_FL_S_ANY,
	        .flr_flags = action == IPV6_FL_A_GET ? IPV6_FL_F_CREATE : 0};
	return set(fd, IPPROTO_IPV6, IPV6_FLOWLABEL_MGR, &request, sizeof request);
}

static int set_flow_label(int fd, const struct kind *k)
{
	(void)k;
	return flow_label(fd, IPV6_FL_A_GET);
}

/* Putting back a label that was not taken gives ESRCH. */
static int put_flow_label(int fd, const struct kind *k)
{
	(void)k;
	return flow_label(fd, IPV6_FL_A_PUT);
}

/* An IPv6 extension header that does nothing. */
#define PADDING 0, 0, 1, 4, 0, 0, 0, 0
#define ARRAY(type, ...)                                                                       \
	.value = (const type[]) {__VA_ARGS__}, .len = sizeof((const type[]) {__VA_ARGS__})
#define INT(n) ARRAY(int, n)
#define BYTES(...) ARRAY(unsigned char, __VA_ARGS__)
#define TEXT(s) .value = s, .len = sizeof s
#define NOTHING .value = NULL

#if defined __GNUC__ && __GNUC__ < 11
/* It takes these for initializers without names. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#endif

/* By number, like the table in shim/replace/options.c. */
static const struct option table[] = {
        {SOL_SOCKET, 1, "SO_DEBUG", CARRIED, INT(1)},
        {SOL_SOCKET, 2, "SO_REUSEADDR", CARRIED, INT(1)},
        {SOL_SOCKET, 3, "SO_TYPE", READ, NOTHING},
        {SOL_SOCKET, 4, "SO_ERROR", READ, NOTHING},
        {SOL_SOCKET, 5, "SO_DONTROUTE", CARRIED, INT(1)},
        {SOL_SOCKET, 6, "SO_BROADCAST", CARRIED, INT(1)},
        {SOL_SOCKET, 7, "SO_SNDBUF", CARRIED, INT(30000)},
        {SOL_SOCKET, 7, "SO_SNDBUF, the least", CARRIED, INT(0)},
        {SOL_SOCKET, 7, "SO_SNDBUF, the most", CARRIED, INT(0x7fffffff)},
        {SOL_SOCKET, 8, "SO_RCVBUF", CARRIED, INT(30000)},
        {SOL_SOCKET, 8, "SO_RCVBUF, the least", CARRIED, INT(0)},
        {SOL_SOCKET, 8, "SO_RCVBUF, the most", CARRIED, INT(0x7fffffff)},
        {SOL_SOCKET, 8, "SO_RCVBUF, unlocked", CARRIED, .set = set_and_unlock},
        {SOL_SOCKET, 9, "SO_KEEPALIVE", CARRIED, INT(1)},
        {SOL_SOCKET, 10, "SO_OOBINLINE", CARRIED, INT(1)},
        {SOL_SOCKET, 11, "SO_NO_CHECK", CARRIED, INT(1)},
        {SOL_SOCKET, 12, "SO_PRIORITY", CARRIED, INT(5)},
        {SOL_SOCKET, 13, "SO_LINGER", CARRIED, ARRAY(int, 1, 7)},
        {SOL_SOCKET, 14, "SO_BSDCOMPAT", READ, NOTHING},
        {SOL_SOCKET, 15, "SO_REUSEPORT", CARRIED, INT(1)},
        {SOL_SOCKET, 16, "SO_PASSCRED", READ, NOTHING},
        {SOL_SOCKET, 17, "SO_PEERCRED", READ, NOTHING},
        {SOL_SOCKET, 18, "SO_RCVLOWAT", CARRIED, INT(100)},
        {SOL_SOCKET, 19, "SO_SNDLOWAT", READ, NOTHING},
        {SOL_SOCKET, 20, "SO_RCVTIMEO", CARRIED, ARRAY(long, 5, 0)},
        {SOL_SOCKET, 21, "SO_SNDTIMEO", CARRIED, ARRAY(long, 5, 0)},
        {SOL_SOCKET, 25, "SO_BINDTODEVICE", CARRIED, TEXT("lo")},
        {SOL_SOCKET, 26, "SO_ATTACH_FILTER", SECRET, ARRAY(struct sock_fprog, {1, pass_all})},
        {SOL_SOCKET, 27, "SO_DETACH_FILTER", ACTION, NOTHING},
        {SOL_SOCKET, 28, "SO_PEERNAME", DIFFERS, NOTHING}, /* another port */
        {SOL_SOCKET, 29, "SO_TIMESTAMP", CARRIED, INT(1)},
        {SOL_SOCKET, 30, "SO_ACCEPTCONN", READ, NOTHING},
        {SOL_SOCKET, 32, "SO_SNDBUFFORCE", SECRET, INT(20000000)}, /* beyond wmem_max */
        {SOL_SOCKET, 33, "SO_RCVBUFFORCE", SECRET, INT(20000000)}, /* beyond rmem_max */
        {SOL_SOCKET, 34, "SO_PASSSEC", READ, NOTHING},
        {SOL_SOCKET, 35, "SO_TIMESTAMPNS", CARRIED, INT(1)},
        {SOL_SOCKET, 36, "SO_MARK", CARRIED, INT(7)},
        {SOL_SOCKET, 37, "SO_TIMESTAMPING", CARRIED, INT(16)},
        {SOL_SOCKET, 38, "SO_PROTOCOL", READ, NOTHING},
        {SOL_SOCKET, 39, "SO_DOMAIN", READ, NOTHING},
        {SOL_SOCKET, 40, "SO_RXQ_OVFL", CARRIED, INT(1)},
        {SOL_SOCKET, 41, "SO_WIFI_STATUS", CARRIED, INT(1)},
        {SOL_SOCKET, 42, "SO_PEEK_OFF", CARRIED, INT(3)},
        {SOL_SOCKET, 43, "SO_NOFCS", CARRIED, INT(1)},
        {SOL_SOCKET, 44, "SO_LOCK_FILTER", SECRET, INT(1)},
        {SOL_SOCKET, 45, "SO_SELECT_ERR_QUEUE", CARRIED, INT(1)},
        {SOL_SOCKET, 46, "SO_BUSY_POLL", CARRIED, INT(50)},
        {SOL_SOCKET, 47, "SO_MAX_PACING_RATE", CARRIED, ARRAY(uint64_t, 1000000)},
        {SOL_SOCKET, 48, "SO_BPF_EXTENSIONS", READ, NOTHING},
        {SOL_SOCKET, 49, "SO_INCOMING_CPU", DIFFERS,
         NOTHING}, /* the last packet's, whatever was set */
        {SOL_SOCKET, 50, "SO_ATTACH_BPF", SECRET, .set = set_ebpf},
        {SOL_SOCKET, 51, "SO_ATTACH_REUSEPORT_CBPF", SECRET, .set = set_reuseport_cbpf,
         .probe = take_reuseport_bpf},
        {SOL_SOCKET, 52, "SO_ATTACH_REUSEPORT_EBPF", SECRET, .set = set_reuseport_ebpf,
         .probe = take_reuseport_bpf},
        {SOL_SOCKET, 53, "SO_CNX_ADVICE", ACTION, INT(1)},
        {SOL_SOCKET, 55, "SO_MEMINFO", DIFFERS, NOTHING},          /* a count */
        {SOL_SOCKET, 56, "SO_INCOMING_NAPI_ID", DIFFERS, NOTHING}, /* the last packet's */
        {SOL_SOCKET, 57, "SO_COOKIE", DIFFERS, NOTHING},           /* a serial number */
        {SOL_SOCKET, 60, "SO_ZEROCOPY", CARRIED, INT(1)},
        {SOL_SOCKET, 61, "SO_TXTIME", CARRIED, ARRAY(int, 11, 1)},
        {SOL_SOCKET, 62, "SO_BINDTOIFINDEX", CARRIED, INT(1)},
        {SOL_SOCKET, 63, "SO_TIMESTAMP_NEW", CARRIED, INT(1)},
        {SOL_SOCKET, 64, "SO_TIMESTAMPNS_NEW", CARRIED, INT(1)},
        {SOL_SOCKET, 65, "SO_TIMESTAMPING_NEW", CARRIED, INT(16)},
        {SOL_SOCKET, 66, "SO_RCVTIMEO_NEW", CARRIED, ARRAY(int64_t, 5, 0)},
        {SOL_SOCKET, 67, "SO_SNDTIMEO_NEW", CARRIED, ARRAY(int64_t, 5, 0)},
        {SOL_SOCKET, 69, "SO_PREFER_BUSY_POLL", CARRIED, INT(1)},
        {SOL_SOCKET, 70, "SO_BUSY_POLL_BUDGET", ACTION, INT(8)}, /* of SO_PREFER_BUSY_POLL */
        {SOL_SOCKET, 71, "SO_NETNS_COOKIE", READ, NOTHING},
        {SOL_SOCKET, 72, "SO_BUF_LOCK", CARRIED, INT(3)},
        {SOL_SOCKET, 72, "SO_BUF_LOCK, of sending", CARRIED, INT(1)},
        {SOL_SOCKET, 72, "SO_BUF_LOCK, of receiving", CARRIED, INT(2)},
        {SOL_SOCKET, 73, "SO_RESERVE_MEM", READ, NOTHING}, /* only in a memory cgroup */
        {SOL_SOCKET, 74, "SO_TXREHASH", CARRIED, INT(0)},
        {SOL_SOCKET, 75, "SO_RCVMARK", CARRIED, INT(1)},
        {SOL_SOCKET, 80, "SO_DEVMEM_DONTNEED", ACTION, NOTHING},
        {SOL_SOCKET, 76, "SO_PASSPIDFD", READ, NOTHING},
        {SOL_SOCKET, 82, "SO_RCVPRIORITY", CARRIED, INT(1)},
        {SOL_SOCKET, 83, "SO_PASSRIGHTS", READ, NOTHING},
        {SOL_SOCKET, 84, "SO_INQ", READ, NOTHING},

        {IPPROTO_IP, 1, "IP_TOS", CARRIED, INT(16)},
        {IPPROTO_IP, 2, "IP_TTL", CARRIED, INT(33)},
        {IPPROTO_IP, 3, "IP_HDRINCL", READ, NOTHING},
        {IPPROTO_IP, 4, "IP_OPTIONS", CARRIED, BYTES(1, 1, 1, 1)},
        {IPPROTO_IP, 5, "IP_ROUTER_ALERT", READ, NOTHING},
        {IPPROTO_IP, 6, "IP_RECVOPTS", CARRIED, INT(1)},
        {IPPROTO_IP, 7, "IP_RETOPTS", CARRIED, INT(1)},
        {IPPROTO_IP, 8, "IP_PKTINFO", CARRIED, INT(1)},
        {IPPROTO_IP, 9, "IP_PKTOPTIONS", READ, NOTHING},
        {IPPROTO_IP, 10, "IP_MTU_DISCOVER", CARRIED, INT(2)},
        {IPPROTO_IP, 11, "IP_RECVERR", CARRIED, INT(1)},
        {IPPROTO_IP, 12, "IP_RECVTTL", CARRIED, INT(1)},
        {IPPROTO_IP, 13, "IP_RECVTOS", CARRIED, INT(1)},
        {IPPROTO_IP, 14, "IP_MTU", READ, NOTHING},
        {IPPROTO_IP, 15, "IP_FREEBIND", CARRIED, INT(1)},
        {IPPROTO_IP, 18, "IP_PASSSEC", CARRIED, INT(1)},
        {IPPROTO_IP, 19, "IP_TRANSPARENT", CARRIED, INT(1)},
        {IPPROTO_IP, 20, "IP_ORIGDSTADDR", CARRIED, INT(1)},
        {IPPROTO_IP, 21, "IP_MINTTL", CARRIED, INT(3)},
        {IPPROTO_IP, 22, "IP_NODEFRAG", READ, NOTHING},
        {IPPROTO_IP, 23, "IP_CHECKSUM", CARRIED, INT(1)},
        {IPPROTO_IP, 24, "IP_BIND_ADDRESS_NO_PORT", CARRIED, INT(1)},
        {IPPROTO_IP, 25, "IP_RECVFRAGSIZE", READ, NOTHING},
        {IPPROTO_IP, 26, "IP_RECVERR_RFC4884", CARRIED, INT(1)},
        {IPPROTO_IP, 32, "IP_MULTICAST_IF", READ, NOTHING},
        {IPPROTO_IP, 33, "IP_MULTICAST_TTL", READ, NOTHING},
        {IPPROTO_IP, 34, "IP_MULTICAST_LOOP", CARRIED, INT(0)},
        {IPPROTO_IP, 49, "IP_MULTICAST_ALL", CARRIED, .set = toggle_multicast_all},
        {IPPROTO_IP, 50, "IP_UNICAST_IF", CARRIED, BYTES(0, 0, 0, 1)},
        {IPPROTO_IP, 51, "IP_LOCAL_PORT_RANGE", CARRIED, ARRAY(unsigned, 40000 | 40001u << 16)},
        {IPPROTO_IP, 52, "IP_PROTOCOL", DIFFERS, NOTHING}, /* the port */

        {IPPROTO_IPV6, 1, "IPV6_ADDRFORM", READ, NOTHING}, /* of a connected socket */
        {IPPROTO_IPV6, 2, "IPV6_2292PKTINFO", CARRIED, INT(1)},
        {IPPROTO_IPV6, 3, "IPV6_2292HOPOPTS", CARRIED, INT(1)},
        {IPPROTO_IPV6, 4, "IPV6_2292DSTOPTS", CARRIED, INT(1)},
        {IPPROTO_IPV6, 5, "IPV6_2292RTHDR", CARRIED, INT(1)},
        {IPPROTO_IPV6, 6, "IPV6_2292PKTOPTIONS", DIFFERS, NOTHING}, /* the last packet's */
        {IPPROTO_IPV6, 8, "IPV6_2292HOPLIMIT", CARRIED, INT(1)},
        {IPPROTO_IPV6, 11, "IPV6_FLOWINFO", CARRIED, INT(1)},
        {IPPROTO_IPV6, 16, "IPV6_UNICAST_HOPS", CARRIED, INT(33)},
        {IPPROTO_IPV6, 17, "IPV6_MULTICAST_IF", DIFFERS, NOTHING},   /* the last packet's */
        {IPPROTO_IPV6, 18, "IPV6_MULTICAST_HOPS", DIFFERS, NOTHING}, /* the last packet's */
        {IPPROTO_IPV6, 19, "IPV6_MULTICAST_LOOP", CARRIED, INT(0)},
        {IPPROTO_IPV6, 22, "IPV6_ROUTER_ALERT", READ, NOTHING},
        {IPPROTO_IPV6, 23, "IPV6_MTU_DISCOVER", CARRIED, INT(2)},
        {IPPROTO_IPV6, 24, "IPV6_MTU", ACTION, INT(1300)}, /* no TCP segment goes by it */
        {IPPROTO_IPV6, 25, "IPV6_RECVERR", CARRIED, INT(1)},
        {IPPROTO_IPV6, 26, "IPV6_V6ONLY", CARRIED, INT(1)},
        {IPPROTO_IPV6, 29, "IPV6_MULTICAST_ALL", CARRIED, INT(0)},
        {IPPROTO_IPV6, 30, "IPV6_ROUTER_ALERT_ISOLATE", CARRIED, INT(1)},
        {IPPROTO_IPV6, 31, "IPV6_RECVERR_RFC4884", CARRIED, INT(1)},
        {IPPROTO_IPV6, 32, "IPV6_FLOWLABEL_MGR", SECRET, .set = set_flow_label,
         .probe = put_flow_label},
        {IPPROTO_IPV6, 33, "IPV6_FLOWINFO_SEND", CARRIED, INT(1)},
        {IPPROTO_IPV6, 49, "IPV6_RECVPKTINFO", CARRIED, INT(1)},
        {IPPROTO_IPV6, 50, "IPV6_PKTINFO", SECRET, .set = set_pktinfo, .probe = see_pktinfo},
        {IPPROTO_IPV6, 51, "IPV6_RECVHOPLIMIT", CARRIED, INT(1)},
        {IPPROTO_IPV6, 53, "IPV6_RECVHOPOPTS", CARRIED, INT(1)},
        /* With the two of routing headers, no connection to oneself comes about. */
        {IPPROTO_IPV6, 54, "IPV6_HOPOPTS", CARRIED, BYTES(PADDING)},
        {IPPROTO_IPV6, 55, "IPV6_RTHDRDSTOPTS", READ, NOTHING},
        {IPPROTO_IPV6, 56, "IPV6_RECVRTHDR", CARRIED, INT(1)},
        {IPPROTO_IPV6, 57, "IPV6_RTHDR", READ,
         NOTHING}, /* its packets do not come back to the socket */
        {IPPROTO_IPV6, 58, "IPV6_RECVDSTOPTS", CARRIED, INT(1)},
        {IPPROTO_IPV6, 59, "IPV6_DSTOPTS", CARRIED, BYTES(PADDING)},
        {IPPROTO_IPV6, 60, "IPV6_RECVPATHMTU", CARRIED, INT(1)},
        {IPPROTO_IPV6, 61, "IPV6_PATHMTU", READ, NOTHING},
        {IPPROTO_IPV6, 62, "IPV6_DONTFRAG", CARRIED, INT(1)},
        {IPPROTO_IPV6, 63, "IPV6_USE_MIN_MTU", CARRIED, INT(1)},
        {IPPROTO_IPV6, 66, "IPV6_RECVTCLASS", CARRIED, INT(1)},
        {IPPROTO_IPV6, 67, "IPV6_TCLASS", CARRIED, INT(16)},
        {IPPROTO_IPV6, 70, "IPV6_AUTOFLOWLABEL", CARRIED, INT(0)},
        {IPPROTO_IPV6, 72, "IPV6_ADDR_PREFERENCES", CARRIED, INT(IPV6_PREFER_SRC_TMP)},
        {IPPROTO_IPV6, 73, "IPV6_MINHOPCOUNT", CARRIED, INT(3)},
        {IPPROTO_IPV6, 74, "IPV6_ORIGDSTADDR", CARRIED, INT(1)},
        {IPPROTO_IPV6, 75, "IPV6_TRANSPARENT", CARRIED, INT(1)},
        {IPPROTO_IPV6, 76, "IPV6_UNICAST_IF", CARRIED, BYTES(0, 0, 0, 1)},
        {IPPROTO_IPV6, 77, "IPV6_RECVFRAGSIZE", CARRIED, INT(1)},
        {IPPROTO_IPV6, 78, "IPV6_FREEBIND", CARRIED, INT(1)},

        {IPPROTO_TCP, 1, "TCP_NODELAY", CARRIED, INT(1)},
        {IPPROTO_TCP, 2, "TCP_MAXSEG", CARRIED, INT(1000)},
        {IPPROTO_TCP, 2, "TCP_MAXSEG, the least", CARRIED, INT(88)},
        {IPPROTO_TCP, 2, "TCP_MAXSEG, the most", CARRIED, INT(32767)},
        {IPPROTO_TCP, 2, "TCP_MAXSEG with TCP_WINDOW_CLAMP", CARRIED, .set = set_both},
        {IPPROTO_TCP, 3, "TCP_CORK", CARRIED, INT(1)},
        {IPPROTO_TCP, 4, "TCP_KEEPIDLE", CARRIED, INT(100)},
        {IPPROTO_TCP, 5, "TCP_KEEPINTVL", CARRIED, INT(10)},
        {IPPROTO_TCP, 6, "TCP_KEEPCNT", CARRIED, INT(3)},
        {IPPROTO_TCP, 7, "TCP_SYNCNT", CARRIED, INT(2)},
        {IPPROTO_TCP, 8, "TCP_LINGER2", CARRIED, INT(10)},
        {IPPROTO_TCP, 9, "TCP_DEFER_ACCEPT", CARRIED, INT(10)},
        {IPPROTO_TCP, 10, "TCP_WINDOW_CLAMP", CARRIED, INT(20000)},
        {IPPROTO_TCP, 10, "TCP_WINDOW_CLAMP, a small one", CARRIED, INT(1200)},
        {IPPROTO_TCP, 10, "TCP_WINDOW_CLAMP, a large one", SECRET, INT(1000000)},
        {IPPROTO_TCP, 10, "TCP_WINDOW_CLAMP with SO_RCVBUF", CARRIED,
         .set = set_clamp_and_buffer},
        {IPPROTO_TCP, 11, "TCP_INFO", DIFFERS, NOTHING}, /* counts and times */
        {IPPROTO_TCP, 12, "TCP_QUICKACK", SECRET, INT(0)},
        {IPPROTO_TCP, 13, "TCP_CONGESTION", CARRIED, TEXT("reno")},
        {IPPROTO_TCP, 14, "TCP_MD5SIG", SECRET, .set = set_md5, .probe = take_md5},
        {IPPROTO_TCP, 14, "TCP_MD5SIG of another host", SECRET, .set = set_md5_other,
         .probe = take_md5_other},
        {IPPROTO_TCP, 16, "TCP_THIN_LINEAR_TIMEOUTS", CARRIED, INT(1)},
        {IPPROTO_TCP, 17, "TCP_THIN_DUPACK", ACTION, INT(1)}, /* without effect since 4.11 */
        {IPPROTO_TCP, 18, "TCP_USER_TIMEOUT", CARRIED, INT(5000)},
        {IPPROTO_TCP, 19, "TCP_REPAIR", READ, NOTHING}, /* in that mode, it is left alone */
        {IPPROTO_TCP, 20, "TCP_REPAIR_QUEUE", READ, NOTHING},
        {IPPROTO_TCP, 21, "TCP_QUEUE_SEQ", READ, NOTHING},
        {IPPROTO_TCP, 23, "TCP_FASTOPEN", CARRIED, INT(5)},
        {IPPROTO_TCP, 24, "TCP_TIMESTAMP", DIFFERS, NOTHING}, /* a clock */
        {IPPROTO_TCP, 25, "TCP_NOTSENT_LOWAT", CARRIED, INT(1000)},
        {IPPROTO_TCP, 26, "TCP_CC_INFO", DIFFERS, NOTHING}, /* a measurement */
        {IPPROTO_TCP, 27, "TCP_SAVE_SYN", CARRIED, INT(1)},
        {IPPROTO_TCP, 28, "TCP_SAVED_SYN", READ, NOTHING},
        {IPPROTO_TCP, 29, "TCP_REPAIR_WINDOW", READ, NOTHING},
        {IPPROTO_TCP, 30, "TCP_FASTOPEN_CONNECT", CARRIED, INT(1)},
        {IPPROTO_TCP, 31, "TCP_ULP", READ, NOTHING}, /* without a connection there is but SMC */
        {IPPROTO_TCP, 33, "TCP_FASTOPEN_KEY", CARRIED, TEXT("fifteen letters")},
        {IPPROTO_TCP, 34, "TCP_FASTOPEN_NO_COOKIE", CARRIED, INT(1)},
        {IPPROTO_TCP, 35, "TCP_ZEROCOPY_RECEIVE", READ, NOTHING},
        {IPPROTO_TCP, 36, "TCP_INQ", CARRIED, INT(1)},
        {IPPROTO_TCP, 37, "TCP_TX_DELAY", CARRIED, INT(1000)},
        {IPPROTO_TCP, 43, "TCP_IS_MPTCP", READ, NOTHING},
        {IPPROTO_TCP, 44, "TCP_RTO_MAX_MS", CARRIED, INT(2000)},
        {IPPROTO_TCP, 45, "TCP_RTO_MIN_US", CARRIED, INT(100000)},
        {IPPROTO_TCP, 46, "TCP_DELACK_MAX_US", CARRIED, INT(50000)},
};
enum { OPTIONS = sizeof table / sizeof table[0] };

static const struct {
	int level;
	const char *name;
} levels[] = {{SOL_SOCKET, "SOL_SOCKET"},
              {IPPROTO_IP, "IPPROTO_IP"},
              {IPPROTO_IPV6, "IPPROTO_IPV6"},
              {IPPROTO_TCP, "IPPROTO_TCP"}};
/* Numbers of 64 to 67 at IPPROTO_IP and IPPROTO_IPV6 are netfilter's tables, not the socket's.
 */
enum { LEVELS = 4, NUMBERS = 128 };

static const struct option *find(int level, int number)
{
	for (size_t i = 0; i < OPTIONS; i++)
		if (table[i].level == level && table[i].number == number)
			return &table[i];
	return NULL;
}

static const char *level_name(int level)
{
	size_t i = 0;
	while (levels[i].level != level)
		i++;
	return levels[i].name;
}

struct reading {
	int error;
	socklen_t len;
	unsigned char bytes[256];
};

/* Every option of a socket, in the table's order: `options unknown` tells whether it has all.
 */
struct state {
	struct reading option[OPTIONS];
};

/* Some want a length of exactly 8. */
static void read_option(int fd, int level, int number, struct reading *r)
{
	const socklen_t lengths[] = {sizeof r->bytes, 8};
	for (int i = 0; i < 2; i++) {
		memset(r, 0, sizeof *r);
		r->len = lengths[i];
		if (getsockopt(fd, level, number, r->bytes, &r->len) == 0)
			return;
		r->error = errno;
		r->len = 0;
		if (errno == ENOPROTOOPT)
			return;
	}
}

static void read_state(int fd, struct state *s)
{
	for (size_t i = 0; i < OPTIONS; i++)
		read_option(fd, table[i].level, table[i].number, &s->option[i]);
}

/* What was read of an option of SOL_SOCKET. */
static const struct reading *reading(const struct state *s, int number)
{
	return &s->option[find(SOL_SOCKET, number) - table];
}

static bool same(const struct reading *a, const struct reading *b)
{
	return memcmp(a, b, sizeof *a) == 0;
}

static void show(const struct reading *r)
{
	if (r->error != 0)
		printf("%s", strerror(r->error));
	for (socklen_t i = 0; i < r->len && i < sizeof r->bytes; i++)
		printf("%02x", r->bytes[i]);
}

static int number_in(const struct reading *r)
{
	int value = -1;
	memcpy(&value, r->bytes, sizeof value);
	return value;
}

/*
 * To start SO_SNDBUF anew takes SO_BUF_LOCK, which came with Linux 5.15, and can't be set on an
 * MPTCP socket: without it a reset leaves the size that the self-connection was tuned to.
 */
static bool is_left_as_tuned(const struct state *s, int level, int number)
{
	const struct reading *locks = reading(s, SO_BUF_LOCK);
	if (level != SOL_SOCKET || number != SO_SNDBUF)
		return false;
	return locks->error == ENOPROTOOPT ||
	       (number_in(reading(s, SO_PROTOCOL)) == IPPROTO_MPTCP &&
	        (number_in(locks) & SOCK_SNDBUF_LOCK) == 0);
}

/* Says what differs between two sockets, the first of which was not repaired. */
static bool same_state(const char *when, const struct state *plain,
                       const struct state *repaired)
{
	bool equal = true;
	for (size_t i = 0; i < OPTIONS; i++) {
		const struct option *o = &table[i];
		const struct reading *a = &plain->option[i], *b = &repaired->option[i];
		if (same(a, b) || o->how == DIFFERS || o != find(o->level, o->number) ||
		    (when != NULL && is_left_as_tuned(plain, o->level, o->number)))
			continue;
		equal = false;
		if (when == NULL)
			break;
		printf(" %s, %s is ", when, o->name);
		show(b);
		printf(", not ");
		show(a);
		printf(";");
	}
	return equal;
}

static const struct kind kinds[] = {{"tcp4", AF_INET, IPPROTO_TCP, "127.0.0.1"},
                                    {"tcp6", AF_INET6, IPPROTO_TCP, "::1"},
                                    {"mapped", AF_INET6, IPPROTO_TCP, "::ffff:127.0.0.1"},
                                    {"mptcp4", AF_INET, IPPROTO_MPTCP, "127.0.0.1"},
                                    {"mptcp6", AF_INET6, IPPROTO_MPTCP, "::1"}};

static socklen_t address(const struct kind *k, int port, struct sockaddr_storage *a)
{
	struct sockaddr_in *in = (struct sockaddr_in *)a;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)a;
	memset(a, 0, sizeof *a);
	a->ss_family = (sa_family_t)k->family;
	if (k->family == AF_INET) {
		in->sin_port = htons((in_port_t)port);
		inet_pton(AF_INET, k->dest, &in->sin_addr);
		return sizeof *in;
	}
	in6->sin6_port = htons((in_port_t)port);
	inet_pton(AF_INET6, k->dest, &in6->sin6_addr);
	return sizeof *in6;
}

static int new_socket(const struct kind *k)
{
	int fd = socket(k->family, SOCK_STREAM, k->protocol);
	if (fd < 0)
		err(2, "socket");
	return fd;
}

static int set_option(int fd, const struct kind *k, const struct option *o)
{
	return o->set != NULL ? o->set(fd, k) : set(fd, o->level, o->number, o->value, o->len);
}

static bool is_self_connected(int fd)
{
	struct sockaddr_storage a, b;
	socklen_t alen = sizeof a, blen = sizeof b;
	memset(&a, 0, sizeof a);
	memset(&b, 0, sizeof b);
	return getsockname(fd, (struct sockaddr *)&a, &alen) == 0 &&
	       getpeername(fd, (struct sockaddr *)&b, &blen) == 0 &&
	       memcmp(&a, &b, sizeof a) == 0;
}

/* How the library repaired the last socket of this process, from its log; or NULL. */
static const char *repair_made(void)
{
	const char *path = getenv("NOSELFCONN_LOG");
	static char how[64];
	char line[512], pid[32];
	bool found = false;
	snprintf(pid, sizeof pid, "[%d]: ", (int)getpid());
	FILE *f = path == NULL ? NULL : fopen(path, "re");
	while (f != NULL && fgets(line, sizeof line, f) != NULL) {
		char *outcome = strrchr(line, ':');
		if (strstr(line, pid) == NULL || outcome == NULL)
			continue;
		*outcome = '\0';
		found = true;
		snprintf(how, sizeof how, "%s", strrchr(line, ':') + 2);
	}
	if (f != NULL)
		fclose(f);
	return found ? how : NULL;
}

/* Leaves no TIME_WAIT to the next attempt. */
static void abort_at_close(int fd)
{
	const struct linger abort = {.l_onoff = 1};
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
}

static void serve(const struct kind *k)
{
	struct sockaddr_storage a;
	socklen_t len = address(k, LOW_PORT, &a);
	int fd = socket(k->family, SOCK_STREAM, IPPROTO_TCP);
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, len) != 0 || listen(fd, 1) != 0)
		err(2, "serve");
}

enum { GOOD, BAD, NOT_SELF_CONNECTED, NOT_REPAIRED };

enum { MOST_TOGETHER = 10 };

struct attempt {
	const struct kind *kind;
	const struct option *options[MOST_TOGETHER];
	size_t count;
	bool served, replaced;
};

/* What lacking.c does is for connect() alone: the rest is slow with it. */
static void toggle_lacking(const struct attempt *t)
{
	if (t->replaced)
		raise(SIGURG);
}

/* Connects both sockets; says where the outcome or the repair is not what it should be. */
static int connect_both(const struct attempt *t, int plain, int repaired)
{
	struct sockaddr_storage low, self;
	socklen_t len = address(t->kind, LOW_PORT, &low);
	address(t->kind, SELF_PORT, &self);

	/* The first takes the port that is left, where a listener has come to 40000. */
	toggle_lacking(t);
	int error = connect(repaired, (struct sockaddr *)&self, len) == 0 ? 0 : errno;
	toggle_lacking(t);
	const char *how = repair_made();
	if (is_self_connected(repaired)) {
		printf(" self-connected\n");
		abort_at_close(repaired);
		return NOT_REPAIRED;
	}
	if (how == NULL)
		return NOT_SELF_CONNECTED;
	printf(" %s:", how);
	int plain_error = syscall(SYS_connect, plain, &low, len) == 0 ? 0 : errno;
	if (error != plain_error)
		printf(" connect: %s, not %s;", strerror(error), strerror(plain_error));
	const char *expected = t->replaced ? "replaced" : "reset in place";
	if (strcmp(how, expected) != 0)
		printf(" not %s;", expected);
	return error == plain_error && strcmp(how, expected) == 0 ? GOOD : BAD;
}

static bool are_kept(const struct attempt *t, int fd)
{
	bool kept = true;
	for (size_t i = 0; i < t->count; i++)
		if (t->options[i]->probe != NULL && t->options[i]->probe(fd, t->kind) != 0)
			kept = false;
	if (!kept)
		printf(" forgotten;");
	return kept;
}

/* Sets them on both sockets; those that are no options of this kind of socket are taken out. */
static int set_options(struct attempt *t, int a, int b)
{
	size_t count = 0;
	for (size_t i = 0; i < t->count; i++) {
		const struct option *o = t->options[i];
		int failed = set_option(a, t->kind, o), other = set_option(b, t->kind, o);
		if (failed == ENOPROTOOPT || failed == EOPNOTSUPP)
			continue;
		t->options[count++] = o;
		printf("%s:", o->name);
		if (failed != 0 || other != 0) {
			printf(" can't be set: %s\n", strerror(failed != 0 ? failed : other));
			return BAD;
		}
	}
	t->count = count;
	return GOOD;
}

/* MPTCP takes some options and ignores them. */
static bool shows(const struct attempt *t)
{
	const struct option *o = t->options[0];
	return t->kind->protocol == IPPROTO_TCP && o->probe == NULL && o->how != ACTION;
}

/* In a process of its own, so that all sockets are gone when it ends. */
static int try(struct attempt *t)
{
	static struct state fresh, before, plain, repaired;
	int a = new_socket(t->kind), b = new_socket(t->kind);

	toggle_lacking(t);
	read_state(a, &fresh);
	int result = set_options(t, a, b);
	if (result != GOOD || t->count == 0)
		return result;
	read_state(a, &plain);
	read_state(b, &before);
	if (!same_state("before", &plain, &before))
		result = BAD;
	if (shows(t) && same_state(NULL, &fresh, &plain)) {
		printf(" set to its default;");
		result = BAD;
	}

	if (t->served)
		serve(t->kind);
	int connected = connect_both(t, a, b);
	if (connected == NOT_SELF_CONNECTED || connected == NOT_REPAIRED)
		return connected;
	read_state(a, &plain);
	read_state(b, &repaired);
	/* A new socket has not tried to connect. */
	const struct state *wanted = t->replaced ? &before : &plain;
	if (connected != GOOD || !same_state("after", wanted, &repaired) || !are_kept(t, b))
		result = BAD;
	printf("%s\n", result == GOOD ? " same" : "");
	abort_at_close(a);
	abort_at_close(b);
	return result;
}

/* Says what came of it, but not of several together that are not good. */
static int try_apart(const struct attempt *t)
{
	struct attempt own = *t;
	int status;
	fflush(stdout);
	pid_t child = fork();
	if (child == 0) {
		alarm(20);
		status = try(&own);
		if (status != NOT_SELF_CONNECTED && (status != BAD || t->count == 1))
			fflush(stdout);
		_exit(status);
	}
	if (waitpid(child, &status, 0) != child)
		err(2, "waitpid");
	if (WIFSIGNALED(status) && t->count == 1)
		printf("%s: signal %d\n", t->options[0]->name, WTERMSIG(status));
	return WIFEXITED(status) ? WEXITSTATUS(status) : BAD;
}

/* With IP_LOCAL_PORT_RANGE the kernel starts anywhere in the range, so that it may take
 * several. */
static int try_until_self_connected(const struct attempt *t)
{
	int status = NOT_SELF_CONNECTED;
	for (int i = 0; i < 50 && status == NOT_SELF_CONNECTED; i++)
		status = try_apart(t);
	if (status == NOT_SELF_CONNECTED && t->count == 1)
		printf("%s: never self-connected\n", t->options[0]->name);
	return status;
}

/* Ends with an attempt that has no options. */
static bool all_good(struct attempt *t)
{
	struct attempt one = *t;
	int status = t->count == 0 ? GOOD : try_until_self_connected(t);
	bool good = status == GOOD;
	if (status != GOOD && status != NOT_REPAIRED && t->count > 1) {
		good = true;
		one.count = 1;
		for (size_t i = 0; i < t->count; i++) {
			one.options[0] = t->options[i];
			good &= try_until_self_connected(&one) == GOOD;
		}
	}
	t->count = 0;
	return good;
}

static bool can_be_tried(const struct attempt *t, const struct option *o)
{
	/* An IPv6 socket for IPv6 alone connects to no IPv4 address. */
	if (strcmp(t->kind->name, "mapped") == 0 && strcmp(o->name, "IPV6_V6ONLY") == 0)
		return false;
	return (o->value != NULL || o->set != NULL) && !(t->replaced && o->how == SECRET);
}

/* Not two settings of the same option. */
static bool goes_with(const struct attempt *t, const struct option *o)
{
	for (size_t i = 0; i < t->count; i++)
		if (find(o->level, o->number) ==
		    find(t->options[i]->level, t->options[i]->number))
			return false;
	return true;
}

static int run(char **args)
{
	static char buffer[1 << 16];
	struct attempt t = {.served = strcmp(args[1], "served") == 0,
	                    .replaced = strcmp(args[1], "replaced") == 0};
	size_t together = args[2] == NULL ? 1 : strtoul(args[2], NULL, 10);
	bool good = true;
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		if (strcmp(kinds[i].name, args[0]) == 0)
			t.kind = &kinds[i];
	if (t.kind == NULL)
		errx(2, "%s: no such kind", args[0]);
	if (together == 0 || together > MOST_TOGETHER)
		errx(2, "%s: no such number", args[2]);
	setvbuf(stdout, buffer, _IOFBF,
	        sizeof buffer); /* an attempt may take back what it said */
	for (size_t i = 0; i < OPTIONS; i++) {
		if (!can_be_tried(&t, &table[i]))
			continue;
		if (t.count == together || !goes_with(&t, &table[i]))
			good &= all_good(&t);
		t.options[t.count++] = &table[i];
	}
	return all_good(&t) && good ? 0 : 1;
}

static void list(void)
{
	for (size_t i = 0; i < OPTIONS; i++)
		printf("%s %d %s: %s\n", level_name(table[i].level), table[i].number,
		       table[i].name, how_names[table[i].how]);
}

/* What can be read or set, with one of the values that most options take. */
static bool is_known(const struct kind *k, int level, int number)
{
	static const unsigned char values[][16] = {{1}, {0}};
	const socklen_t lengths[] = {4, 8, 16};
	struct reading r;
	int fd = new_socket(k);
	read_option(fd, level, number, &r);
	bool known = r.error == 0;
	for (int v = 0; v < 2; v++)
		for (int l = 0; l < 3; l++)
			known |= set(fd, level, number, values[v], lengths[l]) == 0;
	close(fd);
	return known;
}

static void unknown(void)
{
	for (int k = 0; k < 2; k++)
		for (int l = 0; l < LEVELS; l++)
			for (int n = 0; n < NUMBERS; n++)
				if (find(levels[l].level, n) == NULL &&
				    is_known(&kinds[k], levels[l].level, n))
					printf("%s: %s %d\n", kinds[k].name, levels[l].name, n);
}

int main(int argc, char **argv)
{
	if (argc > 3 && strcmp(argv[1], "run") == 0)
		return run(argv + 2);
	if (argc == 2 && strcmp(argv[1], "list") == 0)
		list();
	else if (argc == 2 && strcmp(argv[1], "unknown") == 0)
		unknown();
	else
		errx(2, "usage: options run KIND OUTCOME [TOGETHER] | list | unknown");
	return 0;
}
