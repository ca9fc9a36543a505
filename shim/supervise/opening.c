/* SPDX-License-Identifier: MIT */
#include "opening.h"

#include "calls.h"
#include "kernel.h"
#include "task.h"

#include <linux/net.h>
#include <stddef.h>
#include <string.h>

/* Replaces the arguments of socketcall(2) by those of the call that it stands for. */
static enum call unwrap(pid_t task, uint64_t args[6])
{
	static const struct {
		uint64_t word;
		enum call call;
		size_t count;
	} meanings[] = {{SYS_CONNECT, CONNECT, 3},
	                {SYS_SENDTO, SENDTO, 6},
	                {SYS_SENDMSG, SENDMSG, 3},
	                {SYS_SENDMMSG, SENDMMSG, 4}};
	size_t which = 0;
	while (meanings[which].word != args[0]) /* the filter lets no other word through */
		which++;
	uint32_t words[6] = {0};
	if (!peek(task, args[1], words, meanings[which].count * sizeof *words))
		return CALLS;
	for (size_t i = 0; i < 6; i++)
		args[i] = words[i];
	enum call call = meanings[which].call;
	if (call != CONNECT && (args[call == SENDMSG ? 2 : 3] & MSG_FASTOPEN) == 0)
		return CALLS;
	return call;
}

/* Where the address is, and how long. Of several messages, the first opens the connection. */
static bool find_address(pid_t task, const struct seccomp_data *data, struct opening *opening,
                         uint64_t *at, uint32_t *length)
{
	uint64_t args[6];
	memcpy(args, data->args, sizeof args);
	enum call call = call_of(data);
	if (call == SOCKETCALL)
		call = unwrap(task, args);
	opening->fd = (int)args[0];
	*at = args[call == CONNECT ? 1 : 4];
	*length = (uint32_t)args[call == CONNECT ? 2 : 5];
	if (call != SENDMSG && call != SENDMMSG)
		return call == CONNECT || call == SENDTO;
	/* struct msghdr and struct mmsghdr begin with a pointer to it, and its length. */
	size_t word = is_wide(data) ? 8 : 4;
	*at = 0;
	return peek(task, args[1], at, word) && peek(task, args[1] + word, length, 4);
}

bool read_opening(pid_t task, const struct seccomp_data *data, struct opening *opening)
{
	uint64_t at;
	uint32_t length;
	char whole[sizeof(struct sockaddr_storage)]; /* the kernel reads it all */
	memset(opening, 0, sizeof *opening);
	if (!find_address(task, data, opening, &at, &length) ||
	    length < sizeof opening->to.in || length > sizeof whole ||
	    !peek(task, at, whole, length))
		return false;
	memcpy(&opening->to, whole, length < sizeof opening->to ? length : sizeof opening->to);
	return opening->to.any.sa_family == AF_INET ||
	       (opening->to.any.sa_family == AF_INET6 &&
	        length >= offsetof(struct sockaddr_in6, sin6_scope_id));
}
