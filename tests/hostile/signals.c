/* SPDX-License-Identifier: MIT */
/*
 * signals WORD...: connect() to a closed port of this host in a storm of timer signals. Says
 * what came of it, and whether the program is as before.
 *
 * - storm HOW TIMES: a new socket each time; HOW is "restart" (SA_RESTART) or "interrupt". What
 *   was interrupted goes on, and is waited for.
 * - jump TIMES: so often, the handler jumps out of connect() with siglongjmp(); not out of the
 *   first
 * - wait HOW: a single, blocking connect(), of which a handler with or without SA_RESTART must
 *   be able to interrupt the waiting: the server that the preload serve.so, with SERVE_FULL=1,
 *   lets come up does not answer before the third signal
 * - handled HOW: a single connect(), while which the preload caller.so has a handler called
 * that takes much stack; HOW is "return" or "jump". What came of a second one, after it.
 *
 * - told THREADS: a single connect() of a socket with O_ASYNC. How often the handler of SIGIO
 * saw a self-connection.
 *
 * With MOVE_RANGE, the same in a process with another thread (see move-range.h).
 */
#include "attempt.h"
#include "move-range.h"

#include <err.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/time.h>

enum { SERVER = 500 };

static sigjmp_buf back;
static volatile sig_atomic_t signals, may_jump;

static int open_socket(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	if (fd < 0)
		err(2, "socket");
	return fd;
}

static void handle(void (*handler)(int), int flags, int microseconds)
{
	const struct timeval every = {.tv_usec = microseconds};
	struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &(struct itimerval) {every, every}, NULL);
}

static void calm_down(void)
{
	signal(SIGALRM, SIG_IGN);
	setitimer(ITIMER_REAL, &(struct itimerval) {{0, 0}, {0, 0}}, NULL);
}

static void be_signalled(int sig)
{
	(void)sig;
	signals++;
}

/* What an interrupted connect() came to in the end. */
static int outcome_of_interrupted(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	int e = 0;
	socklen_t len = sizeof e;
	while (poll(&p, 1, 5000) < 0 && errno == EINTR)
		;
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &e, &len);
	return e;
}

static void storm(int flags, int times)
{
	struct tally t = {0};
	int interrupted = 0;
	handle(be_signalled, flags, 50);
	for (int i = 0; i < times; i++) {
		int fd = open_socket(), outcome = attempt(fd);
		if (outcome == EINTR) {
			interrupted++;
			outcome = outcome_of_interrupted(fd);
		}
		count(&t, fd, outcome);
		abort_and_close(fd);
	}
	calm_down();
	show(&t);
	printf("%s\n", interrupted > 0 ? "interrupted" : "never interrupted");
}

static void jump(int sig)
{
	(void)sig;
	if (may_jump) {
		may_jump = 0;
		siglongjmp(back, 1);
	}
}

static void jump_out(int times)
{
	static volatile int i, jumped, fd, self;
	handle(jump, 0, 50);
	for (i = 0; jumped < times && i < 100 * times; i++) {
		fd = open_socket();
		if (sigsetjmp(back, 1) == 0) {
			may_jump = i > 0;
			attempt(fd);
			may_jump = 0;
			self += to_itself(fd);
		} else {
			jumped++;
		}
		abort_and_close(fd);
	}
	calm_down();
	printf("jumped: %d\n", jumped);
	if (self > 0)
		printf("self-connected: %d\n", self);
}

static void answer_third(int sig)
{
	(void)sig;
	if (++signals == 3)
		for (int i = 0; i < 2; i++)
			close(accept(SERVER, NULL, NULL));
}

static void wait_for(int flags)
{
	struct tally t = {0};
	int fd = open_socket();
	handle(answer_third, flags, 20000);
	int outcome = attempt(fd);
	calm_down();
	count(&t, fd, outcome);
	show(&t);
}

static volatile sig_atomic_t handled;

/* Waits until the library's own thread has ended: the links are this one and two of any folder.
 */
static void wait_until_alone(void)
{
	struct stat st;
	for (int i = 0; stat("/proc/self/task", &st) == 0 && st.st_nlink > 3 && i < 10000; i++)
		usleep(1000);
}

/* Takes much stack, in which nobody else writes. caller.so waits for the call. */
__attribute__((noinline)) static void answer(void)
{
	volatile char much[8192];
	size_t changed = 0;
	for (size_t i = 0; i < sizeof much; i++)
		much[i] = (char)0xff;
	attempt(-1);
	wait_until_alone();
	for (size_t i = 0; i < sizeof much; i++)
		changed += much[i] != (char)0xff;
	if (changed > 0)
		printf("%zu bytes changed\n", changed);
}

static void note_signal(int sig)
{
	handled = 1;
	jump(sig);
	answer();
}

static void be_handled(bool jumps)
{
	const struct sigaction action = {.sa_handler = note_signal};
	struct tally t = {0};
	may_jump = jumps;
	for (volatile int i = 0; i < 2; i++) {
		volatile int fd = open_socket();
		sigaction(SIGSEGV, &action, NULL);
		if (sigsetjmp(back, 1) == 0) {
			count(&t, fd, attempt(fd));
		} else {
			answer();
		}
		abort_and_close(fd);
	}
	show(&t);
	printf("%s\n", handled ? "handled" : "not handled");
	pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
}

static int watched;
static volatile sig_atomic_t seen;

static void look(int sig)
{
	int before = errno;
	(void)sig;
	seen += to_itself(watched);
	errno = before;
}

static void *ends_at_once(void *unused)
{
	return unused;
}

static void be_told(int threads)
{
	const struct sigaction action = {.sa_handler = look, .sa_flags = SA_RESTART};
	struct tally t = {0};
	pthread_t thread;
	if (threads > 1 && (pthread_create(&thread, NULL, ends_at_once, NULL) != 0 ||
	                    pthread_join(thread, NULL) != 0))
		err(2, "pthread_create");
	sigaction(SIGIO, &action, NULL);
	watched = open_socket();
	fcntl(watched, F_SETOWN, getpid());
	fcntl(watched, F_SETFL, O_ASYNC);
	count(&t, watched, attempt(watched));
	abort_and_close(watched);
	show(&t);
	printf("seen by a handler: %d\n", seen);
}

static void check_state(const sigset_t *mask)
{
	sigset_t now;
	int state;
	pthread_sigmask(SIG_BLOCK, NULL, &now);
	for (int n = 1; n < NSIG; n++)
		if (sigismember(&now, n) != sigismember(mask, n))
			printf("signal %d is %sblocked\n", n,
			       sigismember(mask, n) ? "no longer " : "");
	pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &state);
	if (state != PTHREAD_CANCEL_ENABLE)
		printf("the thread can no longer be cancelled\n");
}

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "", *how = argc > 2 ? argv[2] : "";
	int flags = strcmp(how, "restart") == 0 ? SA_RESTART : 0, before = descriptors();
	sigset_t mask;
	move_range();
	pthread_sigmask(SIG_BLOCK, NULL, &mask);
	if (strcmp(word, "storm") == 0 && argc == 4) {
		storm(flags, atoi(argv[3]));
	} else if (strcmp(word, "jump") == 0 && argc == 3) {
		jump_out(atoi(how));
	} else if (strcmp(word, "wait") == 0 && argc == 3) {
		wait_for(flags);
		return 0;
	} else if (strcmp(word, "told") == 0 && argc == 3) {
		be_told(atoi(how));
	} else if (strcmp(word, "handled") == 0 && argc == 3) {
		be_handled(strcmp(how, "jump") == 0);
	} else {
		errx(2, "see the head of this file's source");
	}
	check_state(&mask);
	if (descriptors() != before)
		printf("descriptors: %d, then %d\n", before, descriptors());
	return 0;
}
