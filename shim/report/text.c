/* SPDX-License-Identifier: MIT */
#include "text.h"

struct text text_in(char *buf, size_t size)
{
	buf[0] = '\0';
	return (struct text) {.buf = buf, .size = size};
}

void text_add(struct text *t, const char *s)
{
	while (*s != '\0' && t->len + 1 < t->size)
		t->buf[t->len++] = *s++;
	t->buf[t->len] = '\0';
}

void text_add_number(struct text *t, unsigned long n, unsigned base)
{
	char digits[24];
	size_t at = sizeof digits - 1;
	digits[at] = '\0';
	do
		digits[--at] = "0123456789abcdef"[n % base];
	while ((n /= base) != 0);
	text_add(t, digits + at);
}

bool text_equal(const char *a, const char *b)
{
	while (*a != '\0' && *a == *b)
		a++, b++;
	return *a == *b;
}

bool text_begins(const char *s, const char *beginning)
{
	while (*beginning != '\0' && *s == *beginning)
		s++, beginning++;
	return *beginning == '\0';
}

const char *text_file_name(const char *path)
{
	const char *name = path;
	for (; *path != '\0'; path++)
		if (*path == '/')
			name = path + 1;
	return name;
}

static unsigned digit(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : 16;
}

unsigned long text_number(const char *s, const char **end, unsigned base)
{
	unsigned long n = 0;
	for (; digit(*s) < base; s++)
		n = n * base + digit(*s);
	if (end != NULL)
		*end = s;
	return n;
}
