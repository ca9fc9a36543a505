/* SPDX-License-Identifier: MIT */
/*
 * System calls, made without the C library: each function does what the call of that name does,
 * and returns the result or -errno. It leaves errno alone.
 *
 * Why not through the C library: one file must work in programs of every C library; a seccomp
 * filter needs an exact list of the calls; and some preloads that are loaded after this one
 * replace these functions, or syscall(2).
 */
#ifndef NOSELFCONN_SYS_H
#define NOSELFCONN_SYS_H

#include <stddef.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>

struct statx;

/* On x32, SYS_ numbers are those of x32, and types differ: not supported. */
#if defined __x86_64__ && defined __ILP32__
#error "x32 is not supported"
#endif

/* The analyzer of clang does not know that the kernel writes to memory. */
#if defined __clang_analyzer__
long sys(long number, long a, long b, long c, long d, long e, long f);
#elif defined __x86_64__
static inline long sys(long number, long a, long b, long c, long d, long e, long f)
{
	long result;
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	__asm__ volatile("syscall"
	                 : "=a"(result)
	                 : "0"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
	                 : "rcx", "r11", "memory");
	return result;
}
#elif defined __aarch64__
static inline long sys(long number, long a, long b, long c, long d, long e, long f)
{
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	register long x5 __asm__("x5") = f;
	__asm__ volatile("svc 0"
	                 : "+r"(x0)
	                 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
	                 : "memory", "cc");
	return x0;
}
#elif defined __s390x__
static inline long sys(long number, long a, long b, long c, long d, long e, long f)
{
	register long r1 __asm__("r1") = number;
	register long r2 __asm__("r2") = a;
	register long r3 __asm__("r3") = b;
	register long r4 __asm__("r4") = c;
	register long r5 __asm__("r5") = d;
	register long r6 __asm__("r6") = e;
	register long r7 __asm__("r7") = f;
	__asm__ volatile("svc 0"
	                 : "+d"(r2)
	                 : "d"(r1), "d"(r3), "d"(r4), "d"(r5), "d"(r6), "d"(r7)
	                 : "memory", "cc");
	return r2;
}
#else
/* Out of line: on i386 it takes all registers, elsewhere it goes through syscall(2). */
long sys(long number, long a, long b, long c, long d, long e, long f);
#endif

static inline int sys_getsockname(int fd, void *addr, socklen_t *len)
{
	return (int)sys(SYS_getsockname, fd, (long)addr, (long)len, 0, 0, 0);
}

static inline int sys_getpeername(int fd, void *addr, socklen_t *len)
{
	return (int)sys(SYS_getpeername, fd, (long)addr, (long)len, 0, 0, 0);
}

static inline int sys_getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
	return (int)sys(SYS_getsockopt, fd, level, name, (long)value, (long)len, 0);
}

static inline int sys_setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
	return (int)sys(SYS_setsockopt, fd, level, name, (long)value, (long)len, 0);
}

static inline int sys_bind(int fd, const void *addr, socklen_t len)
{
	return (int)sys(SYS_bind, fd, (long)addr, (long)len, 0, 0, 0);
}

static inline int sys_socket(int domain, int type, int protocol)
{
	return (int)sys(SYS_socket, domain, type, protocol, 0, 0, 0);
}

static inline int sys_fcntl(int fd, int command, long argument)
{
	return (int)sys(SYS_fcntl, fd, command, argument, 0, 0, 0);
}

static inline int sys_dup3(int from, int to, int flags)
{
	return (int)sys(SYS_dup3, from, to, flags, 0, 0, 0);
}

static inline int sys_close(int fd)
{
	return (int)sys(SYS_close, fd, 0, 0, 0, 0, 0);
}

static inline int sys_openat(int dir, const char *path, int flags, unsigned mode)
{
	return (int)sys(SYS_openat, dir, (long)path, flags, (long)mode, 0, 0);
}

static inline long sys_read(int fd, void *buf, size_t size)
{
	return sys(SYS_read, fd, (long)buf, (long)size, 0, 0, 0);
}

static inline long sys_write(int fd, const void *buf, size_t size)
{
	return sys(SYS_write, fd, (long)buf, (long)size, 0, 0, 0);
}

static inline int sys_statx(int dir, const char *path, int flags, unsigned mask,
                            struct statx *st)
{
	return (int)sys(SYS_statx, dir, (long)path, flags, (long)mask, (long)st, 0);
}

static inline int sys_prctl(int option)
{
	return (int)sys(SYS_prctl, option, 0, 0, 0, 0, 0);
}

/* Returns private memory of that size, all zero, or NULL. */
static inline void *sys_mmap(size_t size)
{
	const int protection = PROT_READ | PROT_WRITE, flags = MAP_PRIVATE | MAP_ANONYMOUS;
#if defined __s390x__
	const long six[6] = {0, (long)size, protection, flags, -1, 0};
	long at = sys(SYS_mmap, (long)six, 0, 0, 0, 0, 0);
#elif defined SYS_mmap2
	long at = sys(SYS_mmap2, 0, (long)size, protection, flags, -1, 0);
#else
	long at = sys(SYS_mmap, 0, (long)size, protection, flags, -1, 0);
#endif
	return at < 0 && at >= -4095 ? NULL : (void *)at;
}

static inline int sys_mprotect(unsigned long from, size_t size, int protection)
{
	return (int)sys(SYS_mprotect, (long)from, (long)size, protection, 0, 0, 0);
}

static inline int sys_getpid(void)
{
	return (int)sys(SYS_getpid, 0, 0, 0, 0, 0, 0);
}

#endif
