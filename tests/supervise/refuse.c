/* SPDX-License-Identifier: MIT */
/*
 * refuse WHAT... -- COMMAND [ARGUMENT...]: runs the command where the kernel, or the profile of
 * a container, refuses something:
 *
 *   NAME      the system call of that name fails with EPERM
 *   docker    so do those that the default profile of Docker refuses without CAP_SYS_PTRACE and
 *             CAP_SYS_ADMIN, if they are about processes
 *   threads   no pidfd of a thread, as before Linux 6.9
 *   killable  no SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, as before Linux 5.19
 *   listener  another seccomp listener: somebody else supervises the command
 */
#include "older.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct sock_filter code[128];
static unsigned short length;
static unsigned long flags;

static void add(struct sock_filter instruction)
{
	code[length++] = instruction;
}

/* If the number is nr and argument has one of bits, or bits is 0. */
static void fail(int nr, int argument, unsigned bits, int error)
{
	size_t at = offsetof(struct seccomp_data, args) + sizeof(__u64) * (size_t)argument;
	add((struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
	                                 offsetof(struct seccomp_data, nr)));
	add((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)nr, 0,
	                                 bits == 0 ? 1 : 3));
	if (bits != 0) {
		add((struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned)at));
		add((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, bits, 0, 1));
	}
	add((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error));
}

static void refuse(const char *what)
{
	static const struct {
		const char *name;
		int nr;
	} names[] = {{"pidfd_getfd", SYS_pidfd_getfd},
	             {"process_vm_readv", SYS_process_vm_readv},
	             {"close_range", SYS_close_range},
	             {"seccomp", SYS_seccomp}};
	static const int docker[] = {SYS_pidfd_getfd, SYS_kcmp,   SYS_bpf,
	                             SYS_unshare,     SYS_setns,  SYS_mount,
	                             SYS_umount2,     SYS_keyctl, SYS_add_key};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(what, names[i].name) == 0)
			fail(names[i].nr, 0, 0, EPERM);
	for (size_t i = 0; strcmp(what, "docker") == 0 && i < sizeof docker / sizeof *docker;
	     i++)
		fail(docker[i], 0, 0, EPERM);
	if (strcmp(what, "threads") == 0)
		fail(SYS_pidfd_open, 1, ~0U, EINVAL);
	if (strcmp(what, "listener") == 0)
		flags = SECCOMP_FILTER_FLAG_NEW_LISTENER;
	if (strcmp(what, "killable") == 0)
		fail(SYS_seccomp, 1, 1U << 5, EINVAL);
}

int main(int argc, char **argv)
{
	int i = 1;
	for (; i < argc && strcmp(argv[i], "--") != 0; i++)
		refuse(argv[i]);
	if (i + 1 >= argc || i == 1)
		errx(125, "usage: refuse WHAT... -- COMMAND [ARGUMENT...]");
	add((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
	const struct sock_fprog filter = {.len = length, .filter = code};
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		err(125, "no_new_privs");
	int listener = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &filter);
	if (listener < 0 || (flags != 0 && fcntl(listener, F_SETFD, 0) != 0))
		err(125, "seccomp");
	execvp(argv[i + 1], argv + i + 1);
	err(127, "%s", argv[i + 1]);
}
