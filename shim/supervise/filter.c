/* SPDX-License-Identifier: MIT */
#include "filter.h"

#include "kernel.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/net.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

/*
 * A connect() whose address has this length would fail with EINVAL; in the filter, with EISNAM.
 * It is negative, because qemu-user makes room on its stack for any other.
 */
enum { QUESTION = -0x6e736c66 };

/* No address of IPv4 or IPv6 is shorter; many of Unix sockets are. */
enum { SHORTEST_ADDRESS = 16 };

/* Of an argument, which has 64 bits. */
enum { LOWER_HALF = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 4 : 0 };

#define X32(number) (0x40000000 | (number))

/* The numbers that each ABI has for the calls. The last one has arch 0. */
static const struct abi {
	uint32_t arch, word, numbers[CALLS];
} abis[] = {
#if defined __x86_64__ || defined __i386__
        {AUDIT_ARCH_X86_64, 8, {42, 44, 46, 307, -1U, 425}},
        {AUDIT_ARCH_X86_64, 4, {X32(42), X32(44), X32(518), X32(538), -1U, X32(425)}},
        {AUDIT_ARCH_I386, 4, {362, 369, 370, 345, 102, 425}},
#elif defined __aarch64__
        {AUDIT_ARCH_AARCH64, 8, {203, 206, 211, 269, -1U, 425}},
        {AUDIT_ARCH_ARM, 4, {283, 290, 296, 374, -1U, 425}},
#elif defined __s390x__
        {AUDIT_ARCH_S390X, 8, {362, 369, 370, 358, 102, 425}},
#endif
        {0, 0, {0}},
};

/* What is done with a call if one of its arguments passes a test. All else is allowed. */
static const struct rule {
	enum call call;
	unsigned argument;
	uint16_t test;
	uint32_t value, action;
} rules[] = {
        {CONNECT, 2, BPF_JEQ, (uint32_t)QUESTION, SECCOMP_RET_ERRNO | EISNAM},
        {CONNECT, 2, BPF_JGE, SHORTEST_ADDRESS, SECCOMP_RET_USER_NOTIF},
        {SENDTO, 3, BPF_JSET, MSG_FASTOPEN, SECCOMP_RET_USER_NOTIF},
        {SENDMSG, 2, BPF_JSET, MSG_FASTOPEN, SECCOMP_RET_USER_NOTIF},
        {SENDMMSG, 3, BPF_JSET, MSG_FASTOPEN, SECCOMP_RET_USER_NOTIF},
        {SOCKETCALL, 0, BPF_JEQ, SYS_CONNECT, SECCOMP_RET_USER_NOTIF},
        {SOCKETCALL, 0, BPF_JEQ, SYS_SENDTO, SECCOMP_RET_USER_NOTIF},
        {SOCKETCALL, 0, BPF_JEQ, SYS_SENDMSG, SECCOMP_RET_USER_NOTIF},
        {SOCKETCALL, 0, BPF_JEQ, SYS_SENDMMSG, SECCOMP_RET_USER_NOTIF},
        {IO_URING_SETUP, 0, BPF_JGE, 0, SECCOMP_RET_ERRNO | ENOSYS},
};

#define LOAD(offset) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(offset))
#define UNLESS(test, value, skip) BPF_JUMP(BPF_JMP | (test) | BPF_K, (value), 0, (skip))
#define RETURN(action) BPF_STMT(BPF_RET | BPF_K, (action))

static void write_filter(struct sock_fprog *program)
{
	for (const struct abi *abi = abis; abi->arch != 0; abi++)
		for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
			const struct rule *rule = &rules[i];
			const struct sock_filter code[] = {
			        LOAD(offsetof(struct seccomp_data, arch)),
			        UNLESS(BPF_JEQ, abi->arch, 5),
			        LOAD(offsetof(struct seccomp_data, nr)),
			        UNLESS(BPF_JEQ, abi->numbers[rule->call], 3),
			        LOAD(offsetof(struct seccomp_data, args[rule->argument]) +
			             LOWER_HALF),
			        UNLESS(rule->test, rule->value, 1),
			        RETURN(rule->action),
			};
			memcpy(program->filter + program->len, code, sizeof code);
			program->len += sizeof code / sizeof *code;
		}
	program->filter[program->len++] = (struct sock_filter)RETURN(SECCOMP_RET_ALLOW);
}

bool is_filtered(void)
{
	return syscall(SYS_connect, -1, NULL, QUESTION) != 0 && errno == EISNAM;
}

static int install(unsigned long flags)
{
	struct sock_filter code[256]; /* enough: 3 ABIs, 10 rules, 7 each */
	struct sock_fprog program = {.filter = code};
	write_filter(&program);
	flags |= SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_SPEC_ALLOW;
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
}

int install_filter(void)
{
	/* A call that has been taken is not interrupted by a signal, so that it is not begun
	 * twice. */
	unsigned long flags = WAIT_KILLABLE;
	errno = ENOTSUP;
	int fd = abis[0].arch == 0 ? -1 : install(flags);
	if (fd < 0 && errno == EINVAL) /* before Linux 5.19 */
		fd = install(flags = 0);
	if (fd < 0 && errno == EACCES && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
		fd = install(flags);
	return fd;
}

enum call call_of(const struct seccomp_data *data, size_t *word)
{
	for (const struct abi *abi = abis; abi->arch != 0; abi++)
		for (enum call call = 0; abi->arch == data->arch && call < CALLS; call++)
			if (abi->numbers[call] == (uint32_t)data->nr) {
				*word = abi->word;
				return call;
			}
	return CALLS;
}
