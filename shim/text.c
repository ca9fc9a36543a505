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

void text_add_number(struct text *t, unsigned long long n, unsigned base)
{
	char digits[24];
	size_t at = sizeof digits - 1;
	digits[at] = '\0';
	do
		digits[--at] = "0123456789abcdef"[n % base];
	while ((n /= base) != 0);
	text_add(t, digits + at);
}
