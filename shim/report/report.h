/* SPDX-License-Identifier: MIT */
/*
 * Reports of repairs, each a line of its own. Nothing here takes memory or locks.
 */
#ifndef NOSELFCONN_REPORT_H
#define NOSELFCONN_REPORT_H

#include "address.h"

/*
 * Notes two things when the program starts: its name, before it writes a title over it, and
 * which file stderr is. Reports go to stderr only while it is that file: a program may close
 * it, and the next file or socket that it opens is then descriptor 2.
 */
void report_prepare(void);

/*
 * If the settings ask for it, says on stderr and in the log that descriptor fd of this program
 * was connected to itself at end, how that was repaired, and the outcome: 0, or the errno that
 * the program is told.
 */
void report_repair(int fd, const struct endpoint *end, const char *how, int outcome);

#endif
