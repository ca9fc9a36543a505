/* SPDX-License-Identifier: MIT */
/*
 * no-ipv6 COMMAND...: runs the command on a kernel that has no IPv6, as far as it can tell by
 * opening a socket: a seccomp filter fails that with EAFNOSUPPORT. Exit status 125: there is
 * none.
 */
#include <err.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Where the low half of the first argument is. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
enum { DOMAIN = offsetof(struct seccomp_data, args) };
#else
enum { DOMAIN = offsetof(struct seccomp_data, args) + 4 };
#endif

int main(int argc, char **argv)
{
	struct sock_filter filter[] = {
	        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 3),
	        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, DOMAIN),
	        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET6, 0, 1),
	        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EAFNOSUPPORT),
	        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
	struct sock_fprog program = {sizeof filter / sizeof filter[0], filter};
	if (argc < 2)
		errx(125, "usage: no-ipv6 COMMAND...");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) != 0)
		err(125, "seccomp");
	execvp(argv[1], argv + 1);
	err(127, "%s", argv[1]);
}
