/* SPDX-License-Identifier: MIT */
#include "task.h"

#include "filter.h"
#include "kernel.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/kcmp.h>
#include <linux/net.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

bool peek(pid_t task, uint64_t at, void *to, size_t size)
{
	struct iovec here = {to, size}, there = {(void *)(uintptr_t)at, size};
	return process_vm_readv(task, &here, 1, &there, 1, 0) == (ssize_t)size;
}

/* The process that a task is a thread of, by /proc; 0 if that does not tell. */
static pid_t process_of(pid_t task)
{
	char path[32], text[512];
	snprintf(path, sizeof path, "/proc/%d/status", (int)task);
	int file = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = read(file, text, sizeof text - 1);
	close(file);
	text[n < 0 ? 0 : n] = '\0';
	const char *line = strstr(text, "\nTgid:");
	return line == NULL ? 0 : (pid_t)strtol(line + 6, NULL, 10);
}

/* The pidfd of one that has the same descriptors. */
static int open_task(pid_t task)
{
	int pidfd = (int)syscall(NR_PIDFD_OPEN, task, OF_THREAD);
	if (pidfd < 0 && errno == EINVAL) /* before Linux 6.9 */
		pidfd = (int)syscall(NR_PIDFD_OPEN, task, 0);
	if (pidfd >= 0)
		return pidfd;
	/* Nor is there one of a thread: that of its process will do, unless that has ended its
	 * first thread, or this one has descriptors of its own. */
	pid_t process = process_of(task);
	if (syscall(SYS_kcmp, task, process, KCMP_FILES, 0, 0) > 0)
		return -1;
	return (int)syscall(NR_PIDFD_OPEN, process, 0);
}

int borrow(pid_t task, int fd)
{
	int pidfd = open_task(task);
	if (pidfd < 0)
		return -1;
	int copy = (int)syscall(NR_PIDFD_GETFD, pidfd, fd, 0);
	close(pidfd);
	return copy;
}

/* Replaces the arguments of socketcall(2) by those of the call that it stands for. */
static enum call unwrap(pid_t task, size_t word, uint64_t args[6])
{
	static const struct {
		uint32_t word;
		enum call call;
		unsigned count;
	} meanings[] = {{SYS_CONNECT, CONNECT, 3},
	                {SYS_SENDTO, SENDTO, 6},
	                {SYS_SENDMSG, SENDMSG, 3},
	                {SYS_SENDMMSG, SENDMMSG, 4}};
	uint64_t at = args[1];
	unsigned which = 0;
	/* The filter lets no other word through; the kernel, too, takes it for an int. */
	while (meanings[which].word != (uint32_t)args[0])
		which++;
	for (unsigned i = 0; i < meanings[which].count; i++) {
		args[i] = 0;
		if (!peek(task, at + i * word, &args[i], word))
			return CALLS;
	}
	return meanings[which].call;
}

/* Where the address is, and how long. Of several messages, the first opens the connection. */
static bool find_address(pid_t task, const struct seccomp_data *data, struct opening *opening,
                         uint64_t *at, uint32_t *length)
{
	uint64_t args[6];
	size_t word = 0;
	enum call call = call_of(data, &word);
	for (int i = 0; i < 6; i++) /* int 0x80 leaves the upper halves as they are */
		args[i] =
		        data->arch == AUDIT_ARCH_I386 ? (uint32_t)data->args[i] : data->args[i];
	if (call == SOCKETCALL)
		call = unwrap(task, word, args);
	opening->fd = (int)args[0];
	*at = args[call == CONNECT ? 1 : 4];
	*length = (uint32_t)args[call == CONNECT ? 2 : 5];
	if (call != SENDMSG && call != SENDMMSG)
		return call == CONNECT || call == SENDTO;
	/* struct msghdr and struct mmsghdr begin with a pointer to it, and its length. */
	*at = 0;
	return peek(task, args[1], at, word) && peek(task, args[1] + word, length, 4);
}

bool read_opening(pid_t task, const struct seccomp_data *data, struct opening *opening)
{
	uint64_t at;
	uint32_t length;
	char whole[sizeof(struct sockaddr_storage)]; /* the kernel reads it all */
	memset(opening, 0, sizeof *opening);
	if (!find_address(task, data, opening, &at, &length) ||
	    length < sizeof(struct sockaddr_in) || length > sizeof whole ||
	    !peek(task, at, whole, length))
		return false;
	memcpy(&opening->to, whole, length < sizeof opening->to ? length : sizeof opening->to);
	return opening->to.any.sa_family == AF_INET ||
	       (opening->to.any.sa_family == AF_INET6 &&
	        length >= offsetof(struct sockaddr_in6, sin6_scope_id));
}
