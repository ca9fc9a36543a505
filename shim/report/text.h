/* SPDX-License-Identifier: MIT */
/*
 * Text in a buffer that the caller provides: stdio takes locks and memory, and a repair may
 * happen in a signal handler. What does not fit is left out; the text always ends with a NUL.
 */
#ifndef NOSELFCONN_TEXT_H
#define NOSELFCONN_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct text {
	char *buf;
	size_t size; /* of buf, at least 1 */
	size_t len;  /* without the NUL */
};

/* Starts a text in buf, which the caller keeps. */
struct text text_in(char *buf, size_t size);

void text_add(struct text *t, const char *s);

/* Adds n in base 10 or 16. */
void text_add_number(struct text *t, unsigned long n, unsigned base);

bool text_equal(const char *a, const char *b);
bool text_begins(const char *s, const char *beginning);

/* Returns what follows the last slash of path. */
const char *text_file_name(const char *path);

/* Returns the number that s begins with, in base 10 or 16, and sets *end, if not NULL, behind
 * it. */
unsigned long text_number(const char *s, const char **end, unsigned base);

#endif
