/* SPDX-License-Identifier: MIT */
/*
 * connect(), in front of libc's.
 *
 * If a TCP socket connects to a port of its own host, in the ephemeral port range, and nobody
 * listens there, the kernel may choose that very port as its source port. Its SYN then meets
 * the socket itself, TCP's simultaneous open completes, and the program would talk to itself.
 * No program is handed such a connection here: see repair.h, and prevent.h for programs with
 * threads.
 */
#undef _GNU_SOURCE /* with it, glibc declares connect() with a union for its addr */
#include "base/threads.h"
#include "config.h"
#include "load.h"
#include "next.h"
#include "prevent/prevent.h"
#include "prevent/readable.h"
#include "repair.h"
#include "selfconn.h"
#include <errno.h>

enum { MOST_UNAVAILABLE_RETRIES = 2 };

/*
 * EADDRNOTAVAIL may be spurious: between choosing a source port and using it, the kernel can
 * lose it to another socket. Like Go's dialer, try again, twice, if the kernel chooses the
 * port.
 */
static int retry_unavailable(int fd, const struct sockaddr *addr, socklen_t len)
{
	int outcome = EADDRNOTAVAIL;
	for (unsigned i = 0; i < MOST_UNAVAILABLE_RETRIES && i < config.retries; i++) {
		struct address local = local_address(fd);
		if (outcome == EADDRNOTAVAIL && local.len != 0 && address_port(&local) == 0)
			outcome = next_connect(fd, addr, len) == 0 ? 0 : errno;
	}
	return outcome;
}

/* What the program is told; before is errno at the start of the call. */
static int given(int outcome, int before)
{
	errno = outcome == 0 ? before : outcome;
	return outcome == 0 ? 0 : -1;
}

/* An interrupted connect() goes on in the background, like one that is in progress. */
static inline bool needs_look(int outcome)
{
	return outcome == 0 || outcome == EINPROGRESS || outcome == EINTR;
}

/* Another thread may have unmapped addr meanwhile; the kernel tells as well where to. Not
 * inlined: a repair has no room on the stack for what this needs. */
__attribute__((noinline)) static void copy(struct address *to, const struct sockaddr *addr,
                                           socklen_t len)
{
	*to = (struct address) {.len = 0};
	if (is_readable(addr) && is_readable((const char *)addr + len - READABLE_BYTES))
		*to = address_copy(addr, len);
}

/* Rare, and out of line, to keep the path of every other connect() short. */
__attribute__((noinline)) static int mended(int fd, const struct sockaddr *addr, socklen_t len,
                                            int outcome, int before)
{
	struct address dest;
	copy(&dest, addr, len);
	int repaired = repair(fd, &dest, BY_CONNECT, outcome);
	return given(repaired == NOT_SELF_CONNECTED ? outcome : repaired, before);
}

/* Another thread may wait for the socket, and must not see a self-connection either. */
__attribute__((noinline)) static int connect_in_threads(int fd, const struct sockaddr *addr,
                                                        socklen_t len)
{
	int before = errno, outcome;
	struct prevention p = prevent_begin(fd, addr, len);
	do
		outcome = next_connect(fd, addr, len) == 0 ? 0 : errno;
	while (outcome == EADDRNOTAVAIL && prevent_otherwise(&p, fd, addr, len));
	prevent_end(&p, fd, outcome);
	if (outcome == EADDRNOTAVAIL && !p.by_range)
		outcome = retry_unavailable(fd, addr, len);
	if (p.unread && needs_look(outcome) && address_is_internet(addr, len))
		p.port = address_port(addr); /* the kernel has read it */
	if (!p.not_tcp && needs_look(outcome) && p.port != 0 &&
	    may_be_self_connected(fd, p.port))
		return mended(fd, addr, len, outcome, before);
	return given(outcome, before);
}

__attribute__((visibility("default"))) int connect(int fd, const struct sockaddr *addr,
                                                   socklen_t len)
{
	load_once();
	if (config.off)
		return next_connect(fd, addr, len);
	if (!is_single_threaded())
		return connect_in_threads(fd, addr, len);
	int before = errno;
	int result = next_connect(fd, addr, len);
	int outcome = result == 0 ? 0 : errno;
	if (outcome == EADDRNOTAVAIL)
		outcome = retry_unavailable(fd, addr, len);
	/* The kernel has accepted addr, so len bytes of it can be read. */
	if (needs_look(outcome) && address_is_internet(addr, len) &&
	    may_be_self_connected(fd, address_port(addr)))
		return mended(fd, addr, len, outcome, before);
	return given(outcome, before);
}

/* glibc has a second name for it that a program may be linked to. */
__attribute__((visibility("default"), alias("connect"))) int
__connect(int fd, const struct sockaddr *addr, socklen_t len);
