/* SPDX-License-Identifier: MIT */
/* For test programs that enter namespaces of their own. */
#ifndef PROC_H
#define PROC_H

#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * From a chroot to where its root is that of the mount namespace, because the kernel lets
 * nobody who is in a chroot make a user namespace. setns(), even to the namespace that one is
 * in, leads to the root of that. False if it can't.
 */
static inline bool leave_chroot(void)
{
	char here[PATH_MAX], root[PATH_MAX];
	int top = open("/", O_PATH | O_CLOEXEC);
	int namespace = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	bool outside =
	        getcwd(here, sizeof here) != NULL && setns(namespace, CLONE_NEWNS) == 0 &&
	        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 && fchdir(top) == 0;
	close(top);
	close(namespace);
	if (!outside)
		return false;
	if (getcwd(root, sizeof root) != NULL && strcmp(root, "/") != 0 &&
	    mount(root, root, NULL, MS_BIND | MS_REC, NULL) == 0 && chdir(root) == 0 &&
	    syscall(SYS_pivot_root, ".", ".") == 0)
		return umount2(".", MNT_DETACH) == 0 && chdir(here) == 0;
	return chroot(".") == 0 && chdir(here) == 0;
}

/* So that nothing that is mounted here shows elsewhere. */
static inline bool make_mounts_private(void)
{
	return leave_chroot() || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

/* In a mount namespace of one's own: /proc is that of the PID namespace that one is in. */
static inline bool mount_own_proc(void)
{
	return make_mounts_private() && mount("proc", "/proc", "proc", 0, NULL) == 0;
}

#endif
