/* SPDX-License-Identifier: MIT */
#include "drops.h"

#include "execute.h"
#include <stddef.h>
#include <string.h>

/* Does env(1) drop it with this option, and what comes next? */
static bool option_drops(const char *option, const char *next)
{
	const char *flag = option + strcspn(option, "iuCS"); /* several in one word */
	if (strncmp(option, "--", 2) == 0)
		return strcmp(option, "--ignore-environment") == 0 ||
		       strcmp(option, "--unset=LD_PRELOAD") == 0;
	if (*flag == 'u')
		return strcmp(flag[1] == '\0' && next != NULL ? next : flag + 1,
		              "LD_PRELOAD") == 0;
	return *flag == 'i' || strcmp(option, "-") == 0;
}

static bool env_drops(char *const *arguments)
{
	bool drops = false;
	for (const char *word; (word = *arguments) != NULL; arguments++) {
		if (strncmp(word, "LD_PRELOAD=", 11) == 0)
			drops = strstr(word, "libnoselfconn") == NULL;
		else if (word[0] == '-')
			drops |= option_drops(word, arguments[1]);
		else if (strchr(word, '=') == NULL)
			break;
		if (strcmp(word, "-u") == 0 && arguments[1] != NULL)
			arguments++;
	}
	return drops;
}

bool drops_preload(char *const *command)
{
	static const char *const always[] = {"sudo",    "doas",     "pkexec",
	                                     "trickle", "mptcpize", "systemd-run"};
	const char *name = base_name(command[0]);
	for (size_t i = 0; i < sizeof always / sizeof always[0]; i++)
		if (strcmp(name, always[i]) == 0)
			return true;
	return strcmp(name, "env") == 0 && env_drops(command + 1);
}
