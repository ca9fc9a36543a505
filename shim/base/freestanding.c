/* SPDX-License-Identifier: MIT */
/*
 * Functions that a compiler may call on its own, to copy or clear a structure: the library
 * takes none of them from a C library. Marked as used, because link-time optimization finds no
 * caller.
 */
#include <stddef.h>

/* Otherwise the compiler would recognize memset() in memset(), and call it. */
#if defined __clang__
#define AS_WRITTEN __attribute__((used, no_builtin))
#else
#define AS_WRITTEN __attribute__((used, optimize("no-tree-loop-distribute-patterns")))
#endif

void *memcpy(void *restrict to, const void *restrict from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *to, int byte, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);

AS_WRITTEN void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
	unsigned char *t = to;
	const unsigned char *f = from;
	while (n-- > 0)
		*t++ = *f++;
	return to;
}

AS_WRITTEN void *memmove(void *to, const void *from, size_t n)
{
	unsigned char *t = to;
	const unsigned char *f = from;
	if (t <= f)
		return memcpy(to, from, n);
	while (n-- > 0)
		t[n] = f[n];
	return to;
}

AS_WRITTEN void *memset(void *to, int byte, size_t n)
{
	unsigned char *t = to;
	while (n-- > 0)
		*t++ = (unsigned char)byte;
	return to;
}

AS_WRITTEN int memcmp(const void *a, const void *b, size_t n)
{
	const unsigned char *x = a, *y = b;
	for (; n > 0; n--, x++, y++)
		if (*x != *y)
			return *x < *y ? -1 : 1;
	return 0;
}

AS_WRITTEN size_t strlen(const char *s)
{
	size_t n = 0;
	while (s[n] != '\0')
		n++;
	return n;
}

/* clang's name for memcmp() if only equality matters. */
int bcmp(const void *a, const void *b, size_t n);

AS_WRITTEN int bcmp(const void *a, const void *b, size_t n)
{
	return memcmp(a, b, n);
}

/* 32-bit ARM divides in libgcc, which would raise SIGFPE here by the C library's raise(). */
#if defined __arm__
int __aeabi_idiv0(int result);

__attribute__((used)) int __aeabi_idiv0(int result)
{
	return result;
}
#endif
