/* SPDX-License-Identifier: MIT */
/*
 * ring open|closed: connects a socket that an io_uring has as a registered file to 127.0.0.1
 * port 40000, and then sends through the ring; says what came of both. The ring's own
 * descriptor is open meanwhile, or closed, because it is registered too (Linux 5.18). Exit
 * status 125: there can be no such ring.
 */
#include "attempt.h"

#include <err.h>
#include <linux/io_uring.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>

/* As in later headers. */
enum { REGISTER_RING_FDS = 20, ENTER_REGISTERED_RING = 1 << 4 };

struct registered {
	uint32_t offset, reserved;
	uint64_t descriptor;
};

struct ring {
	int fd;         /* its descriptor, or its number among the registered ones */
	unsigned flags; /* for io_uring_enter() */
	struct io_uring_params p;
	char *sq, *cq; /* what is shared with the kernel */
	struct io_uring_sqe *sqes;
};

static void *map(int fd, size_t size, unsigned long long offset)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)offset);
	if (at == MAP_FAILED)
		err(125, "mmap");
	return at;
}

static int enroll(int ring, unsigned what, void *arg)
{
	return (int)syscall(SYS_io_uring_register, ring, what, arg, 1);
}

static struct ring open_ring(int file)
{
	struct ring r = {.flags = IORING_ENTER_GETEVENTS};
	r.fd = (int)syscall(SYS_io_uring_setup, 1, &r.p);
	if (r.fd < 0 || enroll(r.fd, IORING_REGISTER_FILES, &file) != 0)
		err(125, "io_uring");
	return r;
}

static void map_ring(struct ring *r)
{
	const struct io_uring_params *p = &r->p;
	r->sq = map(r->fd, p->sq_off.array + p->sq_entries * sizeof(unsigned),
	            IORING_OFF_SQ_RING);
	r->cq = map(r->fd, p->cq_off.cqes + p->cq_entries * sizeof(struct io_uring_cqe),
	            IORING_OFF_CQ_RING);
	r->sqes = map(r->fd, p->sq_entries * sizeof *r->sqes, IORING_OFF_SQES);
}

static void close_descriptor(struct ring *r)
{
	struct registered own = {.offset = (uint32_t)-1, .descriptor = (uint64_t)r->fd};
	if (enroll(r->fd, REGISTER_RING_FDS, &own) != 1)
		err(125, "IORING_REGISTER_RING_FDS");
	close(r->fd);
	r->fd = (int)own.offset;
	r->flags |= ENTER_REGISTERED_RING;
}

/* The first use of the ring, through the file that was registered first. */
static int send_through(const struct ring *r)
{
	r->sqes[0] = (struct io_uring_sqe) {.opcode = IORING_OP_SEND,
	                                    .flags = IOSQE_FIXED_FILE,
	                                    .addr = (uintptr_t) "text",
	                                    .len = 4,
	                                    .msg_flags = MSG_NOSIGNAL};
	*(unsigned *)(void *)(r->sq + r->p.sq_off.array) = 0;
	__atomic_store_n((unsigned *)(void *)(r->sq + r->p.sq_off.tail), 1, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, r->fd, 1, 1, r->flags, NULL, 0) != 1)
		err(125, "io_uring_enter");
	return ((struct io_uring_cqe *)(void *)(r->cq + r->p.cq_off.cqes))->res;
}

int main(int argc, char **argv)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct ring r = open_ring(fd);
	bool closed = argc == 2 && strcmp(argv[1], "closed") == 0;
	if (closed) {
		map_ring(&r);
		close_descriptor(&r);
	}
	int outcome = attempt(fd);
	printf("connect: %s%s\n", outcome == 0 ? "ok" : strerrorname_np(outcome),
	       to_itself(fd) ? ", to itself" : "");
	if (!closed)
		map_ring(&r);
	int sent = send_through(&r);
	if (sent < 0)
		printf("sent: %s\n", strerrorname_np(-sent));
	else
		printf("sent: %d\n", sent);
	return 0;
}
