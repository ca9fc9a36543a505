/* SPDX-License-Identifier: MIT */
/*
 * For test programs: a message queue that gives notice of its first message, once, by SIGUSR1,
 * which is blocked. The kernel forgets the request if the process closes the queue. Without
 * librt.
 */
#ifndef QUEUE_H
#define QUEUE_H

#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Exit status 125: the kernel has none. */
static inline int queue_open(const char *name)
{
	const long attributes[8] = {0, 1, 1, 0}; /* a struct mq_attr: a message of a byte */
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	int fd = (int)syscall(SYS_mq_open, name, O_RDWR | O_CREAT, 0600, attributes);
	if (fd < 0)
		err(125, "mq_open");
	syscall(SYS_mq_unlink, name);
	return fd;
}

static inline void queue_ask(int queue)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	if (syscall(SYS_mq_notify, queue, &event) != 0)
		err(125, "mq_notify");
}

/* Does it, of a message that this sends? */
static inline bool queue_tells(int queue)
{
	sigset_t set;
	syscall(SYS_mq_timedsend, queue, "x", 1, 0, NULL);
	sigpending(&set);
	return sigismember(&set, SIGUSR1) == 1;
}

#endif
