/*
 * Numbers of the kernel's interface that some C library's headers do not have (musl, or a libc
 * older than the kernel it runs on). They are those of <asm-generic/socket.h>; on alpha, mips,
 * parisc and sparc, which have others, no socket is reopened, see options_carry().
 */
#ifndef NOSELFCONN_KERNEL_H
#define NOSELFCONN_KERNEL_H

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif
#ifndef SO_PEERNAME
#define SO_PEERNAME 28
#endif
#ifndef SO_MEMINFO
#define SO_MEMINFO 55
#endif
/* Its numbers, from <linux/sock_diag.h>: how many there are, and what options take. */
enum { MEMINFO_VARS = 9, MEMINFO_OPTMEM = 6 };
#ifndef SO_BUF_LOCK
#define SO_BUF_LOCK 72
#endif
#ifndef SOCK_SNDBUF_LOCK
#define SOCK_SNDBUF_LOCK 1
#endif
#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

#endif
