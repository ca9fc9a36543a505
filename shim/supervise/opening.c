/* SPDX-License-Identifier: MIT */
#include "opening.h"

#include "calls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* Where the address is. */
struct place {
	uint64_t at, length;
};

static bool peek(pid_t task, uint64_t at, void *to, size_t size)
{
	struct iovec here = {to, size}, there = {(void *)(uintptr_t)at, size};
	return process_vm_readv(task, &here, 1, &there, 1, 0) == (ssize_t)size;
}

int memory_refused(pid_t task)
{
	static char word;
	char copy = 0;
	return peek(task, (uintptr_t)&word, &copy, 1) ? 0 : errno;
}

int port_of(const union address *address)
{
	_Static_assert(offsetof(struct sockaddr_in, sin_port) ==
	                       offsetof(struct sockaddr_in6, sin6_port),
	               "the port is at the same place");
	return ntohs(address->in.sin_port);
}

/* msg_name and msg_namelen, which struct msghdr and struct mmsghdr begin with. */
static bool peek_message(pid_t task, uint64_t at, bool wide, struct place *place)
{
	struct {
		uint64_t name;
		uint32_t length;
	} m8 = {0};
	struct {
		uint32_t name, length;
	} m4 = {0};
	if (wide ? !peek(task, at, &m8, offsetof(__typeof__(m8), length) + 4)
	         : !peek(task, at, &m4, sizeof m4))
		return false;
	*place = wide ? (struct place) {m8.name, m8.length}
	              : (struct place) {m4.name, m4.length};
	return true;
}

/* Replaces the arguments of socketcall(2) by those of the call that it stands for. */
static bool unwrap(pid_t task, uint64_t args[6], enum kind *kind)
{
	uint64_t which = args[0];
	size_t count = which == SOCKETCALL_SENDTO ? 6 : which == SOCKETCALL_SENDMMSG ? 4 : 3;
	uint32_t words[6] = {0};
	if (!peek(task, args[1], words, count * sizeof *words))
		return false;
	for (size_t i = 0; i < count; i++)
		args[i] = words[i];
	*kind = which == SOCKETCALL_CONNECT   ? CONNECTS
	        : which == SOCKETCALL_SENDTO  ? SENDS
	        : which == SOCKETCALL_SENDMSG ? SENDS_MESSAGE
	                                      : SENDS_MESSAGES;
	return *kind == CONNECTS || (args[*kind == SENDS_MESSAGE ? 2 : 3] & MSG_FASTOPEN) != 0;
}

/* Of several messages, the first opens the connection. */
static bool find_address(pid_t task, const struct seccomp_data *data, int *fd,
                         struct place *place)
{
	const struct call *call = find_call(data);
	if (call == NULL)
		return false;
	uint64_t args[6];
	for (int i = 0; i < 6; i++)
		args[i] = data->args[i];
	enum kind kind = call->kind;
	if (kind == SOCKETCALL && !unwrap(task, args, &kind))
		return false;
	*fd = (int)args[0];
	if (kind == SENDS_MESSAGE || kind == SENDS_MESSAGES)
		return peek_message(task, args[1], call->wide, place);
	*place = kind == SENDS ? (struct place) {args[4], args[5]}
	                       : (struct place) {args[1], args[2]};
	return true;
}

bool read_opening(pid_t task, const struct seccomp_data *data, struct opening *opening)
{
	struct place place;
	char whole[sizeof(struct sockaddr_storage)]; /* the kernel reads it all */
	if (!find_address(task, data, &opening->fd, &place))
		return false;
	size_t length = (uint32_t)place.length; /* an int, in a register */
	if (length < sizeof opening->to.in || length > sizeof whole ||
	    !peek(task, place.at, whole, length))
		return false;
	memset(&opening->to, 0, sizeof opening->to);
	memcpy(&opening->to, whole, length < sizeof opening->to ? length : sizeof opening->to);
	return opening->to.any.sa_family == AF_INET ||
	       (opening->to.any.sa_family == AF_INET6 &&
	        length >= offsetof(struct sockaddr_in6, sin6_scope_id));
}
