/* SPDX-License-Identifier: MIT */
/*
 * start MODE PRELOAD LIBRARY_PATH COMMAND [ARGUMENT...]: what the wrapper execs. Looks whether
 * a preloaded library reaches the command, sets LD_PRELOAD (and LD_LIBRARY_PATH, unless it is
 * "") and execs the command; one that can't be reached, or with MODE "...+all" any, by way of
 * supervise, which is beside this program. A command that is not for a supervisor either gets a
 * warning, and with "...+strict" is not run; "quiet..." says nothing. Being exec'ed, it costs
 * no process; being C, it can read what a shell can't: ELF headers, file capabilities, and what
 * the kernel makes of them.
 *
 * Exit status, if the command is not run: as of env(1), and 125 for --strict.
 */
#include "drops.h"
#include "execute.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { NOT_RUN = 125 };

/* Of a script, the kernel reads that much of the first line, and follows so many scripts. */
enum { FIRST_LINE = 256, MOST_SCRIPTS = 5 };

/* Program headers that are looked at; programs have a dozen. */
enum { MOST_HEADERS = 64 };

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
enum { NATIVE_DATA = ELFDATA2LSB };
#else
enum { NATIVE_DATA = ELFDATA2MSB };
#endif

/* What is looked at of an ELF file. */
struct elf {
	unsigned char class, data;
	uint16_t machine;
	bool go;           /* built by the Go compiler */
	char loader[1024]; /* the dynamic loader it asks for, or "" */
};

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

static bool read_elf_of(const char *path, struct elf *elf)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	bool is_elf = read_elf(fd, elf);
	close(fd);
	return is_elf;
}

static bool same_file(const char *a, const char *b)
{
	struct stat sa, sb;
	return stat(a, &sa) == 0 && stat(b, &sb) == 0 && sa.st_dev == sb.st_dev &&
	       sa.st_ino == sb.st_ino;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash == NULL ? path : slash + 1;
}

/*
 * Reads the first line of a script: its interpreter, or what env(1) starts if it is that.
 * False if the file is none, or its interpreter can't be found.
 */
static bool read_script(const char *path, char interpreter[PATH_MAX])
{
	char line[FIRST_LINE + 1] = "", *rest = line;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, line, FIRST_LINE);
	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return false;
	if (strncmp(line, "#!", 2) != 0) /* text is run by the shell, see execvp(3) */
		return memchr(line, '\0', (size_t)n) == NULL &&
		       find_command("/bin/sh", interpreter);
	line[strcspn(line, "\n")] = '\0';
	const char *word = strtok_r(line + 2, " \t", &rest);
	if (word != NULL && strcmp(base_name(word), "env") == 0)
		while ((word = strtok_r(NULL, " \t", &rest)) != NULL)
			if (word[0] != '-' && strchr(word, '=') == NULL)
				break;
	return word != NULL && find_command(word, interpreter);
}

/* Does the kernel start path with privileges, so that the loader ignores the preload? */
static const char *privileged(const char *path)
{
	struct stat st;
	struct statvfs fs;
	if (stat(path, &st) != 0 || (statvfs(path, &fs) == 0 && (fs.f_flag & ST_NOSUID) != 0))
		return NULL;
	if (getuid() != 0 && getxattr(path, "security.capability", NULL, 0) > 0)
		return "has file capabilities";
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
		return NULL;
	if ((st.st_mode & S_ISUID) != 0 && st.st_uid != getuid())
		return "is set-user-ID";
	if ((st.st_mode & S_ISGID) != 0 && (st.st_mode & S_IXGRP) != 0 && st.st_gid != getgid())
		return "is set-group-ID";
	return NULL;
}

/*
 * Finds the library that is installed for the machine of elf, where glibc's $LIB in preload
 * leads; false if there is none.
 */
static bool installed_for(const struct elf *elf, const char *preload, char file[PATH_MAX])
{
	const char *token = strstr(preload, "$LIB");
	char pattern[PATH_MAX];
	struct elf library;
	glob_t found;
	bool yes = false;
	for (int deep = 0; deep < 2 && token != NULL && !yes; deep++) {
		snprintf(pattern, sizeof pattern, "%.*slib*%s%.*s", (int)(token - preload),
		         preload, deep ? "/*" : "", (int)strcspn(token + 4, ": "), token + 4);
		if (glob(pattern, 0, NULL, &found) != 0)
			continue;
		for (size_t i = 0; i < found.gl_pathc && !yes; i++) {
			yes = read_elf_of(found.gl_pathv[i], &library) &&
			      library.class == elf->class && library.data == elf->data &&
			      library.machine == elf->machine;
			snprintf(file, PATH_MAX, "%s", found.gl_pathv[i]);
		}
		globfree(&found);
	}
	return yes;
}

/* What is known of a command that no preload reaches. */
struct obstacle {
	char subject[2 * PATH_MAX]; /* which file, if it is not the command */
	const char *why;            /* what it is, or NULL: it is reached */
	char library[PATH_MAX]; /* to name in LD_PRELOAD instead of what has $LIB in it, or ""
	                         */
	bool private;           /* a supervisor would not do it good either */
	bool drops;             /* it is reached, but not what it starts */
};

/*
 * Looks at the program path, which is no script. elf is what was read of it, or NULL. The
 * library is for every C library, but only glibc's loader knows $LIB.
 */
static void examine(struct obstacle *it, const char *path, const struct elf *elf,
                    const char *preload)
{
	struct elf own;
	char file[PATH_MAX];
	it->why = privileged(path);
	if (it->why == NULL && access(path, R_OK) != 0)
		it->why = "can't be read, to see whether it is dynamically linked";
	it->private = it->why != NULL;
	if (it->private || elf == NULL || !read_elf_of("/proc/self/exe", &own))
		return;
	if (elf->go)
		it->why = "is a Go program, which makes its system calls itself";
	else if (elf->loader[0] == '\0')
		it->why = same_file(path, own.loader) ? NULL : "is statically linked";
	else if (elf->class != own.class || elf->data != own.data ||
	         elf->machine != own.machine)
		it->why = installed_for(elf, preload, file)
		                  ? NULL
		                  : "is built for another architecture than the library";
	if (it->why == NULL && strstr(elf->loader, "musl") != NULL &&
	    installed_for(elf, preload, file))
		snprintf(it->library, sizeof it->library, "%s", file);
}

/* What stands between the preload and command? Nothing is said of one that isn't there:
 * execute() will say what is wrong. */
static void look(struct obstacle *it, const char *command, const char *preload)
{
	char path[PATH_MAX], interpreter[PATH_MAX];
	if (!find_command(command, path))
		return;
	int scripts = 0;
	struct elf elf;
	bool is_elf;
	while (!(is_elf = read_elf_of(path, &elf)) && scripts < MOST_SCRIPTS &&
	       read_script(path, interpreter)) {
		memcpy(path, interpreter, sizeof path);
		scripts++;
	}
	examine(it, path, is_elf ? &elf : NULL, preload);
	if (scripts > 0)
		snprintf(it->subject, sizeof it->subject, "%s: its interpreter %s", command,
		         path);
	else
		snprintf(it->subject, sizeof it->subject, "%s", path);
}

/*
 * Execs the supervisor, which is to have no preload itself. It is not to be strict about a
 * command that the preload reaches.
 */
static void supervise(const char *self, const char *mode, const struct obstacle *it,
                      char **command)
{
	char path[PATH_MAX], how[3 * PATH_MAX];
	snprintf(path, sizeof path, "%.*ssupervise", (int)(base_name(self) - self), self);
	snprintf(how, sizeof how, "%.*s%s:%s%s%s", (int)strcspn(mode, "+"), mode,
	         it->why != NULL && strstr(mode, "+strict") != NULL ? "+strict" : "",
	         it->why == NULL ? command[0] : it->subject, it->why == NULL ? "" : " ",
	         it->why == NULL ? "" : it->why);
	const char *preload = getenv("LD_PRELOAD");
	if (preload != NULL)
		setenv("NOSELFCONN_PRELOAD", preload, 1);
	unsetenv("LD_PRELOAD");
	char **argv = command - 2; /* there are ours before it */
	argv[0] = path;
	argv[1] = how;
	execv(path, argv);
	if (strncmp(mode, "quiet", 5) != 0)
		fprintf(stderr, "noselfconn: %s: %s\n", path, strerror(errno));
	preload = getenv("NOSELFCONN_PRELOAD");
	if (preload != NULL)
		setenv("LD_PRELOAD", preload, 1);
	unsetenv("NOSELFCONN_PRELOAD");
}

/* What comes behind the library stays. */
static void preload_library(const struct obstacle *it, const char *preload)
{
	char all[2 * PATH_MAX];
	snprintf(all, sizeof all, "%s%s", it->library, preload + strcspn(preload, ": "));
	setenv("LD_PRELOAD", it->library[0] != '\0' ? all : preload, 1);
}

int main(int argc, char **argv)
{
	if (argc < 5)
		return NOT_RUN; /* only the wrapper calls this */
	const char *self = argv[0], *mode = argv[1], *preload = argv[2],
	           *library_path = argv[3];
	char **command = argv + 4;
	struct obstacle it = {.why = NULL};
	look(&it, command[0], preload);
	bool all = strstr(mode, "+all") != NULL;
	it.drops = it.why == NULL && it.subject[0] != '\0' && !all && drops_preload(command);
	if (it.drops)
		it.why = "drops LD_PRELOAD";
	preload_library(&it, preload);
	if (library_path[0] != '\0')
		setenv("LD_LIBRARY_PATH", library_path, 1);
	if (it.subject[0] != '\0' && !it.private && !it.drops && (it.why != NULL || all))
		supervise(self, mode, &it, command);
	if (it.why != NULL && strncmp(mode, "quiet", 5) != 0)
		fprintf(stderr, "noselfconn: %s %s: no preload reaches %s\n", it.subject,
		        it.why, it.drops ? "what it starts" : "it");
	if (it.why != NULL && strstr(mode, "+strict") != NULL) {
		fprintf(stderr, "noselfconn: %s: not run (--strict)\n", command[0]);
		return NOT_RUN;
	}
	return execute(command);
}
