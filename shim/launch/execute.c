/* SPDX-License-Identifier: MIT */
#include "execute.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NOT_RUNNABLE = 126, NOT_FOUND = 127 };

const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash == NULL ? path : slash + 1;
}

const char *shown(const char *name)
{
	static char copy[2 * PATH_MAX];
	snprintf(copy, sizeof copy, "%s", name[0] == '\0' ? "''" : name);
	for (char *c = copy; *c != '\0'; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	return copy;
}

bool find_command(const char *name, char file[PATH_MAX])
{
	struct stat st;
	const char *path = getenv("PATH");
	if (strchr(name, '/') != NULL) {
		snprintf(file, PATH_MAX, "%s", name);
		return stat(file, &st) == 0;
	}
	for (const char *dir = path == NULL ? "/bin:/usr/bin" : path; dir != NULL;) {
		int len = (int)strcspn(dir, ":");
		int n = snprintf(file, PATH_MAX, "%.*s%s%s", len, dir, len > 0 ? "/" : "",
		                 name);
		if (n < PATH_MAX && stat(file, &st) == 0 && S_ISREG(st.st_mode) &&
		    access(file, X_OK) == 0)
			return true;
		dir = dir[len] == ':' ? dir + len + 1 : NULL;
	}
	return false;
}

/* As bash tells: the first line of a script has no zero byte. */
static bool is_text(const char *path)
{
	char line[80];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, line, sizeof line);
	if (fd >= 0)
		close(fd);
	if (n < 0 || (n >= 4 && memcmp(line, "\177ELF", 4) == 0))
		return false;
	const char *end = memchr(line, '\n', (size_t)n);
	return memchr(line, '\0', end == NULL ? (size_t)n : (size_t)(end - line)) == NULL;
}

int execute(char **command)
{
	char file[PATH_MAX];
	bool found = find_command(command[0], file);
	if (found && !is_text(file))
		execv(file, command);
	else
		execvp(command[0], command);
	int error = errno;
	bool searched = strchr(command[0], '/') == NULL;
	fprintf(stderr, "noselfconn: %s: %s%s\n", shown(command[0]),
	        error == ENOENT && !found && searched ? "command not found" : strerror(error),
	        error == ENOENT && found ? " (its interpreter or loader)" : "");
	return error == ENOENT ? NOT_FOUND : NOT_RUNNABLE;
}
