/*
 * What a person gets to read, each a line of its own, written with one write(2). Nothing here
 * takes memory or locks, or changes errno.
 */
#ifndef NOSELFCONN_REPORT_H
#define NOSELFCONN_REPORT_H

#include "selfconn.h"

/*
 * Notes which file stderr is now. Reports go there only while it is that file: a program may
 * close stderr, and the next file or socket it opens is then descriptor 2.
 */
void report_remember_stderr(void);

/* "noselfconn: NAME: WHY: using FALLBACK", on stderr. For use while the library is loaded. */
void report_malformed(const char *name, const char *why, const char *fallback);

/*
 * Where the configuration asks for it, says on stderr and in the log that descriptor fd of this
 * program was connected to itself at end, how that was repaired, and the outcome: 0, or the
 * errno that the program is given.
 */
void report_repair(int fd, const struct endpoint *end, const char *how, int outcome);

#endif
