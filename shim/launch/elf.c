/* SPDX-License-Identifier: MIT */
#include "elf.h"

#include <elf.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Program headers that are looked at; programs have a dozen. */
enum { MOST_HEADERS = 64 };

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
enum { NATIVE_DATA = ELFDATA2LSB };
#else
enum { NATIVE_DATA = ELFDATA2MSB };
#endif

/* A number as the machine has it in memory. */
static uint64_t number(const char *at, size_t size)
{
	uint64_t n8 = 0;
	uint32_t n4 = 0;
	uint16_t n2 = 0;
	memcpy(size == 8 ? (void *)&n8 : size == 4 ? (void *)&n4 : (void *)&n2, at, size);
	return n8 + n4 + n2;
}

/* Is there a note of the Go linker, its build ID, among the notes? */
static bool note_of_go(const char *notes, size_t size)
{
	for (size_t at = 0; at + 16 <= size;) {
		uint64_t name = number(notes + at, 4), text = number(notes + at + 4, 4);
		if (name == 4 && memcmp(notes + at + 12, "Go", 3) == 0)
			return true;
		at += 12 + (size_t)((name + 3) / 4 * 4 + (text + 3) / 4 * 4);
	}
	return false;
}

/* Reads the ELF file fd; false if it is none. One of the other byte order has no loader. */
static bool read_elf(int fd, struct elf *elf)
{
	char head[64] = "", table[MOST_HEADERS * sizeof(Elf64_Phdr)], notes[1024];
	if (pread(fd, head, sizeof head, 0) < 52 || memcmp(head, ELFMAG, SELFMAG) != 0)
		return false;
	*elf = (struct elf) {.class = (unsigned char)head[EI_CLASS],
	                     .data = (unsigned char)head[EI_DATA],
	                     .machine = (uint16_t)number(head + 18, 2)};
	if (elf->data != NATIVE_DATA)
		return true;
	bool wide = elf->class == ELFCLASS64;
	size_t word = wide ? 8 : 4, size = (size_t)number(head + (wide ? 54 : 42), 2);
	if (size != (wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr)))
		return true;
	ssize_t all = (ssize_t)(size * (size_t)number(head + (wide ? 56 : 44), 2));
	all = pread(fd, table, (size_t)all < sizeof table ? (size_t)all : sizeof table,
	            (off_t)number(head + (wide ? 32 : 28), word));
	for (const char *entry = table; all - (entry - table) >= (ssize_t)size; entry += size) {
		uint64_t type = number(entry, 4);
		off_t offset = (off_t)number(entry + word, word);
		uint64_t length = number(entry + 4 * word, word);
		if (type == PT_INTERP && length < sizeof elf->loader) {
			if (pread(fd, elf->loader, (size_t)length, offset) < 0)
				elf->loader[0] = '\0';
		} else if (type == PT_NOTE) {
			if (length > sizeof notes)
				length = sizeof notes;
			ssize_t n = pread(fd, notes, (size_t)length, offset);
			elf->go |= n > 0 && note_of_go(notes, (size_t)n);
		}
	}
	return true;
}

bool elf_read(const char *path, struct elf *elf)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	bool is_elf = read_elf(fd, elf);
	close(fd);
	return is_elf;
}
