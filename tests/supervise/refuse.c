/* SPDX-License-Identifier: MIT */
/*
 * refuse WHAT... -- COMMAND [ARGUMENT...]: runs the command where the kernel, or the profile of
 * a container, refuses something:
 *
 *   NAME      the system call of that name fails with EPERM
 *   docker    so do those that the default profile of Docker refuses without CAP_SYS_PTRACE and
 *             CAP_SYS_ADMIN, if they are about processes
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

static void fail(int nr)
{
	add((struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
	                                 offsetof(struct seccomp_data, nr)));
	add((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)nr, 0, 1));
	add((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM));
}

static void refuse(const char *what)
{
	static const struct {
		const char *name;
		int nr;
	} names[] = {{"pidfd_getfd", SYS_pidfd_getfd},
	             {"process_vm_readv", SYS_process_vm_readv},
	             {"close_range", SYS_close_range},
	             {"rt_sigprocmask", SYS_rt_sigprocmask},
	             {"seccomp", SYS_seccomp}};
	static const int docker[] = {SYS_pidfd_getfd, SYS_kcmp,   SYS_bpf,
	                             SYS_unshare,     SYS_setns,  SYS_mount,
	                             SYS_umount2,     SYS_keyctl, SYS_add_key};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(what, names[i].name) == 0)
			fail(names[i].nr);
	for (size_t i = 0; strcmp(what, "docker") == 0 && i < sizeof docker / sizeof *docker;
	     i++)
		fail(docker[i]);
	if (strcmp(what, "listener") == 0)
		flags = SECCOMP_FILTER_FLAG_NEW_LISTENER;
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
