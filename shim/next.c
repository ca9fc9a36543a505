#include "next.h"

#include "config.h"
#include <dlfcn.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef int connect_fn(int, const struct sockaddr *, socklen_t);

static _Atomic(connect_fn *) found;

static int bare_connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	return (int)syscall(SYS_connect, fd, addr, len);
}

/* Idempotent, so that threads that come here at once need no lock. */
static connect_fn *find(void)
{
	connect_fn *fn = NULL;
	/* POSIX's way around ISO C, which has no cast from an object's pointer to a function's.
	 */
	*(void **)&fn = dlsym(RTLD_NEXT, "connect");
	if (fn == NULL)
		fn = bare_connect;
	config_load();
	atomic_store_explicit(&found, fn, memory_order_release);
	return fn;
}

/* In the constructor, because dlsym() takes locks, and connect() may be in a signal handler. */
__attribute__((constructor)) static void load(void)
{
	find();
}

int next_connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	connect_fn *fn = atomic_load_explicit(&found, memory_order_acquire);
	if (fn == NULL)
		fn = find();
	return fn(fd, addr, len);
}
