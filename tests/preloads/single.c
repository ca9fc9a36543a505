/* SPDX-License-Identifier: MIT */
/*
 * For a C library that does not tell whether a program has one thread: before glibc 2.32, and
 * musl. There the noselfconn library takes it for several, and prevents what the tests of the
 * repair are about.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>

#if !defined __GLIBC__ || (__GLIBC__ == 2 && __GLIBC_MINOR__ < 32)
extern char __libc_single_threaded;
char __libc_single_threaded = 1;

typedef int create_fn(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

int pthread_create(pthread_t *restrict thread, const pthread_attr_t *restrict attributes,
                   void *(*start)(void *), void *restrict argument)
{
	create_fn *create = NULL;
	*(void **)&create = dlsym(RTLD_NEXT, "pthread_create");
	if (__libc_single_threaded)
		__libc_single_threaded = 0; /* no other thread reads it yet */
	return create(thread, attributes, start, argument);
}
#else
extern const char glibc_tells;
const char glibc_tells = 1;
#endif
