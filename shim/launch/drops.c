/* SPDX-License-Identifier: MIT */
#include "drops.h"

#include "execute.h"
#include <stddef.h>
#include <string.h>

/* Is it -i, perhaps with others in one word? */
static bool clears_environment(const char *option)
{
	return strcmp(option, "-") == 0 || strcmp(option, "--ignore-environment") == 0 ||
	       (option[1] != '-' && option[strcspn(option, "iuCS")] == 'i');
}

/* Returns where the value of an option begins: "" if it is the next word; NULL if it has none.
 */
static const char *value_in(const char *option)
{
	static const char *const with_value[] = {"--unset", "--chdir", "--split-string"};
	for (size_t i = 0; i < sizeof with_value / sizeof with_value[0]; i++) {
		size_t len = strlen(with_value[i]);
		if (strncmp(option, with_value[i], len) == 0)
			return option + len + (option[len] == '=');
	}
	const char *flag = option + strcspn(option, "uCS");
	return option[1] == '-' || *flag == '\0' ? NULL : flag + 1;
}

/* The words of env(1): options, then variables, then the command. */
static bool env_drops(char *const *words)
{
	bool drops = false;
	for (; *words != NULL && (*words)[0] == '-'; words++) {
		const char *value = value_in(*words);
		drops |= clears_environment(*words);
		if (value != NULL && value[0] == '\0' && words[1] != NULL)
			value = *++words;
		drops |= value != NULL && strcmp(value, "LD_PRELOAD") == 0;
	}
	for (; *words != NULL && strchr(*words, '=') != NULL; words++)
		if (strncmp(*words, "LD_PRELOAD=", 11) == 0)
			drops = strstr(*words, "libnoselfconn") == NULL;
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
