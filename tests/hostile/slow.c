/* SPDX-License-Identifier: MIT */
/*
 * slow WORD FOLDER: connect() in a program with threads, and a file system (FUSE) in that
 * folder that takes its time. With MOVE_RANGE, a self-connection can't be prevented (see
 * move-range.h). Exit status 125: there is no such file system, or no message queue.
 *
 *   closing    the program has a file of it open; if a copy of the descriptor is closed, that
 *              takes until connect() has returned
 *   log        the library writes its log, FOLDER/log, in a child that connects; meanwhile
 *              another thread says whether the child has it open, and asks a message queue for
 *              a notice. At the end, says whether there was one
 *   both       log, after the child's parent has connected as in closing
 */
#include "attempt.h"
#include "move-range.h"
#include "queue.h"

#include <err.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { FILE_NODE = 2, LOG_NODE = 3 };

/* What each byte says. */
static int connected[2], writing[2], looked[2];
static atomic_bool *is_childs_turn;

static void answer(int dev, uint64_t which, int error, const void *what, size_t size)
{
	struct {
		struct fuse_out_header head;
		char what[sizeof(struct fuse_entry_out)];
	} all = {.head = {.len = (uint32_t)(sizeof all.head + size),
	                  .error = -error,
	                  .unique = which}};
	memcpy(all.what, what, size);
	write(dev, &all, all.head.len);
}

static void answer_lookup(int dev, const struct fuse_in_header *head)
{
	uint64_t node = strcmp((const char *)(head + 1), "log") == 0 ? LOG_NODE : FILE_NODE;
	const struct fuse_entry_out file = {
	        .nodeid = node, .attr = {.ino = node, .mode = S_IFREG | 0666, .nlink = 1}};
	answer(dev, head->unique, 0, &file, sizeof file);
}

static void answer_write(int dev, const struct fuse_in_header *head)
{
	const struct fuse_write_in *request = (const void *)(head + 1);
	const struct fuse_write_out all = {.size = request->size};
	char byte = 0;
	if (*is_childs_turn) {
		write(writing[1], &byte, 1);
		read(looked[0], &byte, 1);
	}
	answer(dev, head->unique, 0, &all, sizeof all);
}

static void answer_flush(int dev, const struct fuse_in_header *head)
{
	char byte;
	if (!*is_childs_turn && head->nodeid == FILE_NODE)
		read(connected[0], &byte, 1);
	answer(dev, head->unique, 0, "", 0);
}

/* A folder in which every name but "log" is the same file. */
static _Noreturn void serve(int dev)
{
	static char request[1 << 17];
	const struct fuse_init_out init = {.major = FUSE_KERNEL_VERSION, .minor = 31};
	const struct fuse_open_out open = {.fh = 1};
	const struct fuse_in_header *head = (void *)request;
	while (read(dev, request, sizeof request) > 0) {
		if (head->opcode == FUSE_INIT)
			answer(dev, head->unique, 0, &init, sizeof init);
		else if (head->opcode == FUSE_LOOKUP)
			answer_lookup(dev, head);
		else if (head->opcode == FUSE_OPEN)
			answer(dev, head->unique, 0, &open, sizeof open);
		else if (head->opcode == FUSE_WRITE)
			answer_write(dev, head);
		else if (head->opcode == FUSE_FLUSH)
			answer_flush(dev, head);
		else if (head->opcode != FUSE_FORGET)
			answer(dev, head->unique, ENOSYS, "", 0);
	}
	_exit(0);
}

/* With two servers: one may wait. */
static void mount_slow(const char *folder)
{
	int dev = open("/dev/fuse", O_RDWR);
	char options[64];
	snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0", dev);
	if (dev < 0 || mount("slow", folder, "fuse", 0, options) != 0)
		err(125, "FUSE");
	is_childs_turn = mmap(NULL, sizeof *is_childs_turn, PROT_READ | PROT_WRITE,
	                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (is_childs_turn == MAP_FAILED || pipe(connected) != 0 || pipe(writing) != 0 ||
	    pipe(looked) != 0)
		err(2, "no memory or pipes");
	for (int i = 0; i < 2; i++)
		if (fork() == 0)
			serve(dev);
	close(dev);
}

static void start(void *(*run)(void *), void *arg)
{
	pthread_t thread;
	if (pthread_create(&thread, NULL, run, arg) != 0)
		err(2, "pthread_create");
}

static void connect_times(int times)
{
	struct tally t = {0};
	for (int i = 0; i < times; i++) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);
		count(&t, fd, attempt(fd));
		abort_and_close(fd);
	}
	show(&t);
	fflush(stdout);
}

static bool has_log_open(void)
{
	char path[32], file[PATH_MAX];
	for (int fd = 0; fd < DESCRIPTORS; fd++) {
		snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
		ssize_t n = readlink(path, file, sizeof file);
		if (n > 4 && memcmp(file + n - 4, "/log", 4) == 0)
			return true;
	}
	return false;
}

static void *look_for_log(void *queue)
{
	char byte;
	read(writing[0], &byte, 1);
	puts(has_log_open() ? "the log is open" : "the log is not open");
	queue_ask(*(int *)queue);
	write(looked[1], &byte, 1);
	return queue;
}

static void log_in_child(void)
{
	int queue = queue_open("slow");
	*is_childs_turn = true;
	pid_t pid = fork();
	if (pid == 0) {
		start(look_for_log, &queue);
		connect_times(1);
		puts(queue_tells(queue) ? "notified" : "not notified");
		fflush(stdout);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

static void *wait_for_the_end(void *unused)
{
	pause();
	return unused;
}

int main(int argc, char **argv)
{
	char file[PATH_MAX];
	if (argc != 3)
		errx(2, "see the head of this file's source");
	mount_slow(argv[2]);
	snprintf(file, sizeof file, "%s/file", argv[2]);
	if (strcmp(argv[1], "log") != 0 && open(file, O_RDWR) < 0)
		err(2, "%s", file);
	start(wait_for_the_end, NULL);
	move_range();
	if (strcmp(argv[1], "log") != 0)
		connect_times(2);
	if (strcmp(argv[1], "closing") != 0)
		log_in_child();
	write(connected[1], "many copies", 11);
	return 0;
}
