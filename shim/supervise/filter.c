/* SPDX-License-Identifier: MIT */
#include "filter.h"

#include "calls.h"
#include "kernel.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/net.h>
#include <stddef.h>
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

enum { LONGEST_FILTER = 256 };

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
			uint32_t number = abi->numbers[rule->call];
			if (number == NO_CALL)
				continue;
			const struct sock_filter code[] = {
			        LOAD(offsetof(struct seccomp_data, arch)),
			        UNLESS(BPF_JEQ, abi->arch, 5),
			        LOAD(offsetof(struct seccomp_data, nr)),
			        UNLESS(BPF_JEQ, number, 3),
			        LOAD(offsetof(struct seccomp_data, args) +
			             sizeof(uint64_t) * rule->argument),
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
	struct sock_filter code[LONGEST_FILTER];
	struct sock_fprog program = {.filter = code};
	write_filter(&program);
	flags |= SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_SPEC_ALLOW;
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
}

int install_filter(void)
{
	/* A call that has been taken is not interrupted by a signal, so that it is not begun
	 * twice. */
	unsigned long flags = SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
	int fd = install(flags);
	if (fd < 0 && errno == EINVAL) /* before Linux 5.19 */
		fd = install(flags = 0);
	if (fd < 0 && errno == EACCES && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
		fd = install(flags);
	return fd;
}
