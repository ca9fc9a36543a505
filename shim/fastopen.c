/* SPDX-License-Identifier: MIT */
#include "fastopen.h"

#include "base/kernel.h"
#include "base/sockopt.h"
#include "base/sys.h"
#include "base/threads.h"
#include "config.h"
#include "next.h"
#include "prevent/ephemeral.h"
#include "prevent/readable.h"
#include "repair.h"
#include "selfconn.h"
#include <errno.h>
#include <stddef.h>
#include <string.h>

/* Will the error queue tell of what is sent? A control message may ask for timestamps, too. */
static bool is_told_of(int fd, int flags, bool has_control)
{
	int timestamps = 0;
	return (flags & MSG_ZEROCOPY) != 0 || has_control ||
	       (sockopt_get(fd, SOL_SOCKET, TIMESTAMPING, &timestamps) && timestamps != 0);
}

/* A filter that refuses TCP_INFO does so for no socket, too: then any without a peer may. */
static bool may_open(int fd)
{
	struct sockaddr_in6 peer;
	socklen_t len = sizeof peer;
	int state = sockopt_tcp_state(fd);
	if (state >= 0 || sockopt_tcp_state(-1) == -EBADF)
		return state == STATE_CLOSE;
	return sys_getpeername(fd, &peer, &len) != 0;
}

struct fastopen fastopen_begin(int fd, int flags, const struct sockaddr *addr, socklen_t len,
                               size_t size, bool has_control)
{
	struct fastopen f = {
	        .fd = fd, .flags = flags, .addr = addr, .len = len, .before = errno};
	f.opens = !config.off && may_open(fd);
	if (!f.opens)
		return f;
	bool told = size > 0 && is_told_of(fd, flags, has_control);
	bool must = size > FITS_ANY_BUFFER || told;
	bool range_is_known = must && ephemeral_ports_again();
	if (must || !is_single_threaded())
		f.prevention = prevent_begin(fd, addr, len);
	bool certain = range_is_known && (f.prevention.by_range || !f.prevention.needed);
	f.apart = must && !certain && (told || (flags & MSG_DONTWAIT) == 0);
	return f;
}

ssize_t fastopen_apart(const struct fastopen *f, const void *data)
{
	return next_sendto(f->fd, data, 0, f->flags, f->addr, f->len);
}

ssize_t fastopen_apart_message(const struct fastopen *f, const void *msg)
{
	struct msghdr nothing;
	struct iovec part;
	memcpy(&nothing, msg, sizeof nothing);
	memcpy(&part, nothing.msg_iov, sizeof part);
	part.iov_len = 0;
	nothing.msg_iov = &part;
	nothing.msg_iovlen = 1;
	return next_sendmsg(f->fd, &nothing, f->flags);
}

/* The bytes of msg; 0 if the kernel will refuse it before it opens a connection. */
static size_t size_of(const struct msghdr *msg)
{
	const size_t most_parts = 1024;
	const char *part = (const char *)msg->msg_iov;
	size_t size = 0, more;
	if (msg->msg_iovlen > most_parts || !is_readable(part))
		return 0;
	for (size_t i = 0; i < msg->msg_iovlen; i++, part += sizeof(struct iovec)) {
		if (!is_readable(part + sizeof(struct iovec) - READABLE_BYTES))
			return 0;
		memcpy(&more, part + offsetof(struct iovec, iov_len), sizeof more);
		if ((ssize_t)more < 0)
			return 0;
		if (size <= FITS_ANY_BUFFER)
			size += more;
	}
	return size;
}

struct fastopen fastopen_begin_message(int fd, int flags, const void *msg)
{
	struct msghdr m = {0};
	if (is_readable(msg) &&
	    is_readable((const char *)msg + sizeof(struct msghdr) - READABLE_BYTES))
		memcpy(&m, msg, sizeof m);
	return fastopen_begin(fd, flags, m.msg_name, m.msg_namelen, size_of(&m),
	                      m.msg_controllen > 0);
}

bool fastopen_otherwise(struct fastopen *f, ssize_t result)
{
	return f->opens && result < 0 && errno == EADDRNOTAVAIL &&
	       prevent_otherwise(&f->prevention, f->fd, f->addr, f->len);
}

/*
 * Asks the kernel for the destination, because the program's address need not be readable. If
 * the kernel does not tell, but the socket has the port that the program asked for, the kernel
 * has read the address by now.
 */
__attribute__((noinline)) static bool may_be_connected_to_itself(const struct fastopen *f,
                                                                 struct address *dest)
{
	int error;
	struct address local = local_address(f->fd);
	struct endpoint own, other;
	if (!address_endpoint(&local, local.len, &own) || own.port == 0)
		return false;
	*dest = peer_address(f->fd, &error);
	if (error == 0) /* a closed socket goes on telling its last peer */
		return address_endpoint(dest, dest->len, &other) &&
		       endpoint_equal(&own, &other) && sockopt_tcp_state(f->fd) != STATE_CLOSE;
	if (error == ENOTCONN || !is_readable(f->addr) || address_port(f->addr) != own.port)
		return false;
	*dest = address_copy(f->addr, f->len);
	return true;
}

/* Any result, even EFAULT for data that can't be read, may come after a connection. */
bool fastopen_end(const struct fastopen *f, ssize_t *result)
{
	int error = *result < 0 ? errno : 0, outcome = NOT_SELF_CONNECTED;
	bool waits = (f->flags & MSG_DONTWAIT) == 0;
	struct address dest;
	if (!f->opens)
		return false;
	prevent_end(&f->prevention, f->fd, error);
	if (may_be_connected_to_itself(f, &dest))
		outcome = repair(f->fd, &dest, waits ? BY_SEND : BY_SEND_NOWAIT, error);
	if (outcome == NOT_SELF_CONNECTED) {
		errno = error != 0 ? error : f->before;
		return f->apart && error == 0;
	}
	/* The SYN is not answered yet, and the program does not wait: it could not send now. */
	if (outcome == 0 && !waits)
		outcome = EINPROGRESS;
	errno = outcome != 0 ? outcome : f->before;
	*result = -1;
	return outcome == 0;
}
