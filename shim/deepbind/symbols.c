/* SPDX-License-Identifier: MIT */
#include "symbols.h"

#include "report/text.h"
#include <sys/mman.h>

#pragma weak dl_iterate_phdr

enum { HIDDEN_VERSION = 0x8000 };

/* glibc has put addresses in place of the offsets there, except on some machines. */
static const void *address(uintptr_t base, const ElfW(Dyn) * d)
{
	uintptr_t at = d->d_un.d_ptr;
	return (const void *)(at < base ? at + base : at);
}

static void read_dynamic(struct symbols *s, const ElfW(Dyn) * d)
{
	for (; d->d_tag != DT_NULL; d++) {
		if (d->d_tag == DT_SYMTAB)
			s->table = (symbol *)address(s->base, d);
		else if (d->d_tag == DT_STRTAB)
			s->names = address(s->base, d);
		else if (d->d_tag == DT_STRSZ)
			s->names_size = d->d_un.d_val;
		else if (d->d_tag == DT_GNU_HASH)
			s->hash = address(s->base, d);
		else if (d->d_tag == DT_VERSYM)
			s->versions = address(s->base, d);
	}
}

/* Not all may be there, in the order in which linkers put it. */
static void read_symbols(struct symbols *s, const struct dl_phdr_info *info)
{
	*s = (struct symbols) {.base = info->dlpi_addr};
	for (unsigned i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_DYNAMIC)
			read_dynamic(s, (const void *)(s->base + info->dlpi_phdr[i].p_vaddr));
	for (unsigned i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		if (p->p_type == PT_LOAD &&
		    (uintptr_t)s->table - s->base - p->p_vaddr < p->p_memsz)
			s->protection = PROT_READ | (p->p_flags & PF_W ? PROT_WRITE : 0) |
			                (p->p_flags & PF_X ? PROT_EXEC : 0);
	}
	if (s->protection == 0 || s->versions == NULL ||
	    (uintptr_t)s->table > (uintptr_t)s->names)
		s->hash = NULL;
}

struct search {
	const char *file;
	struct symbols found;
};

static int look_at(struct dl_phdr_info *info, size_t size, void *search)
{
	struct search *s = search;
	(void)size;
	if (!text_equal(text_file_name(info->dlpi_name), s->file))
		return 0;
	read_symbols(&s->found, info);
	return 1;
}

struct symbols symbols_of(const char *file)
{
	struct search s = {.file = file};
	if (dl_iterate_phdr != NULL)
		dl_iterate_phdr(look_at, &s);
	return s.found;
}

symbol *symbols_find(const struct symbols *s, const char *name)
{
	if (s->hash == NULL || s->hash[0] == 0)
		return NULL;
	const uint32_t buckets = s->hash[0], first = s->hash[1], filter_words = s->hash[2];
	const uint32_t *bucket = s->hash + 4 + filter_words * (sizeof(ElfW(Addr)) / 4);
	const uint32_t *chain = bucket + buckets;
	uint32_t hash = 5381;
	for (const char *c = name; *c != '\0'; c++)
		hash = hash * 33 + (unsigned char)*c;
	uint32_t i = bucket[hash % buckets];
	if (i < first)
		return NULL;
	/* Their lowest bit marks the end of a chain. */
	do
		if ((chain[i - first] | 1) == (hash | 1) &&
		    (s->versions[i] & HIDDEN_VERSION) == 0 &&
		    text_equal(s->names + s->table[i].st_name, name))
			return &s->table[i];
	while ((chain[i++ - first] & 1) == 0);
	return NULL;
}
