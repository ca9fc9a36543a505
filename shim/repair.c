#include "repair.h"

#include "config.h"
#include "guard.h"
#include "hold.h"
#include "next.h"
#include "options.h"
#include "reopen.h"
#include "report.h"
#include "reset.h"
#include "spare.h"
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/time.h>

struct repair {
	int fd;    /* the program's descriptor */
	int own;   /* our own one of the same socket; fd where none can be had */
	int guard; /* keeps the kernel from choosing the port again, or -1 */
	int flags; /* file status flags of fd */
	const struct sockaddr *addr; /* the destination */
	socklen_t len;
	struct endpoint end; /* where the socket was connected to itself */
	struct forgotten forgotten;
	const char *how; /* it was repaired, for the report; NULL where it was not */
};

static int outcome_of(int result)
{
	return result == 0 ? 0 : errno;
}

static bool is_pending(int outcome)
{
	return outcome == EINPROGRESS || outcome == EINTR || outcome == EALREADY;
}

static bool is_blocking(const struct repair *r)
{
	return (r->flags & O_NONBLOCK) == 0;
}

static bool is_self_connected(const struct repair *r, int fd, int outcome)
{
	struct endpoint end;
	return (outcome == 0 || is_pending(outcome)) && self_connected(fd, r->end.port, &end);
}

/*
 * A connect() on a non-blocking socket never succeeds at once, unless TCP_FASTOPEN_CONNECT puts
 * it off, and then the socket has no peer yet. It tells the outcome of an earlier connect(),
 * which has been looked at: what is connected to itself now is so because the program bound the
 * port.
 */
static bool is_outcome_of_earlier(const struct repair *r, int outcome)
{
	struct sockaddr_storage peer;
	socklen_t len = sizeof peer;
	return outcome == 0 && !is_blocking(r) &&
	       getpeername(r->own, (struct sockaddr *)&peer, &len) == 0;
}

/*
 * Connects the reset socket again, without waiting. O_NONBLOCK would show in every copy of the
 * descriptor, to whoever reads from it; a send timeout of one jiffy only to a connect() or a
 * send.
 */
static int reconnect(const struct repair *r)
{
	const struct timeval jiffy = {.tv_usec = 1};
	struct timeval timeout;
	socklen_t len = sizeof timeout;
	bool limit = is_blocking(r) &&
	             getsockopt(r->own, SOL_SOCKET, SO_SNDTIMEO, &timeout, &len) == 0 &&
	             setsockopt(r->own, SOL_SOCKET, SO_SNDTIMEO, &jiffy, sizeof jiffy) == 0;
	int outcome = outcome_of(next_connect(r->own, r->addr, r->len));
	if (limit)
		setsockopt(r->own, SOL_SOCKET, SO_SNDTIMEO, &timeout, len);
	return outcome;
}

static bool reset_in_place(const struct repair *r)
{
	int fresh = 0;
	socklen_t len = sizeof fresh;
	if (!reset(r->own))
		return false;
	reset_restore(r->own, &r->forgotten);
	if (r->guard >= 0 && getsockopt(r->guard, SOL_SOCKET, SO_SNDBUF, &fresh, &len) == 0)
		reset_send_buffer(r->own, fresh);
	return true;
}

/* Has another socket connect in the place of the one that was reset. False: it was not to be.
 */
static bool reopen(struct repair *r, int *outcome)
{
	int new = r->forgotten.may_be_signed ? -1 : reopen_alike(r->fd, r->own);
	if (new < 0)
		return false;
	reset_restore(new, &r->forgotten);
	*outcome = outcome_of(next_connect(new, r->addr, r->len));
	if (is_self_connected(r, new, *outcome) ||
	    !reopen_place(new, r->fd, r->own, r->flags)) {
		reset(new);
		spare_close(new);
		return false;
	}
	spare_close(new);
	return true;
}

/*
 * The kernel does not undo a connection (a sandbox that has no AF_UNSPEC): then the program
 * gets a socket that is not connected, visible as that may be, and the self-connection is
 * aborted when the last descriptor of it is closed.
 */
static int replace(struct repair *r)
{
	const struct linger abort = {.l_onoff = 1};
	int protocol = protocol_of(r->own);
	setsockopt(r->own, SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
	int new = spare_socket(r->addr->sa_family, protocol < 0 ? IPPROTO_TCP : protocol);
	if (new >= 0) {
		options_carry(r->own, new);
		reset_restore(new, &r->forgotten);
		reopen_place(new, r->fd, r->own, r->flags);
	}
	spare_close(new);
	return ECONNREFUSED;
}

/*
 * Only a socket whose port the program bound is given its port again while the guard is there.
 * A reset MPTCP socket goes on showing the address of the attempt, so that owns_port() would
 * bind it: it is asked only where the guard did not prevent a second self-connection, or must
 * not be put to the test.
 */
static int connect_again(struct repair *r)
{
	bool tcp = protocol_of(r->own) == IPPROTO_TCP;
	bool deliberate = false, reopened = false;
	for (unsigned tries = 0;; tries++) {
		if (!reset_in_place(r)) {
			r->how = "replaced";
			return replace(r);
		}
		if (tcp || tries > 0 || config.retries == 0)
			deliberate = owns_port(r->own);
		if (!deliberate && tries >= config.retries) {
			r->how = "aborted";
			return ECONNREFUSED;
		}
		int outcome;
		if (tcp && tries == 0 && !deliberate)
			reopened = reopen(r, &outcome);
		if (!reopened)
			outcome = reconnect(r);
		if (reopened || deliberate || !is_self_connected(r, r->own, outcome)) {
			r->how = deliberate ? NULL : reopened ? "reopened" : "reset in place";
			return outcome;
		}
	}
}

int repair(int fd, const struct sockaddr *addr, socklen_t len, int outcome)
{
	struct sockaddr_storage dest;
	struct repair r = {.fd = fd, .addr = (struct sockaddr *)&dest, .len = len};
	struct hold hold;
	bool found;
	memcpy(&dest, addr, len < sizeof dest ? len : sizeof dest);

	hold_begin(&hold);
	r.own = spare_dup(fd);
	if (r.own < 0)
		r.own = fd;
	r.flags = fcntl(r.own, F_GETFL);
	found = self_connected(r.own, port_of(r.addr, len), &r.end) &&
	        !is_outcome_of_earlier(&r, outcome);
	if (found) {
		r.guard = guard_port(&r.end);
		r.forgotten = reset_remember(r.own);
		outcome = connect_again(&r);
		spare_close(r.guard);
	}
	if (r.own != fd)
		spare_close(r.own);
	hold_end(&hold);

	if (found && is_blocking(&r) && is_pending(outcome))
		outcome = outcome_of(next_connect(fd, r.addr, len));
	if (r.how != NULL)
		report_repair(fd, &r.end, r.how, outcome);
	return outcome;
}
