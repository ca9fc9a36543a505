/*
 * Text put together in a buffer of the caller's: stdio takes locks and memory, and a repair may
 * happen in a signal handler. What does not fit is left out; the text always ends with a NUL.
 */
#ifndef NOSELFCONN_TEXT_H
#define NOSELFCONN_TEXT_H

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
void text_add_number(struct text *t, unsigned long long n, unsigned base);

#endif
