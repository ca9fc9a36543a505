/* SPDX-License-Identifier: MIT */
#include "listener.h"

#include "kernel.h"
#include "prevent.h"
#include "task.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* So many calls may have been taken, and not noted, by one who was killed between the two; some
 * numbers belong to calls that were given up before. */
enum { UNNOTED = 64 };

/*
 * Returns 0, or the errno that the call must fail with. A number under which nothing is open
 * may be a socket's by the time the kernel looks, so that call is not left to the kernel.
 */
static int attend(int listener, const struct seccomp_notif *call)
{
	struct opening opening;
	pid_t task = (pid_t)call->pid;
	if (!read_opening(task, &call->data, &opening))
		return 0;
	int fd = borrow(task, opening.fd), error = 0;
	if (fd < 0)
		return errno == EBADF ? EBADF : 0;
	/* If the task is gone, another one may have its number, and all this was about that. */
	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &call->id) == 0)
		error = prevent(task, fd, &opening.to);
	close(fd);
	return error;
}

static void answer(int listener, uint64_t id, int error)
{
	struct seccomp_notif_resp response = {.id = id, .error = -error};
	if (error == 0)
		response.flags = NOTIF_CONTINUE;
	ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response);
}

void serve(int listener, struct flight *flight)
{
	union {
		struct seccomp_notif call;
		char room[1024]; /* for a kernel that tells more */
	} it;
	memset(&it, 0, sizeof it); /* it must be */
	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &it) != 0)
		return;
	flight->call = it.call;
	flight->taken = it.call.id;
	flight->last = it.call.id;
	answer(listener, it.call.id, attend(listener, &it.call));
	flight->taken = 0;
}

void take_over(int listener, struct flight *flight)
{
	uint64_t taken = flight->taken;
	prepare_to_prevent();
	if (taken != 0)
		answer(listener, taken, attend(listener, &flight->call));
	flight->taken = 0;
	for (uint64_t i = 1; i <= UNNOTED; i++) /* of a call that is not taken: no effect */
		answer(listener, flight->last + i, 0);
}
