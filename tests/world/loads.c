/* SPDX-License-Identifier: MIT */
/*
 * loads HOW LIBRARY PORT: loads tests/preloads/plugin.c's library and has it connect to PORT of
 * 127.0.0.1. HOW: local, global, deepbind (dlopen() with RTLD_LOCAL, RTLD_GLOBAL,
 * RTLD_DEEPBIND), dlmopen (in a namespace of its own).
 */
#include <dlfcn.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *load(const char *how, const char *library)
{
#ifdef RTLD_DEEPBIND
	if (strcmp(how, "deepbind") == 0)
		return dlopen(library, RTLD_NOW | RTLD_DEEPBIND);
#endif
#ifdef LM_ID_NEWLM
	if (strcmp(how, "dlmopen") == 0)
		return dlmopen(LM_ID_NEWLM, library, RTLD_NOW);
#endif
	return dlopen(library, RTLD_NOW | (strcmp(how, "global") == 0 ? RTLD_GLOBAL : 0));
}

int main(int argc, char **argv)
{
	int (*plugin_connect)(int);
	if (argc != 4)
		errx(2, "usage: loads local|global|deepbind|dlmopen LIBRARY PORT");
	void *handle = load(argv[1], argv[2]);
	if (handle == NULL)
		errx(2, "%s", dlerror());
	*(void **)&plugin_connect = dlsym(handle, "plugin_connect");
	if (plugin_connect == NULL)
		errx(2, "%s", dlerror());
	int outcome = plugin_connect(atoi(argv[3]));
	puts(outcome == -1  ? "connected to itself"
	     : outcome == 0 ? "connected"
	                    : strerror(outcome));
	return 0;
}
