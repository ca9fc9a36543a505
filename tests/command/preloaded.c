/* SPDX-License-Identifier: MIT */
/*
 * preloaded: prints "preloaded" or "not preloaded", as the library is in this process or not.
 * With GO defined, it carries the build ID that the Go linker puts into every program.
 */
#include <stdio.h>
#include <string.h>

#ifdef GO
__asm__(".section .note.go.buildid,\"a\",@note\n"
        ".balign 4\n.long 4, 4, 4\n.asciz \"Go\"\n.balign 4\n.ascii \"abcd\"\n.previous\n");
#endif

int main(void)
{
	char line[512];
	FILE *maps = fopen("/proc/self/maps", "r");
	if (maps == NULL)
		return 1;
	while (fgets(line, sizeof line, maps) != NULL)
		if (strstr(line, "/libnoselfconn.so") != NULL)
			return puts("preloaded") < 0;
	return puts("not preloaded") < 0;
}
