#include "holders.h"

#include "text.h"
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* One look at the processes of the system. */
struct search {
	ino_t inode;   /* of the socket */
	char link[48]; /* what its descriptors are links to in /proc/PID/fd */
	char self[16]; /* this process's PID, as /proc has it */
	int mine[2];   /* the descriptors that may refer to the socket */
	int budget;    /* system calls left; one takes some microseconds */
	bool other;    /* looking at a process other than this one */
};

enum { BUDGET = 1200 };

/* As getdents64(2) fills it in; readdir(3) would take memory from the heap. */
struct entry {
	uint64_t ino;
	int64_t off;
	unsigned short reclen;
	unsigned char type;
	char name[];
};

/*
 * After a look-up failed: has another process closed what was looked at, or exited, or is it
 * not for this one to look at? In this process nothing vanishes meanwhile.
 */
static bool is_gone(const struct search *s)
{
	return s->other && (errno == ENOENT || errno == ESRCH || errno == EACCES);
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
	_Alignas(struct entry) char buf[1024];
	long n;
	while ((n = syscall(SYS_getdents64, dir, buf, sizeof buf)) > 0) {
		for (long at = 0; at < n;) {
			const struct entry *e = (const struct entry *)(const void *)(buf + at);
			at += e->reclen;
			if (e->name[0] >= '0' && e->name[0] <= '9' && !visit(s, dir, e->name))
				return false;
		}
	}
	return n == 0 || is_gone(s);
}

/*
 * In what fdinfo says of an epoll set, does the line stand for a watch of the socket, "tfd: 3
 * ... ino:18bb sdev:9"; or of a Unix socket, for descriptors that are on their way, "scm_fds:
 * 1"?
 */
static bool line_tells(struct search *s, const char *line)
{
	if (strncmp(line, "scm_fds:", 8) == 0)
		return strtol(line + 8, NULL, 10) != 0;
	if (strncmp(line, "tfd:", 4) != 0)
		return false;
	const char *ino = strstr(line, " ino:");
	return !spend(s, 1) || ino == NULL || strtoull(ino + 5, NULL, 16) == s->inode;
}

static bool info_is_without(struct search *s, int dir, const char *name)
{
	char path[32], buf[256];
	struct text where = text_in(path, sizeof path);
	size_t used = 0;
	ssize_t n = -1;
	text_add(&where, "../fdinfo/");
	text_add(&where, name);
	int info = openat(dir, path, O_RDONLY | O_CLOEXEC);
	if (info < 0)
		return is_gone(s);
	bool without = spend(s, 3);
	while (without && (n = read(info, buf + used, sizeof buf - 1 - used)) > 0) {
		char *line = buf, *end;
		buf[used + (size_t)n] = '\0';
		for (; without && (end = strchr(line, '\n')) != NULL; line = end + 1) {
			*end = '\0';
			without = !line_tells(s, line);
		}
		used = strlen(line);
		memmove(buf, line, used);
		if (used == sizeof buf - 1)
			without = false;
	}
	close(info);
	return without && n == 0;
}

static bool descriptor_is_other(struct search *s, int dir, const char *name)
{
	char link[48];
	if (!spend(s, 1))
		return false;
	ssize_t n = readlinkat(dir, name, link, sizeof link - 1);
	if (n < 0)
		return is_gone(s);
	link[n] = '\0';
	if (strcmp(link, s->link) == 0) {
		long fd = strtol(name, NULL, 10);
		return !s->other && (fd == s->mine[0] || fd == s->mine[1]);
	}
	if (strcmp(link, "anon_inode:[eventpoll]") == 0 ||
	    (!s->other && strncmp(link, "socket:", 7) == 0))
		return info_is_without(s, dir, name);
	return s->other || strcmp(link, "anon_inode:[io_uring]") != 0;
}

static bool process_is_without(struct search *s, int proc, const char *pid)
{
	char path[32];
	struct text where = text_in(path, sizeof path);
	text_add(&where, pid);
	text_add(&where, "/fd");

	int dir = openat(proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return spend(s, 1) && is_gone(s);
	bool without = spend(s, 4) && each_number(s, dir, descriptor_is_other);
	close(dir);
	return without;
}

static bool other_process_is_without(struct search *s, int proc, const char *pid)
{
	if (strcmp(pid, s->self) == 0)
		return true;
	s->other = true;
	bool without = process_is_without(s, proc, pid);
	s->other = false;
	return without;
}

/* The link count of /proc/self/task is its threads and 2. */
static bool has_one_thread(int proc)
{
	struct stat st;
	return fstatat(proc, "self/task", &st, 0) == 0 && st.st_nlink == 3;
}

static bool is_signal_driven(int fd)
{
	return fcntl(fd, F_GETOWN) != 0 || fcntl(fd, F_GETSIG) != 0 ||
	       (fcntl(fd, F_GETFL) & O_ASYNC) != 0;
}

bool held_only_here(int fd, int own)
{
	struct search s = {.mine = {fd, own}, .budget = BUDGET};
	struct stat st;
	int before = errno;
	bool only = false;

	int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (proc >= 0 && !is_signal_driven(fd) && has_one_thread(proc) && fstat(fd, &st) == 0 &&
	    readlinkat(proc, "self", s.self, sizeof s.self - 1) > 0) {
		s.inode = st.st_ino;
		struct text link = text_in(s.link, sizeof s.link);
		text_add(&link, "socket:[");
		text_add_number(&link, st.st_ino, 10);
		text_add(&link, "]");
		/* First where a second reference is likely, and soon found. */
		only = process_is_without(&s, proc, s.self) &&
		       each_number(&s, proc, other_process_is_without);
	}
	if (proc >= 0)
		close(proc);
	errno = before;
	return only;
}
