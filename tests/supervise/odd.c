/* SPDX-License-Identifier: MIT */
/*
 * odd WAY [NUMBER]: connects to 127.0.0.1:40000 in a way that is hard for who looks on, and says
 * what came of it: "ok", or an errno.
 *
 *   closes    after it has closed every descriptor
 *   filters   in a seccomp filter of its own, of all its threads
 *   vforks    in a child that has its memory
 *   passes    a socket that it got from another process
 *   unshares  in a thread that has a descriptor table of its own
 *   page      with an address at the end of its memory, then with one that is longer, and with
 *             one that can't be read any more
 *   signals   NUMBER times, while signals arrive whose handler restarts the call
 *   dies      after NUMBER children were killed while they did the same
 *   processes in NUMBER processes at once
 */
#include "address.h"
#include "attempt.h"
