/* SPDX-License-Identifier: MIT */
/*
 * dlopen(), in front of libc's, for the sake of RTLD_DEEPBIND and dlsym(3).
 *
 * An object that is opened with that flag looks for connect() in itself and in its
 * dependencies, libc among them, before it looks here; PHP opens all its extensions in this
 * way. So does dlsym(3), if it is asked for the connect() of any object, or for the one that is
 * next to it. To reach them, libc's dynamic symbol table, in the memory of this process, gets
 * the addresses of our functions before the object is loaded: whoever then finds libc's
 * connect() by its name has found ours. Everything else stays: the object's own connect(), or a
 * dependency's, still comes first. And it does not matter when the object is bound, what it
 * opens in turn, or whether it connects while it is being loaded. musl has no such flag, and
 * its table stays.
 *
 * The next dlopen() is a tail call, because it asks for its caller: that one's RUNPATH, $ORIGIN
 * and namespace count.
 */
#include "base/sys.h"
#include "config.h"
#include "load.h"
#include "symbols.h"
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/auxv.h>

#pragma weak dl_iterate_phdr
#pragma weak dlsym
#pragma weak getauxval

#ifndef RTLD_DEEPBIND
#define RTLD_DEEPBIND 8
#endif

#if __has_attribute(musttail)
#define MUST_TAIL __attribute__((musttail))
#define WITH_TAIL_CALLS
#elif __has_attribute(optimize)
#define MUST_TAIL
#define WITH_TAIL_CALLS __attribute__((optimize("O2"))) /* whatever CFLAGS says */
#else
#define MUST_TAIL
#define WITH_TAIL_CALLS
#endif

/* The functions that we stand in front of, each with its second name. */
enum { NAMES = 2 };
static const char doors[][NAMES][13] = {
        {"connect", "__connect"},
        {"sendto"},
        {"sendmsg", "__sendmsg64"},
        {"sendmmsg", "__sendmmsg64"},
};

enum { DOORS = sizeof doors / sizeof *doors };

/* Code, because the loader would have to relocate a table of addresses in every program. */
static uintptr_t ours(unsigned door)
{
	if (door == 0)
		return (uintptr_t)connect;
	if (door == 1)
		return (uintptr_t)sendto;
	return door == 2 ? (uintptr_t)sendmsg : (uintptr_t)sendmmsg;
}

/* Until glibc 2.33, libpthread has them, too. Neither is ever unloaded. */
enum { LIBRARIES = 2 };

struct plan {
	struct symbols libraries[LIBRARIES];
	bool wanted[DOORS];
};

/*
 * Is libc's function of that name the next one after ours? Another preload's may still be
 * going to ask dlsym(3) for the next one, and must not be told ours: they would call each other
 * for ever.
 */
static bool is_next(const struct plan *p, const char *name)
{
	uintptr_t next = (uintptr_t)dlsym(RTLD_NEXT, name);
	for (unsigned i = 0; i < LIBRARIES; i++) {
		const symbol *there = symbols_find(&p->libraries[i], name);
		if (there != NULL && p->libraries[i].base + there->st_value == next)
			return true;
	}
	return false;
}

/* Returns how many of the library's symbols are not ours yet, although they should be. */
static unsigned rebind(const struct plan *p, const struct symbols *s, bool now)
{
	unsigned others = 0;
	for (unsigned i = 0; i < DOORS * NAMES; i++) {
		unsigned door = i / NAMES;
		uintptr_t value = ours(door) - s->base;
		symbol *there =
		        p->wanted[door] ? symbols_find(s, doors[door][i % NAMES]) : NULL;
		if (there == NULL || there->st_value == value)
			continue;
		others++;
		if (now)
			__atomic_store_n(&there->st_value, value, __ATOMIC_RELEASE);
	}
	return others;
}

/*
 * From the symbols to their names, all that is on those pages is data, and need not be
 * executable even if the segment is: some systems don't let memory that was written to become
 * so. What more the last page holds may be code.
 */
static void rebind_writable(const struct plan *p, const struct symbols *s)
{
	uintptr_t page = getauxval(AT_PAGESZ);
	uintptr_t from = (uintptr_t)s->table / page * page;
	uintptr_t to = ((uintptr_t)s->names + page - 1) / page * page;
	int protection = s->protection;
	if (to <= (uintptr_t)s->names + s->names_size)
		protection &= ~PROT_EXEC;
	if (sys_mprotect(from, to - from, protection | PROT_WRITE) != 0)
		return;
	rebind(p, s, true);
	sys_mprotect(from, to - from, protection);
}

/* Called once, under dl_iterate_phdr(3)'s lock: no thread is to find read-only what another has
 * just made writable. */
static int rebind_all(struct dl_phdr_info *info, size_t size, void *plan)
{
	const struct plan *p = plan;
	(void)info;
	(void)size;
	for (unsigned i = 0; i < LIBRARIES; i++)
		if (rebind(p, &p->libraries[i], false) != 0)
			rebind_writable(p, &p->libraries[i]);
	return 1;
}

/* Out of line, so that what is left of dlopen() is a tail call. */
__attribute__((noinline)) static void reach(void)
{
	int before = errno;
	struct plan p = {{symbols_of("libc.so.6"), symbols_of("libpthread.so.0")}, {false}};
	for (unsigned i = 0; i < DOORS; i++)
		p.wanted[i] = !config.off && is_next(&p, doors[i][0]);
	dl_iterate_phdr(rebind_all, &p);
	errno = before;
}

typedef void *dlopen_fn(const char *, int);

/*
 * Until glibc 2.33, libdl has it. A program that starts without libdl has neither dlsym(3), nor
 * libdl among the libraries that are searched for all objects; but a module of the name service
 * may bring its own, and then calls ours.
 */
static dlopen_fn *dlopen_of_libdl(void)
{
	struct symbols s = symbols_of("libdl.so.2");
	const symbol *there = symbols_find(&s, "dlopen");
	return there != NULL ? (dlopen_fn *)(s.base + there->st_value) : NULL;
}

__attribute__((noinline)) static dlopen_fn *next_dlopen(void)
{
	static _Atomic(dlopen_fn *) found;
	dlopen_fn *next = atomic_load_explicit(&found, memory_order_relaxed);
	if (next != NULL)
		return next;
	if (dlsym != NULL)
		*(void **)&next = dlsym(RTLD_NEXT, "dlopen");
	if (next == NULL)
		return dlopen_of_libdl();
	atomic_store_explicit(&found, next, memory_order_relaxed);
	return next;
}

__attribute__((visibility("default"))) WITH_TAIL_CALLS void *dlopen(const char *file, int mode)
{
	load_once(); /* before libc's functions can't be found any more */
	dlopen_fn *next = next_dlopen();
	if (dlsym != NULL && dl_iterate_phdr != NULL && getauxval != NULL && file != NULL)
		reach();
	if (next == NULL)
		return NULL;
	MUST_TAIL return next(file, mode);
}
