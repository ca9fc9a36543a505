/* SPDX-License-Identifier: MIT */
#include "descriptors.h"

#include "kernel.h"

#include <sys/socket.h>
#include <unistd.h>

static int least_from(const int *kept, int count, unsigned from)
{
	int least = -1;
	for (int i = 0; i < count; i++)
		if (kept[i] >= 0 && (unsigned)kept[i] >= from && (least < 0 || kept[i] < least))
			least = kept[i];
	return least;
}

void close_all_but(const int *kept, int count)
{
	unsigned from = 0;
	for (int next; (next = least_from(kept, count, from)) >= 0; from = (unsigned)next + 1)
		if ((unsigned)next > from)
			syscall(SYS_close_range, from, (unsigned)next - 1, 0);
	syscall(SYS_close_range, from, ~0U, 0);
}

bool tell(int socket, int value)
{
	return send(socket, &value, sizeof value, MSG_NOSIGNAL) == sizeof value;
}

bool hear(int socket, int *value)
{
	return recv(socket, value, sizeof *value, MSG_WAITALL) == sizeof *value;
}
