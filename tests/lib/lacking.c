/* SPDX-License-Identifier: MIT */
/*
 * lacking COMMAND...: runs the command on a kernel that lacks something, for the command and
 * for what is loaded into it alike: with ptrace(2), because the library makes its own system
 * calls, and looks for seccomp filters. The environment says what is lacking:
 *
 *   ABSENT="LEVEL:NAME..."   these socket options can be neither read nor set (ENOPROTOOPT);
 *                            LEVEL:NAME! can be read, but not set
 *   ABSENT_DISCONNECT=all    connect() with AF_UNSPEC is refused on every socket (EOPNOTSUPP);
 *                            with "mptcp", on those of MPTCP only
 *
 * A process that raises SIGURG lacks nothing, and is as fast as others, until it raises it
 * again. Exit status 125: that can't be done here.
 */
#include "older.h"

#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined __x86_64__
#include <sys/user.h>
enum {
	NUMBER = offsetof(struct user_regs_struct, orig_rax),
	RESULT = offsetof(struct user_regs_struct, rax)
};

static bool is_absent(unsigned level, unsigned name, const char *mark)
{
	char list[128], option[32];
	const char *absent = getenv("ABSENT");
	snprintf(list, sizeof list, " %s ", absent == NULL ? "" : absent);
	snprintf(option, sizeof option, " %u:%u%s ", level, name, mark);
	return strstr(list, option) != NULL;
}

static int protocol_of(pid_t pid, int fd)
{
	int protocol = 0, pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	int copy = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	socklen_t len = sizeof protocol;
	getsockopt(copy, SOL_SOCKET, SO_PROTOCOL, &protocol, &len);
	close(copy);
	close(pidfd);
	return protocol;
}

static bool cannot_disconnect(pid_t pid, int fd)
{
	const char *absent = getenv("ABSENT_DISCONNECT");
	return absent != NULL &&
	       (strcmp(absent, "all") == 0 ||
	        (strcmp(absent, "mptcp") == 0 && protocol_of(pid, fd) == IPPROTO_MPTCP));
}

/* The errno that the call is to fail with, or 0. */
static int failure(pid_t pid, const unsigned long long *args, unsigned long long number)
{
	unsigned level = (unsigned)args[1], name = (unsigned)args[2];
	switch (number) {
	case SYS_getsockopt:
		return is_absent(level, name, "") ? ENOPROTOOPT : 0;
	case SYS_setsockopt:
		return is_absent(level, name, "") || is_absent(level, name, "!") ? ENOPROTOOPT
		                                                                 : 0;
	case SYS_connect:
		errno = 0;
		if ((ptrace(PTRACE_PEEKDATA, pid, args[1], NULL) & 0xffff) != AF_UNSPEC ||
		    errno != 0 || args[2] < 2)
			return 0;
		return cannot_disconnect(pid, (int)args[0]) ? EOPNOTSUPP : 0;
	default:
		return 0;
	}
}

/* By thread: the errno that its call fails with. PIDs are few in a namespace of its own. */
static int failing[65536];
static bool lacks_nothing[65536];

static void at_call(pid_t pid)
{
	struct __ptrace_syscall_info info;
	int *fails = &failing[(unsigned)pid % 65536];
	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info) <= 0)
		err(125, "PTRACE_GET_SYSCALL_INFO");
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
		*fails = failure(pid, (unsigned long long *)info.entry.args, info.entry.nr);
		if (*fails != 0)
			ptrace(PTRACE_POKEUSER, pid, NUMBER, -1L);
	} else if (*fails != 0) {
		ptrace(PTRACE_POKEUSER, pid, RESULT, -(long)*fails);
		*fails = 0;
	}
}

static void trace(pid_t child)
{
	int status;
	pid_t pid;
	while ((pid = waitpid(-1, &status, __WALL)) > 0) {
		int sig = WIFSTOPPED(status) ? WSTOPSIG(status) : 0;
		if (pid == child && WIFEXITED(status))
			exit(WEXITSTATUS(status));
		if (pid == child && WIFSIGNALED(status))
			exit(128 + WTERMSIG(status));
		if (!WIFSTOPPED(status))
			continue;
		if (sig == (SIGTRAP | 0x80)) {
			at_call(pid);
			sig = 0;
		} else if (status >> 16 != 0 || sig == SIGSTOP) {
			sig = 0; /* an event, or a child that has just been attached to */
		} else if (sig == SIGURG) {
			lacks_nothing[pid % 65536] = !lacks_nothing[pid % 65536];
			sig = 0;
		}
		ptrace(lacks_nothing[pid % 65536] ? PTRACE_CONT : PTRACE_SYSCALL, pid, NULL,
		       (long)sig);
	}
	err(125, "waitpid");
}

int main(int argc, char **argv)
{
	const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
	                     PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
	int status;
	if (argc < 2)
		errx(125, "usage: lacking COMMAND...");
	pid_t child = fork();
	if (child == 0) {
		raise(SIGSTOP);
		execvp(argv[1], argv + 1);
		err(127, "%s", argv[1]);
	}
	if (child < 0 || waitpid(child, &status, WUNTRACED) != child ||
	    ptrace(PTRACE_SEIZE, child, NULL, options) != 0)
		err(125, "ptrace");
	kill(child, SIGCONT);
	trace(child);
}
#else
int main(void)
{
	errx(125, "only for x86-64");
}
#endif
