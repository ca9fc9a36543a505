/*
 * stack ordinary|repair: how many bytes of stack a connect() takes more than libc's own: one
 * that succeeds, or one that is self-connected in the namespace of two ports, and repaired.
 */
#undef _GNU_SOURCE /* with it, glibc declares connect() with a union for its addr */
#define _DEFAULT_SOURCE
#include <dlfcn.h>
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SIZE = 1 << 20, PAINT = 0xa5, SELF_CONNECTED = 40000 };

typedef int connect_fn(int, const struct sockaddr *, socklen_t);

static struct sockaddr_in to = {.sin_family = AF_INET};

static void *run(void *fn)
{
	const struct linger none = {.l_onoff = 1};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	(*(connect_fn **)fn)(fd, (struct sockaddr *)&to, sizeof to);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
	close(fd);
	return NULL;
}

/* Runs it on a painted stack, and looks how much of the paint is gone. */
static long depth(connect_fn *fn)
{
	pthread_t thread;
	pthread_attr_t attr;
	unsigned char *stack =
	        mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (stack == MAP_FAILED)
		err(1, "mmap");
	memset(stack, PAINT, SIZE);
	pthread_attr_init(&attr);
	pthread_attr_setstack(&attr, stack, SIZE);
	if (pthread_create(&thread, &attr, run, &fn) != 0 || pthread_join(thread, NULL) != 0)
		errx(1, "no thread");
	long untouched = 0;
	while (untouched < SIZE && stack[untouched] == PAINT)
		untouched++;
	munmap(stack, SIZE);
	return SIZE - untouched;
}

int main(int argc, char **argv)
{
	connect_fn *of_libc = NULL;
	socklen_t len = sizeof to;
	void *libc = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
	if (libc != NULL)
		*(void **)&of_libc = dlsym(libc, "connect");
	if (of_libc == NULL)
		errx(1, "%s", dlerror());
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	to.sin_port = htons(SELF_CONNECTED);
	if (argc == 2 && strcmp(argv[1], "ordinary") == 0) {
		int server = socket(AF_INET, SOCK_STREAM, 0);
		to.sin_port = 0;
		if (bind(server, (struct sockaddr *)&to, sizeof to) != 0 ||
		    listen(server, 9) != 0 ||
		    getsockname(server, (struct sockaddr *)&to, &len) != 0)
			err(1, "server");
	}
	depth(of_libc); /* the first thread and the first call take more */
	long bare = depth(of_libc);
	printf("%ld\n", depth(connect) - bare);
}
