/* SPDX-License-Identifier: MIT */
#include "holders.h"

#include "base/kernel.h"
#include "base/sys.h"
#include "report/text.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/stat.h>
#include <stdint.h>
#include <string.h>

enum { BUDGET = 1200, MOST_PROCESSES = 24, MOST_DESCRIPTORS = 1000 };

/* One look at the processes of the system. */
struct search {
	unsigned long inode; /* of the socket */
	int mine[2];         /* the descriptors that may refer to the socket */
	int budget;          /* system calls left; one takes some microseconds */
	int processes;       /* how many there are, and which */
	unsigned process[MOST_PROCESSES];
	bool other; /* looking at a process other than this one */
};

/* getdents64(2)'s. */
struct entry {
	uint64_t ino;
	int64_t off;
	unsigned short reclen;
	unsigned char type;
	char name[];
};

/*
 * After a look-up failed: has another process closed the descriptor, or exited? In this process
 * nothing vanishes meanwhile.
 */
static bool is_gone(const struct search *s, long error)
{
	return s->other && (error == -ENOENT || error == -ESRCH);
}

static bool spend(struct search *s, int calls)
{
	s->budget -= calls;
	return s->budget >= 0;
}

typedef bool visit_fn(struct search *, int dir, const char *name);

/* Calls visit for each entry of dir whose name is a number, until one returns false. */
static bool each_number(struct search *s, int dir, visit_fn *visit)
{
	_Alignas(struct entry) char buf[256];
	long n;
	while (spend(s, 1) && (n = sys_getdents64(dir, buf, sizeof buf)) > 0) {
		for (long at = 0; at < n;) {
			const struct entry *e = (const struct entry *)(const void *)(buf + at);
			at += e->reclen;
			if (e->name[0] >= '0' && e->name[0] <= '9' && !visit(s, dir, e->name))
				return false;
		}
	}
	return s->budget >= 0 && (n == 0 || is_gone(s, n));
}

typedef bool line_fn(struct search *, const char *line);

/* Calls fits for each line of the file path in dir, until one does not. */
static bool each_line(struct search *s, int dir, const char *path, line_fn *fits)
{
	char buf[256];
	size_t used = 0;
	int fd = sys_openat(dir, path, O_RDONLY | O_CLOEXEC, 0);
	if (fd < 0)
		return is_gone(s, fd);
	long n = -1;
	bool all = spend(s, 2);
	while (all && spend(s, 1) &&
	       (n = sys_read(fd, buf + used, sizeof buf - 1 - used)) > 0) {
		char *line = buf;
		buf[used + (size_t)n] = '\0';
		for (char *end; all && (end = (char *)text_find(line, "\n")) != NULL;
		     line = end + 1) {
			*end = '\0';
			all = fits(s, line);
		}
		used = strlen(line);
		memmove(buf, line, used);
		if (used == sizeof buf - 1)
			used = 0; /* of a longer line, the beginning has been read */
	}
	sys_close(fd);
	return all && (n == 0 || is_gone(s, n));
}

/*
 * In what fdinfo says of an epoll set, a line stands for each watch, "tfd: 3 ... ino:18bb
 * sdev:9"; of a Unix socket, one for descriptors that are on their way, "scm_fds: 1".
 */
static bool is_without_socket(struct search *s, const char *line)
{
	if (text_begins(line, "scm_fds:"))
		return text_equal(line, "scm_fds: 0") || text_equal(line, "scm_fds:\t0");
	if (!text_begins(line, "tfd:"))
		return true;
	const char *ino = text_find(line, " ino:");
	return spend(s, 1) && ino != NULL && text_number(ino + 5, NULL, 16) != s->inode;
}

static bool info_is_without(struct search *s, int dir, const char *name)
{
	char path[32];
	struct text where = text_in(path, sizeof path);
	text_add(&where, "../fdinfo/");
	text_add(&where, name);
	return each_line(s, dir, path, is_without_socket);
}

static bool descriptor_is_other(struct search *s, int dir, const char *name)
{
	char link[32];
	if (!spend(s, 1))
		return false;
	long n = sys_readlinkat(dir, name, link, sizeof link - 1);
	if (n < 0)
		return is_gone(s, n);
	link[n] = '\0';
	bool socket = text_begins(link, "socket:[");
	if (socket && text_number(link + strlen("socket:["), NULL, 10) == s->inode) {
		unsigned long fd = text_number(name, NULL, 10);
		return !s->other && ((int)fd == s->mine[0] || (int)fd == s->mine[1]);
	}
	if (text_equal(link, "anon_inode:[eventpoll]") || socket)
		return info_is_without(s, dir, name);
	return !text_equal(link, "anon_inode:[io_uring]");
}

static bool is_no_ring(struct search *s, const char *line)
{
	(void)s;
	return text_find(line, "[io_uring]") == NULL;
}

/*
 * These are out of line, because a struct statx is large, and the stack may be small.
 *
 * The link count of /proc/PID/task is its threads and 2.
 */
__attribute__((noinline)) static bool has_one_thread(struct search *s, int process)
{
	struct statx st;
	int result = sys_statx(process, "task", 0, STATX_NLINK, &st);
	return spend(s, 1) && (result == 0 ? st.stx_nlink == 3 : is_gone(s, result));
}

/* In /proc/PID/fd, st_size is the number of descriptors, since Linux 6.2. */
__attribute__((noinline)) static bool has_few_descriptors(struct search *s, int process)
{
	struct statx st;
	int result = sys_statx(process, "fd", 0, STATX_SIZE, &st);
	return spend(s, 1) &&
	       (result == 0 ? st.stx_size <= MOST_DESCRIPTORS : is_gone(s, result));
}

__attribute__((noinline)) static unsigned long inode_of(int fd)
{
	struct statx st;
	return sys_statx(fd, "", AT_EMPTY_PATH, STATX_INO, &st) == 0 ? (unsigned long)st.stx_ino
	                                                             : 0;
}

static bool process_is_without(struct search *s, unsigned pid)
{
	char path[32];
	struct text where = text_in(path, sizeof path);
	text_add(&where, "/proc/");
	text_add_number(&where, pid, 10);
	int process = sys_openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	if (process < 0)
		return spend(s, 1) && is_gone(s, process);
	bool without =
	        spend(s, 2) && has_one_thread(s, process) && has_few_descriptors(s, process);
	int dir =
	        without ? sys_openat(process, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0) : -1;
	if (dir >= 0) {
		without = spend(s, 2) && each_number(s, dir, descriptor_is_other) &&
		          each_line(s, process, "maps", is_no_ring);
		sys_close(dir);
	} else if (without) {
		without = is_gone(s, dir);
	}
	sys_close(process);
	return without;
}

static bool each_process(struct search *s, visit_fn *visit)
{
	int proc = sys_openat(AT_FDCWD, "/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	if (proc < 0)
		return false;
	bool all = spend(s, 2) && each_number(s, proc, visit);
	sys_close(proc);
	return all;
}

static bool note_process(struct search *s, int proc, const char *pid)
{
	(void)proc;
	if (s->processes == MOST_PROCESSES)
		return false;
	s->process[s->processes++] = (unsigned)text_number(pid, NULL, 10);
	return true;
}

static bool is_noted(struct search *s, int proc, const char *pid)
{
	unsigned number = (unsigned)text_number(pid, NULL, 10);
	(void)proc;
	for (int i = 0; i < s->processes; i++)
		if (s->process[i] == number)
			return true;
	return false;
}

/* This process comes first, because a second reference is likely here, and soon found. */
static bool processes_are_without(struct search *s)
{
	char self[16];
	long n = sys_readlinkat(AT_FDCWD, "/proc/self", self, sizeof self - 1);
	self[n < 0 ? 0 : n] = '\0';
	unsigned own = (unsigned)text_number(self, NULL, 10);
	if (n <= 0 || !process_is_without(s, own))
		return false;
	s->other = true;
	for (int i = 0; i < s->processes; i++)
		if (s->process[i] != own && !process_is_without(s, s->process[i]))
			return false;
	return true;
}

static bool is_signal_driven(int fd)
{
	return sys_fcntl(fd, F_GETOWN, 0) != 0 || sys_fcntl(fd, F_GETSIG, 0) != 0 ||
	       (sys_fcntl(fd, F_GETFL, 0) & O_ASYNC) != 0;
}

/*
 * A ring may have neither a descriptor nor a mapping. A thread that never had a ring is told
 * that the flag is invalid (or, before Linux 5.18, any thread is: then each ring shows).
 */
static bool has_had_ring(void)
{
	const int likely_unused = 15;
	const unsigned registered_ring = 1U << 4; /* IORING_ENTER_REGISTERED_RING */
	long result = sys(SYS_io_uring_enter, likely_unused, 0, 0, registered_ring, 0, 0);
	return result != -EINVAL && result != -ENOSYS;
}

/*
 * If the first process is hidden, others may be. The second look at the list is for a process
 * that was forked by one that has ended since.
 */
bool held_only_here(int fd, int own)
{
	struct search s = {.inode = inode_of(fd), .mine = {fd, own}, .budget = BUDGET};
	return s.inode != 0 && !is_signal_driven(fd) && !has_had_ring() &&
	       each_process(&s, note_process) && is_noted(&s, -1, "1") &&
	       processes_are_without(&s) && each_process(&s, is_noted);
}
