#include "repair.h"

#include "config.h"
#include "guard.h"
#include "hold.h"
#include "next.h"
#include "options.h"
#include "reopen.h"
#include "report.h"
#include "reset.h"
#include "sockopt.h"
#include "spare.h"
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/time.h>

struct repair {
	int fd;    /* the program's descriptor */
	int own;   /* our own one of the same socket; fd where none can be had */
	int copy;  /* own, where it is ours to close, or -1; even then it may be fd's number */
	int guard; /* keeps the kernel from choosing the port again, or -1 */
	int flags; /* file status flags of fd, or -1 */
	enum repair_call call;
	struct sockaddr *addr; /* the destination */
	socklen_t len;
	struct endpoint end; /* where the socket was connected to itself */
	struct forgotten forgotten;
	unsigned tries;  /* connects made again so far */
	bool deliberate; /* the program bound the port */
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

/* Also where the flags are not to be had: then the socket may be looked at once too often. */
static bool is_blocking(const struct repair *r)
{
	return r->flags < 0 || (r->flags & O_NONBLOCK) == 0;
}

static bool is_to_wait(const struct repair *r)
{
	return is_blocking(r) && r->call != REPAIR_SEND_NOWAIT;
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
	return r->call == REPAIR_CONNECT && outcome == 0 && !is_blocking(r) &&
	       getpeername(r->own, (struct sockaddr *)&peer, &len) == 0;
}

/*
 * What a send began is begun again by one, without data: where TCP_FASTOPEN_CONNECT is set, a
 * connect() would leave a Fast Open request behind, and a send does not.
 */
static int begin(const struct repair *r, int fd)
{
	if (r->call == REPAIR_CONNECT)
		return outcome_of(next_connect(fd, r->addr, r->len));
	return outcome_of(
	        (int)next_sendto(fd, NULL, 0, MSG_FASTOPEN | MSG_DONTWAIT, r->addr, r->len));
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
	bool limit = r->call == REPAIR_CONNECT && is_blocking(r) &&
	             sockopt_read(r->own, SOL_SOCKET, SO_SNDTIMEO, &timeout, &len) &&
	             sockopt_write(r->own, SOL_SOCKET, SO_SNDTIMEO, &jiffy, sizeof jiffy);
	int outcome = begin(r, r->own);
	if (limit)
		sockopt_write(r->own, SOL_SOCKET, SO_SNDTIMEO, &timeout, len);
	return outcome;
}

static bool reset_in_place(const struct repair *r)
{
	int fresh = 0;
	if (!reset(r->own))
		return false;
	reset_restore(r->own, &r->forgotten);
	if (r->guard >= 0 && sockopt_get(r->guard, SOL_SOCKET, SO_SNDBUF, &fresh))
		reset_send_buffer(r->own, fresh);
	return true;
}

/* A socket that can take the place of the one that was reset, or -1. */
static int replacement(const struct repair *r)
{
	if (protocol_of(r->own) != IPPROTO_TCP || r->flags < 0 || !own_port_is_harmless(r->own))
		return -1;
	return reopen_alike(r->fd, r->own);
}

/* Has new, the replacement, connect, and puts it there. False: that was not to be. */
static bool reopen(struct repair *r, int new, int *outcome)
{
	reset_restore(new, &r->forgotten);
	*outcome = begin(r, new);
	if (is_self_connected(r, new, *outcome) ||
	    !reopen_place(new, r->fd, r->own, r->flags)) {
		reset(new);
		return false;
	}
	spare_close(r->copy);
	r->own = r->copy = new;
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
	int new = spare_socket(r->addr->sa_family, protocol < 0 ? IPPROTO_TCP : protocol);
	if (new >= 0) {
		options_carry(r->own, new);
		reset_restore(new, &r->forgotten);
		reopen_place(new, r->fd, r->own, r->flags);
	}
	spare_close(new);
	sockopt_write(r->own, SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
	return ECONNREFUSED;
}

/*
 * Only a socket whose port the program bound is given its port again while the guard is there,
 * so that one reset in place is asked whose port it was only when that has happened, or must
 * not: a reset MPTCP socket goes on showing the address of the attempt, and own_port() would
 * bind it. From then on bind() chooses the port, because the guard may be of no use: for want
 * of a descriptor, or because the socket is of another network namespace than the program by
 * now.
 */
static int connect_again(struct repair *r)
{
	for (;; r->tries++) {
		if (!reset_in_place(r)) {
			r->how = "replaced";
			return replace(r);
		}
		bool last = r->tries >= config.retries, first = r->tries == 0 && !last;
		int new = first ? replacement(r) : -1, outcome;
		enum own_port port = PORT_UNKNOWN;
		if (new >= 0 || !first)
			port = own_port(r->own, !first && !last);
		if (new >= 0 && port == PORT_NONE && reopen(r, new, &outcome)) {
			r->how = "reopened";
			return outcome;
		}
		spare_close(new);

		r->deliberate = port == PORT_OWN;
		if (!r->deliberate && last) {
			r->how = "aborted";
			return ECONNREFUSED;
		}
		outcome = reconnect(r);
		if (r->deliberate)
			return outcome;
		if (!is_self_connected(r, r->own, outcome)) {
			r->how = "reset in place";
			return outcome;
		}
	}
}

/*
 * The address in a connect() that tells the outcome of an earlier one may be another one, of
 * another family even: what counts is what the kernel did connect to.
 */
static void set_destination(struct repair *r)
{
	struct sockaddr_in6 peer;
	socklen_t len = peer_of(r->own, &peer);
	if (len != 0) {
		memcpy(r->addr, &peer, len);
		r->len = len;
	}
}

/*
 * All that must not be cut short, and does not wait. False: there was nothing to repair. Else,
 * *outcome is what came of it.
 */
static bool undo_and_begin_again(struct repair *r, int *outcome)
{
	bool found;
	r->copy = spare_dup(r->fd);
	r->own = r->copy >= 0 ? r->copy : r->fd;
	r->flags = fcntl(r->own, F_GETFL);
	if (r->flags < 0)
		r->flags = fcntl(r->own, F_GETFL);

	found = self_connected(r->own, port_of(r->addr, r->len), &r->end) &&
	        !is_outcome_of_earlier(r, *outcome);
	if (found) {
		set_destination(r);
		r->guard = guard_port(&r->end);
		r->forgotten = reset_remember(r->own);
		*outcome = connect_again(r);
		spare_close(r->guard);
		/* Another thread may have closed it; what has its number now is no concern of
		 * ours. */
		if (is_pending(*outcome) && reopen_is_other_socket(r->fd, r->own))
			*outcome = EBADF;
	}
	spare_close(r->copy);
	return found;
}

bool repair(int fd, const struct sockaddr *addr, socklen_t len, enum repair_call call,
            int *outcome)
{
	struct sockaddr_storage dest;
	struct repair r = {.fd = fd, .addr = (struct sockaddr *)&dest, .call = call};
	struct hold hold;
	bool anew = false, waits;
	/* sendmsg() takes the length of an address to be no more than this, if it is. */
	r.len = len < sizeof dest ? len : sizeof dest;
	memcpy(&dest, addr, r.len);

	do {
		hold_begin(&hold);
		bool found = undo_and_begin_again(&r, outcome);
		hold_end(&hold);
		anew = anew || found;
		waits = found && is_to_wait(&r) && is_pending(*outcome);
		if (waits) {
			*outcome = outcome_of(next_connect(fd, r.addr, r.len));
			if (*outcome == EALREADY) /* what SO_SNDTIMEO makes of a second one */
				*outcome = EINPROGRESS;
		}
		/* It should have been under way. If it was not, it is looked at like the first.
		 */
	} while (waits && !r.deliberate && (*outcome == 0 || is_pending(*outcome)));

	if (r.how != NULL)
		report_repair(fd, &r.end, r.how, *outcome);
	return anew;
}
