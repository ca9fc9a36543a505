/* SPDX-License-Identifier: MIT */
#include "obstacle.h"

#include "elf.h"
#include "execute.h"
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

/* Of a script, the kernel reads that much of the first line, and follows so many scripts. */
enum { FIRST_LINE = 256, MOST_SCRIPTS = 5 };

static bool same_file(const char *a, const char *b)
{
	struct stat sa, sb;
	return stat(a, &sa) == 0 && stat(b, &sb) == 0 && sa.st_dev == sb.st_dev &&
	       sa.st_ino == sb.st_ino;
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
			yes = elf_read(found.gl_pathv[i], &library) &&
			      library.class == elf->class && library.data == elf->data &&
			      library.machine == elf->machine;
			snprintf(file, PATH_MAX, "%s", found.gl_pathv[i]);
		}
		globfree(&found);
	}
	return yes;
}

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
	if (it->private || elf == NULL || !elf_read("/proc/self/exe", &own))
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

void obstacle_find(struct obstacle *it, const char *command, const char *preload)
{
	char path[PATH_MAX], interpreter[PATH_MAX];
	if (!find_command(command, path))
		return;
	int scripts = 0;
	struct elf elf;
	bool is_elf;
	while (!(is_elf = elf_read(path, &elf)) && scripts < MOST_SCRIPTS &&
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
