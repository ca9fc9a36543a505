/* SPDX-License-Identifier: MIT */
/*
 * deepbind WORD...: opens objects such as tests/preloads/deep.c while it runs.
 *
 *   lazy|now|deep|deep-lazy OBJECT  open it (deep: with RTLD_DEEPBIND)
 *   go WAY                          call its function
 *   symbol                          connect with the connect() that dlsym() finds in it
 *   whose                           which object that is in
 *   close                           close it
 *   both OBJECT OBJECT              two threads open one each at once, deep; call them
 *   itself                          the program itself connects
 *   libc                            how much memory of libc can be written
 */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef RTLD_DEEPBIND
#define RTLD_DEEPBIND 8
#endif

typedef int connect_fn(int, const struct sockaddr *, socklen_t);

static void *open_object(const char *name, int flags)
{
	errno = 0;
	void *object = dlopen(name, flags);
	int error = errno;
	if (object == NULL)
		printf("open: %s (%s)\n", dlerror(), strerror(error));
	return object;
}

static const char *go(void *object, const char *way)
{
	const char *(*fn)(const char *);
	*(void **)&fn = dlsym(object, "go");
	return fn(way);
}

static const char *connects(connect_fn *fn)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = htons(40000)};
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	bool connected = fn(fd, (struct sockaddr *)&sin, sizeof sin) == 0;
	int error = errno;
	close(fd);
	return connected ? "connected to itself" : strerror(error);
}

static const char *symbol(void *object)
{
	connect_fn *fn = NULL;
	*(void **)&fn = dlsym(object, "connect");
	return connects(fn);
}

static const char *whose(void *object)
{
	Dl_info info;
	if (dladdr(dlsym(object, "connect"), &info) == 0)
		return "nowhere";
	return strrchr(info.dli_fname, '/') + 1;
}

static pthread_barrier_t barrier;

static void *in_thread(void *name)
{
	pthread_barrier_wait(&barrier);
	return open_object(name, RTLD_NOW | RTLD_DEEPBIND);
}

static void both(char *one, char *other)
{
	pthread_t threads[2];
	void *objects[2];
	pthread_barrier_init(&barrier, NULL, 2);
	pthread_create(&threads[0], NULL, in_thread, one);
	pthread_create(&threads[1], NULL, in_thread, other);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], &objects[i]);
	for (int i = 0; i < 2; i++)
		printf("both: %s\n", objects[i] == NULL ? "none" : go(objects[i], "connect"));
}

static void show_libc(void)
{
	char line[4096];
	unsigned long from, to, size = 0;
	FILE *maps = fopen("/proc/self/maps", "re");
	if (maps == NULL)
		err(1, "/proc/self/maps");
	/* Before glibc 2.34, its file has another name. */
	while (fgets(line, sizeof line, maps) != NULL)
		if ((strstr(line, "/libc.so.6\n") != NULL ||
		     strstr(line, "/libc-2.") != NULL) &&
		    strstr(line, " rw") != NULL && sscanf(line, "%lx-%lx", &from, &to) == 2)
			size += to - from;
	fclose(maps);
	printf("libc: %lu bytes can be written\n", size);
}

/* Returns how many words it took. */
static int take(char **words, void **object)
{
	static const struct way {
		char name[12];
		int flags;
	} ways[] = {{"lazy", RTLD_LAZY},
	            {"now", RTLD_NOW},
	            {"deep", RTLD_NOW | RTLD_DEEPBIND},
	            {"deep-lazy", RTLD_LAZY | RTLD_DEEPBIND}};
	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
		if (strcmp(words[0], ways[i].name) == 0)
			return *object = open_object(words[1], ways[i].flags), 2;
	if (strcmp(words[0], "go") == 0)
		return printf("%s: %s\n", words[1], go(*object, words[1])), 2;
	if (strcmp(words[0], "both") == 0)
		return both(words[1], words[2]), 3;
	if (strcmp(words[0], "symbol") == 0)
		printf("symbol: %s\n", symbol(*object));
	else if (strcmp(words[0], "whose") == 0)
		printf("whose: %s\n", whose(*object));
	else if (strcmp(words[0], "close") == 0)
		printf("close: %d\n", dlclose(*object));
	else if (strcmp(words[0], "itself") == 0)
		printf("itself: %s\n", connects((connect_fn *)(void (*)(void))connect));
	else if (strcmp(words[0], "libc") == 0)
		show_libc();
	else
		errx(2, "%s?", words[0]);
	return 1;
}

int main(int argc, char **argv)
{
	void *object = NULL;
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (int i = 1; i < argc;)
		i += take(argv + i, &object);
	return 0;
}
