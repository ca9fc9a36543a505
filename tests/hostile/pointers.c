/* SPDX-License-Identifier: MIT */
/*
 * pointers [threads [stack]]: gives connect(), sendto(), sendmsg() and sendmmsg() pointers that
 * can't be read, at every level, and tells of each call that ends otherwise than the system
 * call itself, or reaches the server otherwise. With threads, another one is there; with stack,
 * it does so on an alternate stack, which lies below those pointers.
 */
#include "attempt.h"

#include <err.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>

enum { PAGE = 65536, SERVER = 30001, LEVELS = 9, SIZE = 4000, REACHED = 1000000 };

static int server;
static struct sockaddr_in dest;
static char data[SIZE];
static struct iovec part = {.iov_base = data, .iov_len = SIZE};

static void *sleeps(void *unused)
{
	pause();
	return unused;
}

/* A socket call, by the C library's function or the bare system call. */
static long call(bool bare, int fd, long number, const void *p, long len, const void *addr)
{
	const int flags = MSG_FASTOPEN | MSG_NOSIGNAL;
	if (bare)
		return number == SYS_connect   ? syscall(number, fd, p, len)
		       : number == SYS_sendto  ? syscall(number, fd, p, SIZE, flags, addr, len)
		       : number == SYS_sendmsg ? syscall(number, fd, p, flags)
		                               : syscall(number, fd, p, 1, flags);
	return number == SYS_connect   ? connect(fd, p, (socklen_t)len)
	       : number == SYS_sendto  ? sendto(fd, p, SIZE, flags, addr, (socklen_t)len)
	       : number == SYS_sendmsg ? sendmsg(fd, p, flags)
	                               : sendmmsg(fd, (void *)(uintptr_t)p, 1, flags);
}

/* With bad at that level. Returns the result, or -errno, and REACHED more for the server. */
static long outcome(bool bare, int level, void *bad)
{
	struct mmsghdr m = {.msg_hdr = {.msg_name = &dest,
	                                .msg_namelen = sizeof dest,
	                                .msg_iov = &part,
	                                .msg_iovlen = 1}};
	struct iovec bad_part = {.iov_base = bad, .iov_len = SIZE};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	long result = -1, len = sizeof dest;
	if (fd < 0)
		err(2, "socket");
	if (level == 0)
		result = call(bare, fd, SYS_connect, bad, len, NULL);
	else if (level == 1)
		result = call(bare, fd, SYS_sendto, data, len, bad);
	else if (level == 2)
		result = call(bare, fd, SYS_sendto, bad, len, &dest);
	else if (level == 3)
		result = call(bare, fd, SYS_sendmsg, bad, 0, NULL);
	else if (level == 4)
		result = call(bare, fd, SYS_sendmmsg, bad, 0, NULL);
	if (level == 5)
		m.msg_hdr.msg_name = bad;
	else if (level == 8) {
		m.msg_hdr.msg_control = bad;
		m.msg_hdr.msg_controllen = sizeof(struct cmsghdr);
	} else if (level == 6)
		m.msg_hdr.msg_iov = bad;
	else if (level == 7)
		m.msg_hdr.msg_iov = &bad_part;
	if (level >= 5 && level % 2 == 1)
		result = call(bare, fd, SYS_sendmsg, &m.msg_hdr, 0, NULL);
	else if (level >= 5)
		result = call(bare, fd, SYS_sendmmsg, &m, 0, NULL);
	result = result < 0 ? -errno : result;
	close(fd);
	while ((fd = accept(server, NULL, NULL)) >= 0) {
		result += REACHED;
		close(fd);
	}
	return result;
}

static void *const *bad;
static size_t n_bad;

static void try_all(int unused)
{
	int differ = 0;
	for (int level = 0; level < LEVELS; level++)
		for (size_t i = 0; i < n_bad; i++) {
			long kernel = outcome(true, level, bad[i]);
			long here = outcome(false, level, bad[i]);
			if (kernel != here) {
				differ++;
				printf("level %d, pointer %zu: %ld, not %ld\n", level, i, here,
				       kernel);
			}
		}
	puts(differ == 0 ? "all alike" : "they differ");
	(void)unused;
}

static void try_all_on(void *stack)
{
	const stack_t alternate = {.ss_sp = stack, .ss_size = PAGE};
	const struct sigaction action = {.sa_handler = try_all, .sa_flags = SA_ONSTACK};
	if (sigaltstack(&alternate, NULL) != 0 || sigaction(SIGUSR1, &action, NULL) != 0)
		err(2, "sigaltstack");
	raise(SIGUSR1);
}

int main(int argc, char **argv)
{
	pthread_t thread;
	(void)argv;
	char *stack = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
	                   -1, 0);
	char *pages = stack + PAGE;
	if (stack == MAP_FAILED || mprotect(pages + PAGE, PAGE, PROT_NONE) != 0 ||
	    munmap(pages + 2 * (size_t)PAGE, PAGE) != 0)
		err(2, "mmap");
	if (argc > 1 && pthread_create(&thread, NULL, sleeps, NULL) != 0)
		errx(2, "pthread_create");
	dest = loopback(SERVER);
	server = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (bind(server, (struct sockaddr *)&dest, sizeof dest) != 0 || listen(server, 5) != 0)
		err(2, "listen");
	memset(pages, 0, PAGE);
	char *end = pages + PAGE;
	memcpy(end - 4, &dest, 4);
	void *const all[] = {NULL,
	                     (void *)8,
	                     end,
	                     end - 4,
	                     end - 8,
	                     end - 12,
	                     end + PAGE,
	                     (void *)UINTPTR_MAX,
	                     (void *)(UINTPTR_MAX / 2 + 1),
	                     (void *)(UINTPTR_MAX - 4095)};
	bad = all;
	n_bad = sizeof all / sizeof all[0];
	if (argc > 2)
		try_all_on(stack);
	else
		try_all(0);
	return 0;
}
