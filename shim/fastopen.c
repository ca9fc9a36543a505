#include "fastopen.h"

#include "config.h"
#include "next.h"
#include "repair.h"
#include "selfconn.h"
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

/* The state comes first in struct tcp_info. */
bool fastopen_opens(int fd)
{
	unsigned char state = 0;
	socklen_t len = sizeof state;
	int before = errno;
	bool closed =
	        getsockopt(fd, IPPROTO_TCP, TCP_INFO, &state, &len) == 0 && state == TCP_CLOSE;
	errno = before;
	return closed;
}

bool fastopen_repair(int fd, const struct msghdr *msg, int flags, ssize_t *sent, int before)
{
	int error = errno, outcome = *sent >= 0 ? 0 : error;
	enum repair_call call = (flags & MSG_DONTWAIT) != 0 ? REPAIR_SEND_NOWAIT : REPAIR_SEND;
	if (config.off || !repair_is_due(fd, msg->msg_name, msg->msg_namelen, outcome))
		return false;
	if (!repair(fd, msg->msg_name, msg->msg_namelen, call, &outcome)) {
		errno = error;
		return false;
	}
	/* Not to wait for the SYN to be answered, it could not send now. */
	if (outcome == 0 && call == REPAIR_SEND_NOWAIT)
		outcome = EINPROGRESS;
	errno = outcome == 0 ? before : outcome;
	*sent = outcome == 0 ? next_sendmsg(fd, msg, flags & ~MSG_FASTOPEN) : -1;
	return true;
}
