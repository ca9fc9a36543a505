/* SPDX-License-Identifier: MIT */
/*
 * A thread of the library's own, with a descriptor table of its own.
 *
 * In a program with several threads, another one may make a child at any moment, and the child
 * inherits every descriptor that is open then, close-on-exec or not. So the library opens its
 * own in a thread that shares everything with the caller but the descriptors: it has copies of
 * the program's under the same numbers, which nobody else can close or open meanwhile.
 */
#ifndef NOSELFCONN_OWN_TABLE_H
#define NOSELFCONN_OWN_TABLE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Calls work() there with a copy of arg, which is size bytes long, and waits until it has
 * returned and all copies of descriptors are closed, unless that takes a file system more than
 * 100 milliseconds; then arg is what work() made of the copy.
 * The thread has a stack of its own, and the caller's thread-local storage and signal mask.
 * Signals must be blocked (uninterrupted.h), so that no handler is called in it that knows only
 * the caller's stack. Before Linux 5.9 the descriptors are closed as it ends, perhaps a moment
 * later, so work should close what matters itself.
 *
 * in_process: work() calls nothing of another preload's, and may be done in a process that
 * shares the memory. A thread that closes the copy of a message queue takes the mq_notify(3) of
 * its whole process away.
 *
 * False if work has not run, because there is no such thread: the process has one thread only,
 * a seccomp filter is in force, the kernel refuses it or its memory, or the last one still
 * closes its copies.
 */
bool own_table_run(void (*work)(void *), void *arg, size_t size, bool in_process);

#endif
