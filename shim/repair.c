/* SPDX-License-Identifier: MIT */
#include "repair.h"

#include "base/kernel.h"
#include "base/own_table.h"
#include "base/sockopt.h"
#include "base/spare.h"
#include "base/threads.h"
#include "base/uninterrupted.h"
#include "bound.h"
#include "config.h"
#include "guard.h"
#include "next.h"
#include "prevent/ephemeral.h"
#include "prevent/port.h"
#include "prevent/prevent.h"
#include "replace/replace.h"
#include "report/report.h"
#include "selfconn.h"
#include "undo.h"
#include <errno.h>
#include <fcntl.h>

/* The kernel refuses: the program needs another socket, in its own descriptor table. */
enum { NOT_UNDONE = NOT_SELF_CONNECTED - 1 };

struct repair {
	int fd;        /* the program's descriptor */
	int own;       /* our own one of the same socket; fd if there can be none */
	bool apart;    /* in a descriptor table of our own; own is fd, but there */
	int flags;     /* file status flags of fd, or -1 */
	int guard;     /* keeps the kernel from choosing the port again, or -1 */
	unsigned kept; /* how often a range did so instead, because there was no guard */
	enum opener opener;
	unsigned long long
	        cookie; /* tells the socket from another one; 0 if it can't be told */
	int outcome;    /* of the program's call, and then what it must be told */
	struct address dest;
	struct endpoint at; /* where the socket was connected to itself */
	struct forgotten forgotten;
	bool deliberate; /* the program bound the port */
	const char *how; /* for the report; NULL if there was no repair */
};

static int outcome_of(int result)
{
	return result == 0 ? 0 : errno;
}

static bool is_pending(int outcome)
{
	return outcome == EINPROGRESS || outcome == EINTR || outcome == EALREADY;
}

/* True also if the flags can't be read: then the socket may be checked once too often. */
static bool is_blocking(const struct repair *r)
{
	return r->flags < 0 || (r->flags & O_NONBLOCK) == 0;
}

static bool is_again(const struct repair *r, int outcome)
{
	struct endpoint dest = r->at, end;
	return (outcome == 0 || is_pending(outcome)) && is_self_connected(r->own, &dest, &end);
}

/* Has the program's descriptor been closed, perhaps opened anew, by a handler or a thread? */
static bool is_gone(const struct repair *r)
{
	unsigned long long now = 0;
	socklen_t len = sizeof now;
	int result = sockopt_read(r->fd, SOL_SOCKET, SO_COOKIE, &now, &len);
	return result == -EBADF || result == -ENOTSOCK ||
	       (result == 0 && r->cookie != 0 && now != r->cookie);
}

/*
 * A connect() on a non-blocking socket never succeeds at once, unless TCP_FASTOPEN_CONNECT puts
 * it off, and then the socket has no peer yet. So one that succeeds tells the outcome of an
 * earlier connect(), which was checked: the socket is connected to itself because the program
 * bound the port.
 */
static bool is_outcome_of_earlier(const struct repair *r, int outcome)
{
	struct sockaddr_in6 peer;
	socklen_t len = sizeof peer;
	return r->opener == BY_CONNECT && outcome == 0 && !is_blocking(r) &&
	       sys_getpeername(r->own, &peer, &len) == 0;
}

/*
 * Connects as the program did. After a send, by a send without data: a connect() would leave a
 * Fast Open request behind if TCP_FASTOPEN_CONNECT is set.
 */
static int begin(const struct repair *r)
{
	if (r->opener == BY_CONNECT)
		return outcome_of(next_connect(r->own, &r->dest.any, r->dest.len));
	return outcome_of((int)next_sendto(r->own, NULL, 0, MSG_FASTOPEN | MSG_DONTWAIT,
	                                   &r->dest.any, r->dest.len));
}

/*
 * Connects the socket again, without waiting. O_NONBLOCK would affect everybody who reads from
 * a copy of the descriptor; a send timeout of one jiffy affects only a connect() or a send.
 */
static int begin_without_waiting(const struct repair *r)
{
	const long jiffy[2] = {0, 1}; /* as a struct timeval */
	long timeout[2];
	socklen_t len = sizeof timeout;
	bool limit = r->opener == BY_CONNECT && is_blocking(r) &&
	             sockopt_read(r->own, SOL_SOCKET, SEND_TIMEOUT, timeout, &len) == 0 &&
	             sockopt_write(r->own, SOL_SOCKET, SEND_TIMEOUT, jiffy, sizeof jiffy) == 0;
	int outcome = begin(r);
	if (limit)
		sockopt_write(r->own, SOL_SOCKET, SEND_TIMEOUT, timeout, len);
	return outcome;
}

/* Without a guard, a port range keeps the kernel from the port; each time another part. */
static int begin_again(struct repair *r, unsigned tries)
{
	struct prevention p = {0};
	int outcome;
	if (r->guard < 0 && prevent_by_range(&p, r->own, r->at.port, tries % 2))
		r->kept++;
	do
		outcome = begin_without_waiting(r);
	while (outcome == EADDRNOTAVAIL && prevent_otherwise(&p, r->own, NULL, 0));
	prevent_end(&p, r->own, outcome);
	return outcome;
}

static bool undo_all(const struct repair *r)
{
	int fresh = 0;
	if (!undo(r->own))
		return false;
	undo_restore(r->own, &r->forgotten);
	if (r->guard >= 0 && sockopt_get(r->guard, SOL_SOCKET, SO_SNDBUF, &fresh))
		undo_send_buffer(r->own, fresh);
	return true;
}

/*
 * If the kernel refuses to undo the connection (a sandbox may lack AF_UNSPEC), the program gets
 * another socket, unconnected, although it may notice. The self-connection is aborted when its
 * last descriptor is closed.
 */
static int replaced(struct repair *r)
{
	const struct linger abort = {.l_onoff = 1};
	int new = replacement(r->own, r->dest.any.sa_family);
	if (new >= 0) {
		undo_restore(new, &r->forgotten);
		if (!is_gone(r) && replace(new, r->fd, r->flags))
			r->cookie = sockopt_cookie(new);
		spare_close(new);
	}
	sockopt_write(r->own, SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
	r->how = "replaced";
	return ECONNREFUSED;
}

/*
 * While the guard is there, only a socket whose port the program bound gets that port again. So
 * the question whose port it was waits until that has happened, or until there is no other try:
 * an MPTCP socket goes on showing the address of the attempt, and the question would bind it.
 * From then on bind() chooses the port, because the guard may be useless: there was no
 * descriptor for it, or the program has changed its network namespace since it opened the
 * socket.
 */
static int connect_again(struct repair *r)
{
	for (unsigned tries = 0;; tries++) {
		if (!undo_all(r))
			return r->apart ? NOT_UNDONE : replaced(r);
		bool first = tries == 0, last = tries >= config.retries;
		enum port_owner owner = PORT_OF_UNKNOWN;
		if (!first || last)
			owner = bound_port(r->own, !first && !last);
		r->deliberate =
		        owner == PORT_OF_PROGRAM || (owner == PORT_OF_UNKNOWN && r->kept >= 2);
		if (r->deliberate)
			return begin_without_waiting(r);
		if (last) {
			r->how = "aborted";
			return ECONNREFUSED;
		}
		int outcome = begin_again(r, tries);
		if (!is_again(r, outcome)) {
			r->how = "reset in place";
			return outcome;
		}
	}
}

/* The address that the kernel connected to counts, whatever the program named. */
static void set_destination(struct repair *r)
{
	struct address peer = peer_address(r->own, NULL);
	if (peer.len != 0)
		r->dest = peer;
}

__attribute__((noinline)) static bool look(struct repair *r, int outcome)
{
	struct endpoint dest = {.port = 0};
	address_endpoint(&r->dest.any, r->dest.len, &dest);
	return is_self_connected(r->own, &dest, &r->at) && !is_outcome_of_earlier(r, outcome);
}

/* What must not be cut short, and never waits: look, guard, undo, connect, look again. */
__attribute__((noinline)) static void undo_and_begin_again(void *repair)
{
	struct repair *r = repair;
	unsigned long long cookie = sockopt_cookie(r->own);
	bool same = r->cookie == 0 || cookie == 0 || cookie == r->cookie;
	r->cookie = cookie;
	r->flags = sys_fcntl(r->own, F_GETFL, 0);
	if (r->flags < 0)
		r->flags = sys_fcntl(r->own, F_GETFL, 0);

	/* After a wait, the number may be another socket's: a signal handler opened it. */
	if (same && look(r, r->outcome)) {
		set_destination(r);
		r->guard = guard_port(r->own, &r->at);
		r->forgotten = undo_remember(r->own);
		r->outcome = connect_again(r);
		spare_close(r->guard);
	} else {
		r->outcome = NOT_SELF_CONNECTED;
	}
	if (r->apart || r->own != r->fd)
		spare_close(r->own);
}

/* With our descriptors among the program's, so that one of them can take the place of fd. */
static void among_the_others(struct repair *r)
{
	int copy = spare_dup(r->fd);
	r->own = copy >= 0 ? copy : r->fd;
	r->apart = false;
	undo_and_begin_again(r);
}

/* If another thread makes a child now, it must not inherit our descriptors: see own_table.h. */
static int without_interruption(struct repair *r, int outcome)
{
	struct uninterrupted u;
	uninterrupted_begin(&u);
	r->outcome = outcome;
	r->own = r->fd;
	r->apart = true;
	if (!own_table_run(undo_and_begin_again, r, sizeof *r, false) ||
	    r->outcome == NOT_UNDONE) {
		r->outcome = outcome;
		among_the_others(r);
	}
	/*
	 * It was not prevented: the range may have been changed since it was read, or this port
	 * was not known to be closed.
	 */
	if (r->outcome != NOT_SELF_CONNECTED && !is_single_threaded()) {
		ephemeral_ports_again();
		port_was_refused(r->at.port, false);
	}
	/* Another socket may have the number by now: leave it alone. */
	if (is_pending(r->outcome) && is_gone(r))
		r->outcome = EBADF;
	uninterrupted_end(&u);
	return r->outcome;
}

/*
 * Waits as the program's call would: interruptible, and a cancellation point. If a handler or a
 * thread has shut the socket down before, the kernel answers EINVAL, for good; a call that was
 * under way would have ended with the error of the connection.
 */
static int wait_for(const struct repair *r)
{
	int outcome = EBADF, error = 0;
	if (!is_gone(r))
		outcome = outcome_of(next_connect(r->fd, &r->dest.any, r->dest.len));
	if (outcome == EINVAL && !is_gone(r) &&
	    sockopt_get(r->fd, SOL_SOCKET, SO_ERROR, &error) && undo(r->fd))
		outcome = error != 0 ? error : ECONNABORTED;
	/* What SO_SNDTIMEO makes of a second connect(). */
	return outcome == EALREADY ? EINPROGRESS : outcome;
}

int repair(int fd, const struct address *dest, enum opener opener, int outcome)
{
	struct repair r = {.fd = fd, .dest = *dest, .opener = opener};
	int given = NOT_SELF_CONNECTED;
	bool waits;
	do {
		outcome = without_interruption(&r, outcome);
		if (outcome == NOT_SELF_CONNECTED)
			break;
		waits = is_pending(outcome) && is_blocking(&r) && opener != BY_SEND_NOWAIT;
		if (waits)
			outcome = wait_for(&r);
		given = outcome;
		/* That may have begun anew, so its outcome is checked like the first. */
	} while (waits && !r.deliberate && (outcome == 0 || is_pending(outcome)));

	if (r.how != NULL)
		report_repair(fd, &r.at, r.how, given);
	return given;
}
