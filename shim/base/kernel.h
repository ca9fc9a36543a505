/* SPDX-License-Identifier: MIT */
/*
 * Numbers of the kernel's interface that some C libraries' headers lack. Those of sockets are
 * <asm-generic/socket.h>'s; alpha, mips, parisc and sparc have others.
 */
#ifndef NOSELFCONN_KERNEL_H
#define NOSELFCONN_KERNEL_H

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif
#ifndef MSG_FASTOPEN
#define MSG_FASTOPEN 0x20000000
#endif
#ifndef MSG_ZEROCOPY
#define MSG_ZEROCOPY 0x4000000
#endif
#ifndef SO_PEERNAME
#define SO_PEERNAME 28
#endif
#ifndef SO_COOKIE
#define SO_COOKIE 57
#endif
#ifndef SO_BINDTOIFINDEX
#define SO_BINDTOIFINDEX 62
#endif
#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif
#ifndef SO_BUF_LOCK
#define SO_BUF_LOCK 72
#endif
#ifndef SOCK_SNDBUF_LOCK
#define SOCK_SNDBUF_LOCK 1
#endif
#ifndef IP_LOCAL_PORT_RANGE
#define IP_LOCAL_PORT_RANGE 51
#endif
#ifndef TCP_RTO_MIN_US
#define TCP_RTO_MIN_US 45
#endif
#ifndef TCP_DELACK_MAX_US
#define TCP_DELACK_MAX_US 46
#endif

/*
 * The ones that every kernel has, with two longs, and without. If time_t is wider than a long,
 * the macros may mean others, and musl has no name for these.
 */
#if defined SO_SNDTIMEO_OLD
enum { SEND_TIMEOUT = SO_SNDTIMEO_OLD, TIMESTAMPING = SO_TIMESTAMPING_OLD };
#elif SO_SNDTIMEO == 67
enum { SEND_TIMEOUT = 21, TIMESTAMPING = 37 };
#else
enum { SEND_TIMEOUT = SO_SNDTIMEO, TIMESTAMPING = SO_TIMESTAMPING };
#endif

/* The states of <netinet/tcp.h>, which does not go with <linux/tcp.h>. */
enum { STATE_ESTABLISHED = 1, STATE_CLOSE = 7 };

#endif
