#include "sockopt.h"

bool sockopt_read(int fd, int level, int name, void *value, socklen_t *len)
{
	socklen_t size = *len;
	if (getsockopt(fd, level, name, value, len) == 0)
		return true;
	*len = size;
	return getsockopt(fd, level, name, value, len) == 0;
}

bool sockopt_write(int fd, int level, int name, const void *value, socklen_t len)
{
	return setsockopt(fd, level, name, value, len) == 0 ||
	       setsockopt(fd, level, name, value, len) == 0;
}

bool sockopt_get(int fd, int level, int name, int *value)
{
	int got = 0;
	socklen_t len = sizeof got;
	if (!sockopt_read(fd, level, name, &got, &len))
		return false;
	*value = got;
	return true;
}

bool sockopt_set(int fd, int level, int name, int value)
{
	return sockopt_write(fd, level, name, &value, sizeof value);
}
