/* SPDX-License-Identifier: MIT */
#include "selfconn.h"

#include "base/kernel.h"
#include "base/sockopt.h"
#include <errno.h>

/*
 * TCP's counters tell a redirected connection, whose segments come from another socket, from a
 * self-connection. When established, a self-connection has sent three segments: its SYN, its
 * SYN+ACK and its ACK; a redirected one has sent a SYN and an ACK. If the SYN carried data, it
 * has arrived, too. And only what was sent on a self-connection can have arrived on it.
 * (tcp_info counts since Linux 4.6. Without that, before the connection is established, or in
 * doubt, the answer is no.)
 */
static bool is_redirected(int fd)
{
	const unsigned sent_by_self_connection = 3;
	struct tcp_info info = {0};
	socklen_t len = sizeof info;
	if (sockopt_read(fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0 ||
	    len < offsetof(struct tcp_info, tcpi_data_segs_out) + 4 ||
	    info.tcpi_state != STATE_ESTABLISHED)
		return false;
	unsigned without_data = info.tcpi_segs_out - info.tcpi_data_segs_out;
	return info.tcpi_segs_out - info.tcpi_total_retrans < sent_by_self_connection ||
	       (info.tcpi_data_segs_in == 0 && without_data < sent_by_self_connection) ||
	       info.tcpi_data_segs_in > info.tcpi_data_segs_out;
}

bool is_being_restored(int fd)
{
	int repair = 0;
	sockopt_get(fd, IPPROTO_TCP, TCP_REPAIR, &repair);
	return repair != 0;
}

bool is_self_connected(int fd, const struct endpoint *dest, struct endpoint *end)
{
	int protocol = sockopt_protocol(fd), type = SOCK_STREAM, error;
	struct address local = local_address(fd), peer;
	struct endpoint own, other;
	sockopt_get(fd, SOL_SOCKET, SO_TYPE, &type); /* a raw one may have TCP's number, too */
	if (type != SOCK_STREAM ||
	    (protocol != -1 && protocol != IPPROTO_TCP && protocol != IPPROTO_MPTCP))
		return false;
	if (!address_endpoint(&local, local.len, &own))
		return false;
	peer = peer_address(fd, &error);
	if (error == ENOTCONN)
		return false;
	if (error == 0 ? !address_endpoint(&peer, peer.len, &other) ||
	                         !endpoint_equal(&own, &other)
	               : own.port != dest->port)
		return false;
	if (is_being_restored(fd) || is_redirected(fd))
		return false;
	*end = own;
	return true;
}
