/*
 * Reports of repairs, each a line of its own. Nothing here takes memory or locks.
 */
#ifndef NOSELFCONN_REPORT_H
#define NOSELFCONN_REPORT_H

#include "address.h"

/*
 * Notes what a report needs to know of the program's start: its name, before it writes a title
 * over it; and which file stderr is. Reports go there only while it is that file: a program may
 * close stderr, and the next file or socket it opens is then descriptor 2.
 */
void report_prepare(void);

/*
 * If the configuration asks for it, says on stderr and in the log that descriptor fd of this
 * program was connected to itself at end, how that was repaired, and the outcome: 0, or the
 * errno that the program is given.
 */
void report_repair(int fd, const struct endpoint *end, const char *how, int outcome);

#endif
