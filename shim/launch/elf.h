/* SPDX-License-Identifier: MIT */
/*
 * What an ELF file says of itself: for which machine it is, and who loads it.
 */
#ifndef NOSELFCONN_ELF_H
#define NOSELFCONN_ELF_H

#include <stdbool.h>
#include <stdint.h>

struct elf {
	unsigned char class, data;
	uint16_t machine;
	bool go;           /* built by the Go compiler */
	char loader[1024]; /* the dynamic loader it asks for, or "" */
};

/*
 * Reads the file path; false if it can't be read, or is no ELF file. One of the other byte
 * order has no loader.
 */
bool elf_read(const char *path, struct elf *elf);

#endif
