/* SPDX-License-Identifier: MIT */
#include "sockopt.h"

#include "kernel.h"
#include "sys.h"

int sockopt_read(int fd, int level, int name, void *value, socklen_t *len)
{
	socklen_t size = *len;
	if (sys_getsockopt(fd, level, name, value, len) == 0)
		return 0;
	*len = size;
	return sys_getsockopt(fd, level, name, value, len);
}

int sockopt_write(int fd, int level, int name, const void *value, socklen_t len)
{
	if (sys_setsockopt(fd, level, name, value, len) == 0)
		return 0;
	return sys_setsockopt(fd, level, name, value, len);
}

bool sockopt_get(int fd, int level, int name, int *value)
{
	int got = 0;
	socklen_t len = sizeof got;
	if (sockopt_read(fd, level, name, &got, &len) != 0)
		return false;
	*value = got;
	return true;
}

bool sockopt_set(int fd, int level, int name, int value)
{
	return sockopt_write(fd, level, name, &value, sizeof value) == 0;
}

int sockopt_protocol(int fd)
{
	int protocol = -1;
	sockopt_get(fd, SOL_SOCKET, SO_PROTOCOL, &protocol);
	return protocol;
}

/* The state comes first in struct tcp_info. */
int sockopt_tcp_state(int fd)
{
	unsigned char state = 0;
	socklen_t len = sizeof state;
	int result = sys_getsockopt(fd, IPPROTO_TCP, TCP_INFO, &state, &len);
	return result == 0 ? state : result;
}

unsigned long long sockopt_cookie(int fd)
{
	unsigned long long cookie = 0;
	socklen_t len = sizeof cookie;
	return sockopt_read(fd, SOL_SOCKET, SO_COOKIE, &cookie, &len) == 0 ? cookie : 0;
}
