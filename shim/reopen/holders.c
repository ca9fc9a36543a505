/* SPDX-License-Identifier: MIT */
#include "holders.h"

#include "base/sys.h"
#include "report/text.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/stat.h>
#include <stdint.h>
#include <string.h>

/* One look at the processes of the system. */
struct search {
	unsigned long inode; /* of the socket */
	char link[32];       /* what its descriptors are links to in /proc/PID/fd */
	char self[16];       /* this process's PID, as /proc has it */
	int mine[2];         /* the descriptors that may refer to the socket */
	int budget;          /* system calls left; one takes some microseconds */
	int processes;       /* that were counted */
	bool other;          /* looking at a process other than this one */
};

enum { BUDGET = 1200, MOST_PROCESSES = 24, MOST_DESCRIPTORS = 1000 };

/* getdents64(2)'s. */
struct entry {
	uint64_t ino;
	int64_t off;
	unsigned short reclen;
	unsigned char type;
	char name[];
};

/*
 * After a look-up failed: has another process closed the descriptor, or exited, or may this
 * process not look at it? In this process nothing vanishes meanwhile.
 */
static bool is_gone(const struct search *s, long error)
{
	return s->other && (error == -ENOENT || error == -ESRCH || error == -EACCES);
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
	_Alignas(struct entry) char buf[512];
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
	if (text_equal(link, s->link)) {
		unsigned long fd = text_number(name, NULL, 10);
		return !s->other && ((int)fd == s->mine[0] || (int)fd == s->mine[1]);
	}
	if (text_equal(link, "anon_inode:[eventpoll]") ||
	    (!s->other && text_begins(link, "socket:")))
		return info_is_without(s, dir, name);
	return !text_equal(link, "anon_inode:[io_uring]");
}

static bool is_no_ring(struct search *s, const char *line)
{
	(void)s;
	return text_find(line, "[io_uring]") == NULL;
}

/* The link count of /proc/PID/task is its threads and 2. */
static bool has_one_thread(struct search *s, int process)
{
	struct statx st;
	int result = sys_statx(process, "task", 0, STATX_NLINK, &st);
	return spend(s, 1) && (result == 0 ? st.stx_nlink == 3 : is_gone(s, result));
}

/* In /proc/PID/fd, st_size is the number of descriptors, since Linux 6.2. */
static bool has_few_descriptors(struct search *s, int process)
{
	struct statx st;
	int result = sys_statx(process, "fd", 0, STATX_SIZE, &st);
	return spend(s, 1) &&
	       (result == 0 ? st.stx_size <= MOST_DESCRIPTORS : is_gone(s, result));
}

static bool process_is_without(struct search *s, int proc, const char *pid)
{
	int process = sys_openat(proc, pid, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
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

static bool other_process_is_without(struct search *s, int proc, const char *pid)
{
	if (text_equal(pid, s->self))
		return true;
	s->other = true;
	bool without = process_is_without(s, proc, pid);
	s->other = false;
	return without;
}

static bool is_one_of_few(struct search *s, int proc, const char *pid)
{
	(void)proc;
	(void)pid;
	return ++s->processes <= MOST_PROCESSES;
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

static bool is_signal_driven(int fd)
{
	return sys_fcntl(fd, F_GETOWN, 0) != 0 || sys_fcntl(fd, F_GETSIG, 0) != 0 ||
	       (sys_fcntl(fd, F_GETFL, 0) & O_ASYNC) != 0;
}

/* Comes first, because a second reference is likely here, and soon found. */
static bool this_process_is_without(struct search *s)
{
	int proc = sys_openat(AT_FDCWD, "/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	if (proc < 0)
		return false;
	long n = sys_readlinkat(proc, "self", s->self, sizeof s->self - 1);
	bool without = n > 0 && process_is_without(s, proc, s->self);
	sys_close(proc);
	return without;
}

bool held_only_here(int fd, int own)
{
	struct search s = {.mine = {fd, own}, .budget = BUDGET};
	struct statx st;
	if (is_signal_driven(fd) || sys_statx(fd, "", AT_EMPTY_PATH, STATX_INO, &st) != 0)
		return false;
	s.inode = (unsigned long)st.stx_ino;
	struct text link = text_in(s.link, sizeof s.link);
	text_add(&link, "socket:[");
	text_add_number(&link, s.inode, 10);
	text_add(&link, "]");
	return each_process(&s, is_one_of_few) && this_process_is_without(&s) &&
	       each_process(&s, other_process_is_without);
}
