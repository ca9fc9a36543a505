/* SPDX-License-Identifier: MIT */
/*
 * starts ROUNDS [NAME=VALUE...] COMMAND [ARGUMENT...] [, ...]: starts each of the commands,
 * which "," separates, in turn, ROUNDS times over, with these variables set. One line for each
 * start: the command's number, the nanoseconds from vfork() until it has ended, and the pages
 * that the kernel gave it meanwhile (minor faults).
 */
#include <err.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MOST_COMMANDS = 32, MOST_VARIABLES = 100 };

extern char **environ;

struct command {
	char **argv;
	char *env[MOST_VARIABLES + 1];
};

/* The environment, and in front of it what stands before the command. */
static void read_command(struct command *c, char **words)
{
	int n = 0;
	for (; *words != NULL && strchr(*words, '=') != NULL && n < MOST_VARIABLES; words++)
		c->env[n++] = *words;
	for (char **e = environ; *e != NULL && n < MOST_VARIABLES; e++)
		c->env[n++] = *e;
	if (*words == NULL)
		errx(2, "no command");
	c->argv = words;
}

static void start(const struct command *c, int number)
{
	struct timespec a, b;
	struct rusage used;
	pid_t pid;
	int status;
	clock_gettime(CLOCK_MONOTONIC, &a);
	if (posix_spawnp(&pid, c->argv[0], NULL, NULL, c->argv, c->env) != 0 ||
	    wait4(pid, &status, 0, &used) != pid)
		err(1, "%s", c->argv[0]);
	clock_gettime(CLOCK_MONOTONIC, &b);
	if (status != 0)
		errx(1, "%s: wait status %d", c->argv[0], status);
	printf("%d %ld %ld\n", number,
	       (b.tv_sec - a.tv_sec) * 1000000000 + b.tv_nsec - a.tv_nsec, used.ru_minflt);
}

int main(int argc, char **argv)
{
	static struct command commands[MOST_COMMANDS];
	int n = 0;
	if (argc < 3)
		errx(2, "usage: starts ROUNDS [NAME=VALUE...] COMMAND [ARGUMENT...] [, ...]");
	for (int first = 2, i = 2; i <= argc; i++) {
		if (i < argc && strcmp(argv[i], ",") != 0)
			continue;
		argv[i] = NULL;
		if (n == MOST_COMMANDS)
			errx(2, "too many commands");
		read_command(&commands[n++], argv + first);
		first = i + 1;
	}
	for (int round = atoi(argv[1]); round > 0; round--)
		for (int i = 0; i < n; i++)
			start(&commands[(i + round) % n], (i + round) % n);
}
