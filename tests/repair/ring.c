/* SPDX-License-Identifier: MIT */
/*
 * ring HOW [there]: connects a socket that an io_uring has as a registered file to 127.0.0.1
 * port 40000, and then sends through the ring; says what came of both. HOW is the ring's own
 * descriptor: "open", "closed", because it is registered too (Linux 5.18), or "none", and then
 * the ring is not mapped either, but in memory of this program (Linux 6.5). With "there", the
 * ring is another process's. Exit status 125: there can be no such ring.
 */
#include "attempt.h"

#include <err.h>
#include <linux/io_uring.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* As in later headers. */
enum { REGISTER_RING_FDS = 20, ENTER_REGISTERED_RING = 1 << 4 };
enum { SETUP_NO_MMAP = 1 << 14, SETUP_REGISTERED_FD_ONLY = 1 << 15, PAGE = 4096 };
static const unsigned use_registered_ring = 1U << 31;

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

/* Linux 6.5 has a name for the last eight bytes. */
static void *in_own_memory(void *offsets, size_t size)
{
	void *at = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t address = (uintptr_t)at;
	memcpy((char *)offsets + size - sizeof address, &address, sizeof address);
	return at;
}

static struct ring open_bare_ring(int file)
{
	struct ring r = {.flags = IORING_ENTER_GETEVENTS | ENTER_REGISTERED_RING};
	r.p.flags = SETUP_NO_MMAP | SETUP_REGISTERED_FD_ONLY;
	r.sq = r.cq = in_own_memory(&r.p.cq_off, sizeof r.p.cq_off);
	r.sqes = in_own_memory(&r.p.sq_off, sizeof r.p.sq_off);
	r.fd = (int)syscall(SYS_io_uring_setup, 1, &r.p);
	if (r.fd < 0 || enroll(r.fd, IORING_REGISTER_FILES | use_registered_ring, &file) != 0)
		err(125, "io_uring");
	return r;
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

static struct ring ring_that_has(int file, const char *how)
{
	if (strcmp(how, "none") == 0)
		return open_bare_ring(file);
	struct ring r = open_ring(file);
	if (strcmp(how, "closed") == 0) {
		map_ring(&r);
		close_descriptor(&r);
	}
	return r;
}

static void tell_what_is_sent(struct ring *r)
{
	if (r->sqes == NULL)
		map_ring(r);
	int sent = send_through(r);
	if (sent < 0)
		printf("sent: %s\n", strerrorname_np(-sent));
	else
		printf("sent: %d\n", sent);
}

/* A process that has the ring, says so, and uses it when it is told to. */
static void have_ring_there(int fd, const char *how, int channel)
{
	char go;
	struct ring r = ring_that_has(fd, how);
	close(fd);
	write(channel, "r", 1);
	if (read(channel, &go, 1) == 1)
		tell_what_is_sent(&r);
}

static void connect_and_tell(int fd)
{
	int outcome = attempt(fd);
	printf("connect: %s%s\n", outcome == 0 ? "ok" : strerrorname_np(outcome),
	       to_itself(fd) ? ", to itself" : "");
	fflush(stdout);
}

static int with_ring_there(int fd, const char *how)
{
	int ends[2], status = 0;
	char ready;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
		err(2, "socketpair");
	pid_t child = fork();
	if (child == 0) {
		close(ends[0]);
		have_ring_there(fd, how, ends[1]);
		return 0;
	}
	close(ends[1]);
	if (child > 0 && read(ends[0], &ready, 1) == 1) {
		connect_and_tell(fd);
		write(ends[0], "g", 1);
	}
	waitpid(child, &status, 0);
	return WEXITSTATUS(status);
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "open";
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	if (argc > 2)
		return with_ring_there(fd, how);
	struct ring r = ring_that_has(fd, how);
	connect_and_tell(fd);
	tell_what_is_sent(&r);
	return 0;
}
