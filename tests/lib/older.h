/* SPDX-License-Identifier: MIT */
/* What the tests use and older headers lack: Debian 11's, those of glibc 2.17, musl's. */
#ifndef OLDER_H
#define OLDER_H

#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/auxv.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef AF_SMC
#define AF_SMC 43
#endif
#ifndef AT_MINSIGSTKSZ
#define AT_MINSIGSTKSZ 51
#endif
#ifndef EPOLLEXCLUSIVE
#define EPOLLEXCLUSIVE (1U << 28)
#endif
#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif
#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif
#ifndef IPPROTO_SMC
#define IPPROTO_SMC 256
#endif
#ifndef IPV6_FLOWLABEL_MGR
#define IPV6_FLOWLABEL_MGR 32
#endif
#ifndef MFD_CLOEXEC
#define MFD_CLOEXEC 1U
/* The call's number on x86-64: glibc 2.17 is tested there alone. */
#define memfd_create(name, flags) ((int)syscall(319, name, flags))
#endif
#ifndef MSG_FASTOPEN
#define MSG_FASTOPEN 0x20000000
#endif
#ifndef MSG_ZEROCOPY
#define MSG_ZEROCOPY 0x4000000
#endif
#ifndef SO_ZEROCOPY
#define SO_ZEROCOPY 60
#endif
#ifndef SO_BUF_LOCK
#define SO_BUF_LOCK 72
#define SOCK_SNDBUF_LOCK 1
#endif
#ifndef TCP_FASTOPEN_CONNECT
#define TCP_FASTOPEN_CONNECT 30
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif
#ifndef SYS_close_range
#define SYS_close_range 436
#endif

#ifdef __GLIBC__
#define HAS_ERRNO_NAMES __GLIBC_PREREQ(2, 32)
#else
#define HAS_ERRNO_NAMES 0
#endif

#if !HAS_ERRNO_NAMES
#define NAMED(e) [e] = #e

/* The name of an errno that connecting, sending or binding may end in; else NULL. */
static inline const char *strerrorname_np(int e)
{
	static const char *const names[] = {NAMED(EPERM),           NAMED(ENOENT),
	                                    NAMED(EINTR),           NAMED(EIO),
	                                    NAMED(EBADF),           NAMED(EAGAIN),
	                                    NAMED(ENOMEM),          NAMED(EACCES),
	                                    NAMED(EFAULT),          NAMED(EBUSY),
	                                    NAMED(EEXIST),          NAMED(ENODEV),
	                                    NAMED(EINVAL),          NAMED(ENFILE),
	                                    NAMED(EMFILE),          NAMED(ENOTTY),
	                                    NAMED(ENOSPC),          NAMED(ESPIPE),
	                                    NAMED(EPIPE),           NAMED(EDOM),
	                                    NAMED(ERANGE),          NAMED(ENOSYS),
	                                    NAMED(ENOTSOCK),        NAMED(EDESTADDRREQ),
	                                    NAMED(EMSGSIZE),        NAMED(EPROTOTYPE),
	                                    NAMED(ENOPROTOOPT),     NAMED(EOPNOTSUPP),
	                                    NAMED(EAFNOSUPPORT),    NAMED(EADDRINUSE),
	                                    NAMED(EADDRNOTAVAIL),   NAMED(ENETDOWN),
	                                    NAMED(ENETUNREACH),     NAMED(ECONNABORTED),
	                                    NAMED(ECONNRESET),      NAMED(ENOBUFS),
	                                    NAMED(EISCONN),         NAMED(ENOTCONN),
	                                    NAMED(ETIMEDOUT),       NAMED(ECONNREFUSED),
	                                    NAMED(EHOSTUNREACH),    NAMED(EALREADY),
	                                    NAMED(EINPROGRESS),     NAMED(ECANCELED),
	                                    NAMED(EPROTONOSUPPORT), NAMED(ESOCKTNOSUPPORT)};
	return e >= 0 && (size_t)e < sizeof names / sizeof *names ? names[e] : NULL;
}

#undef NAMED
#endif

#endif
