/*
 * connect(), in front of libc's.
 *
 * A TCP socket that connects to a port of its own host, in the ephemeral port range, where
 * nothing listens may be given that very port as its source port. Its SYN then meets the socket
 * itself, TCP's simultaneous open completes, and the program would talk to itself. No program
 * is handed such a connection here: see repair.h.
 */
#undef _GNU_SOURCE /* with it, glibc declares connect() with a union for its addr */
#include "config.h"
#include "next.h"
#include "repair.h"
#include "selfconn.h"
#include <errno.h>
#include <stdbool.h>

enum { MOST_UNAVAILABLE_RETRIES = 2 };

/*
 * EADDRNOTAVAIL may be spurious: between choosing a source port and using it, the kernel can
 * lose it to another socket. Like Go's dialer, try again, twice, where the kernel is to choose.
 */
static int retry_unavailable(int fd, const struct sockaddr *addr, socklen_t len)
{
	int outcome = EADDRNOTAVAIL;
	for (unsigned i = 0; i < MOST_UNAVAILABLE_RETRIES && i < config.retries; i++)
		if (outcome == EADDRNOTAVAIL && port_is_unset(fd))
			outcome = next_connect(fd, addr, len) == 0 ? 0 : errno;
	return outcome;
}

/* Rare, and out of line, to keep the way that every connect() takes short. */
__attribute__((noinline)) static int look_again(int fd, const struct sockaddr *addr,
                                                socklen_t len, int outcome, int before)
{
	bool due = true;
	if (outcome == EADDRNOTAVAIL) {
		outcome = retry_unavailable(fd, addr, len);
		due = repair_is_due(fd, addr, len, outcome);
	}
	if (due)
		repair(fd, addr, len, REPAIR_CONNECT, &outcome);
	errno = outcome == 0 ? before : outcome;
	return outcome == 0 ? 0 : -1;
}

__attribute__((visibility("default"))) int connect(int fd, const struct sockaddr *addr,
                                                   socklen_t len)
{
	int before = errno;
	int result = next_connect(fd, addr, len);
	int outcome = result == 0 ? 0 : errno;
	if (config.off || (outcome != EADDRNOTAVAIL && !repair_is_due(fd, addr, len, outcome)))
		return result;
	return look_again(fd, addr, len, outcome, before);
}

/* glibc has a second name for it that a program may be linked to. */
__attribute__((visibility("default"), alias("connect"))) int
__connect(int fd, const struct sockaddr *addr, socklen_t len);
