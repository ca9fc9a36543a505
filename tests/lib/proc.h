/* SPDX-License-Identifier: MIT */
/* For test programs that enter namespaces of their own. */
#ifndef PROC_H
#define PROC_H

#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/mount.h>
#include <unistd.h>

/*
 * So that nothing that is mounted here shows elsewhere. In a chroot "/" need not be a mount
 * point, and mount() then fails with EINVAL: setns(), even to the namespace that one is in,
 * leads to the root of that namespace, which is one.
 */
static inline bool make_mounts_private(void)
{
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0)
		return true;
	int here = open(".", O_PATH | O_CLOEXEC), root = open("/", O_PATH | O_CLOEXEC);
	int namespace = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	bool private = here >= 0 && root >= 0 && namespace >= 0 &&
	               setns(namespace, CLONE_NEWNS) == 0 &&
	               mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	               fchdir(root) == 0 && chroot(".") == 0 && fchdir(here) == 0;
	close(here);
	close(root);
	close(namespace);
	return private;
}

/* In a mount namespace of one's own: /proc is that of the PID namespace that one is in. */
static inline bool mount_own_proc(void)
{
	return make_mounts_private() && mount("proc", "/proc", "proc", 0, NULL) == 0;
}

#endif
