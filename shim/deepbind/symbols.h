/* SPDX-License-Identifier: MIT */
/* The dynamic symbols of a library, as they are in the memory of this process. */
#ifndef NOSELFCONN_SYMBOLS_H
#define NOSELFCONN_SYMBOLS_H

#include <link.h>
#include <stddef.h>
#include <stdint.h>

typedef ElfW(Sym) symbol;

struct symbols {
	uintptr_t base; /* add it to their values */
	symbol *table;
	const uint32_t *hash;     /* as DT_GNU_HASH has it */
	const uint16_t *versions; /* as DT_VERSYM has it */
	const char *names;        /* behind the table */
	size_t names_size;
	int protection; /* of the memory they are in, for mprotect(2) */
};

/* Returns those of the library that is loaded as that file, wherever that is; without a hash if
 * there is none. */
struct symbols symbols_of(const char *file);

/* Returns what the library defines by that name, in the default version, or NULL. s may have no
 * hash. */
symbol *symbols_find(const struct symbols *s, const char *name);

#endif
