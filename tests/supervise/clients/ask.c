/* SPDX-License-Identifier: MIT */
/*
 * ask [ring|i386|socketcall]: asks the server at 127.0.0.1:40000 and shows what comes back. It
 * connects by a system call of its own, or by io_uring, if there is any here (compiled with
 * -DRING and liburing), or on x86-64 by one of i386, of whose arguments the kernel ignores the
 * upper halves.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef RING
#include <liburing.h>

static int connect_by_ring(int fd, const struct sockaddr_in *address)
{
	struct io_uring ring;
	struct io_uring_cqe *done;
	int e = io_uring_queue_init(4, &ring, 0);
	if (e < 0) {
		printf("no ring: %s\n", strerror(-e));
		return (int)syscall(SYS_connect, fd, address, sizeof *address);
	}
	io_uring_prep_connect(io_uring_get_sqe(&ring), fd, (const struct sockaddr *)address,
	                      sizeof *address);
	io_uring_submit(&ring);
	io_uring_wait_cqe(&ring, &done);
	errno = -done->res;
	return done->res < 0 ? -1 : 0;
}
#else
static int connect_by_ring(int fd, const struct sockaddr_in *address)
{
	return (int)syscall(SYS_connect, fd, address, sizeof *address);
}
#endif

#if defined __x86_64__
#include <stdint.h>
#include <sys/mman.h>

static int call_of_i386(int number, uint64_t a, uint64_t b, uint64_t c)
{
	const uint64_t ignored = 1UL << 32;
	long result;
	__asm__ volatile("int $0x80"
	                 : "=a"(result)
	                 : "0"((long)number), "b"(a | ignored), "c"(b | ignored),
	                   "d"(c | ignored)
	                 : "memory", "r8", "r9", "r10", "r11");
	errno = -(int)result;
	return errno != 0 ? -1 : 0;
}

static int connect_as_on_i386(int fd, const struct sockaddr_in *address, int by_socketcall)
{
	const int connect_number = 362, socketcall_number = 102, socketcall_connect = 3;
	char *low = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	const uint32_t args[] = {(uint32_t)fd, (uint32_t)(uintptr_t)low, sizeof *address};
	memcpy(low, address, sizeof *address);
	memcpy(low + sizeof *address, args, sizeof args);
	return by_socketcall ? call_of_i386(socketcall_number, (uint64_t)socketcall_connect,
	                                    (uintptr_t)low + sizeof *address, 0)
	                     : call_of_i386(connect_number, args[0], args[1], args[2]);
}
#else
static int connect_as_on_i386(int fd, const struct sockaddr_in *address, int by_socketcall)
{
	(void)by_socketcall;
	return (int)syscall(SYS_connect, fd, address, sizeof *address);
}
#endif

int main(int argc, char **argv)
{
	char line[64];
	const struct sockaddr_in address = {.sin_family = AF_INET,
	                                    .sin_port = htons(40000),
	                                    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	const char *word = argc > 1 ? argv[1] : "";
	int failed;
	if (strcmp(word, "ring") == 0)
		failed = connect_by_ring(fd, &address);
	else if (strcmp(word, "i386") == 0 || strcmp(word, "socketcall") == 0)
		failed = connect_as_on_i386(fd, &address, word[0] == 's');
	else
		failed = (int)syscall(SYS_connect, fd, &address, sizeof address);
	if (failed || write(fd, "ping\n", 5) != 5) {
		printf("error: %s\n", strerror(errno));
		return 1;
	}
	ssize_t n = read(fd, line, sizeof line);
	printf("received %.*s", n < 0 ? 0 : (int)n, line);
	return 0;
}
