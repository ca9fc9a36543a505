/* SPDX-License-Identifier: MIT */
/*
 * slow: connect() in a program with threads that has a file open whose file system (FUSE) takes
 * its time when a copy of the descriptor is closed: until connect() has returned. With
 * MOVE_RANGE, the self-connection can't be prevented (see move-range.h). Exit status 125: there
 * is no such file system.
 */
#include "attempt.h"
#include "move-range.h"

#include <err.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { FILE_NODE = 2 };

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

/* A folder in which every name is the same file. flushes: when to answer FUSE_FLUSH. */
static void serve(int dev, int flushes)
{
	static char request[1 << 17];
	const struct fuse_init_out init = {.major = FUSE_KERNEL_VERSION, .minor = 31};
	const struct fuse_entry_out file = {
	        .nodeid = FILE_NODE,
	        .attr = {.ino = FILE_NODE, .mode = S_IFREG | 0666, .nlink = 1}};
	const struct fuse_open_out open = {.fh = 1};
	const struct fuse_in_header *head = (void *)request;
	char byte;
	while (read(dev, request, sizeof request) > 0) {
		if (head->opcode == FUSE_INIT) {
			answer(dev, head->unique, 0, &init, sizeof init);
		} else if (head->opcode == FUSE_LOOKUP) {
			answer(dev, head->unique, 0, &file, sizeof file);
		} else if (head->opcode == FUSE_OPEN) {
			answer(dev, head->unique, 0, &open, sizeof open);
		} else if (head->opcode == FUSE_FLUSH) {
			read(flushes, &byte, 1);
			answer(dev, head->unique, 0, "", 0);
		} else if (head->opcode != FUSE_FORGET) {
			answer(dev, head->unique, ENOSYS, "", 0);
		}
	}
}

/* Opens such a file. Returns where to write a byte for each copy that may be closed. */
static int open_slow_file(void)
{
	int dev = open("/dev/fuse", O_RDWR), p[2];
	char options[64], folder[] = "/tmp/slow.XXXXXX", file[64];
	snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0", dev);
	if (dev < 0 || mkdtemp(folder) == NULL || pipe(p) != 0)
		err(125, "/dev/fuse");
	if (mount("slow", folder, "fuse", 0, options) != 0) {
		rmdir(folder);
		err(125, "mount");
	}
	if (fork() == 0) {
		close(p[1]);
		serve(dev, p[0]);
		_exit(0);
	}
	close(dev);
	close(p[0]);
	snprintf(file, sizeof file, "%s/file", folder);
	if (open(file, O_RDWR) < 0)
		err(2, "%s", file);
	umount2(folder, MNT_DETACH);
	rmdir(folder);
	return p[1];
}

static void *wait_for_the_end(void *unused)
{
	pause();
	return unused;
}

int main(void)
{
	struct tally t = {0};
	pthread_t thread;
	int answers = open_slow_file();
	if (pthread_create(&thread, NULL, wait_for_the_end, NULL) != 0)
		err(2, "pthread_create");
	move_range();
	for (int i = 0; i < 2; i++) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);
		count(&t, fd, attempt(fd));
		abort_and_close(fd);
	}
	write(answers, "many copies", 11);
	show(&t);
	return 0;
}
