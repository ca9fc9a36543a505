/* SPDX-License-Identifier: MIT */
#include "filter.h"

#include "calls.h"
#include "kernel.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

/* A connect() whose address has this length would fail with EINVAL; in the filter, with EISNAM.
 */
enum { QUESTION = 0x6e736c66 };

/* No address of IPv4 or IPv6 is shorter; many of Unix sockets are. */
enum { SHORTEST_ADDRESS = 16 };

enum { LONGEST_FILTER = 256 };

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define ARGUMENT(i) (offsetof(struct seccomp_data, args) + sizeof(uint64_t) * (i))
#else
#define ARGUMENT(i) (offsetof(struct seccomp_data, args) + sizeof(uint64_t) * (i) + 4)
#endif
#define LOAD(what) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(what))
#define RETURN(what) BPF_STMT(BPF_RET | BPF_K, (uint32_t)(what))
#define IF(test, value, yes, no)                                                               \
	BPF_JUMP(BPF_JMP | (test) | BPF_K, (uint32_t)(value), (yes), (no))
#define NOTIFY RETURN(SECCOMP_RET_USER_NOTIF)
#define ALLOW RETURN(SECCOMP_RET_ALLOW)

static const struct sock_filter connects[] = {
        LOAD(ARGUMENT(2)),
        IF(BPF_JEQ, QUESTION, 0, 1),
        RETURN(SECCOMP_RET_ERRNO | EISNAM),
        IF(BPF_JGE, SHORTEST_ADDRESS, 0, 1),
        NOTIFY,
        ALLOW,
};
static const struct sock_filter fourth_is_fastopen[] = {
        LOAD(ARGUMENT(3)),
        IF(BPF_JSET, MSG_FASTOPEN, 0, 1),
        NOTIFY,
        ALLOW,
};
static const struct sock_filter third_is_fastopen[] = {
        LOAD(ARGUMENT(2)),
        IF(BPF_JSET, MSG_FASTOPEN, 0, 1),
        NOTIFY,
        ALLOW,
};
static const struct sock_filter socketcalls[] = {
        LOAD(ARGUMENT(0)),
        IF(BPF_JEQ, SOCKETCALL_CONNECT, 3, 0),
        IF(BPF_JEQ, SOCKETCALL_SENDTO, 2, 0),
        IF(BPF_JEQ, SOCKETCALL_SENDMSG, 1, 0),
        IF(BPF_JEQ, SOCKETCALL_SENDMMSG, 0, 1),
        NOTIFY,
        ALLOW,
};
static const struct sock_filter refuse[] = {RETURN(SECCOMP_RET_ERRNO | ENOSYS)};

struct test {
	const struct sock_filter *code;
	size_t length;
};
#define TEST(name) ((struct test) {(name), sizeof(name) / sizeof *(name)})

static struct test test_of(enum kind kind)
{
	switch (kind) {
	case CONNECTS:
		return TEST(connects);
	case SENDS_MESSAGE:
		return TEST(third_is_fastopen);
	case SENDS:
	case SENDS_MESSAGES:
		return TEST(fourth_is_fastopen);
	case SOCKETCALL:
		return TEST(socketcalls);
	default:
		return TEST(refuse);
	}
}

/* Writes what is asked of the calls of one ABI, and sets *call to what follows them. */
static size_t write_arch(struct sock_filter *code, const struct call **call)
{
	uint32_t arch = (*call)->arch;
	size_t n = 2; /* the first two are written when the end is known */
	for (; (*call)->arch == arch; ++*call) {
		struct test test = test_of((*call)->kind);
		code[n++] = (struct sock_filter)LOAD(offsetof(struct seccomp_data, nr));
		code[n++] = (struct sock_filter)IF(BPF_JEQ, (*call)->number, 0,
		                                   (uint8_t)test.length);
		memcpy(code + n, test.code, test.length * sizeof *code);
		n += test.length;
	}
	code[0] = (struct sock_filter)LOAD(offsetof(struct seccomp_data, arch));
	code[1] = (struct sock_filter)IF(BPF_JEQ, arch, 0, (uint8_t)(n - 2));
	return n;
}

static size_t write_filter(struct sock_filter *code)
{
	size_t n = 0;
	for (const struct call *call = calls; call->arch != 0;)
		n += write_arch(code + n, &call);
	code[n++] = (struct sock_filter)ALLOW;
	return n;
}

bool is_filtered(void)
{
	return syscall(SYS_connect, -1, NULL, QUESTION) != 0 && errno == EISNAM;
}

static int install(const struct sock_fprog *filter, unsigned long flags)
{
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, filter);
}

int install_filter(void)
{
	struct sock_filter code[LONGEST_FILTER];
	struct sock_fprog filter = {.len = (unsigned short)write_filter(code), .filter = code};
	/* A call that has been taken is not interrupted by a signal, so that it is not begun
	 * twice. */
	unsigned long flags = SECCOMP_FILTER_FLAG_NEW_LISTENER |
	                      SECCOMP_FILTER_FLAG_SPEC_ALLOW |
	                      SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
	/* With close_range() came POLLHUP of a listener, which tells us when to end: Linux 5.9.
	 */
	if (calls[0].arch == 0 || syscall(SYS_close_range, ~0U, ~0U, 0) != 0) {
		errno = ENOSYS;
		return -1;
	}
	int fd = install(&filter, flags);
	if (fd < 0 && errno == EINVAL) { /* before Linux 5.19 */
		flags &= ~SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
		fd = install(&filter, flags);
	}
	if (fd < 0 && errno == EACCES && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
		fd = install(&filter, flags);
	return fd;
}
