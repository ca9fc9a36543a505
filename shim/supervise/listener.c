/* SPDX-License-Identifier: MIT */
#include "listener.h"

#include "kernel.h"
#include "prevent.h"
#include "task.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

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

static void let_go_on(int listener, union flight *flight)
{
	int error = attend(listener, &flight->call);
	struct seccomp_notif_resp response = {.id = flight->call.id,
	                                      .error = -error,
	                                      .flags = error == 0 ? NOTIF_CONTINUE : 0};
	ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response);
	flight->call.id = 0;
}

void serve(int listener, union flight *flight)
{
	memset(flight, 0, sizeof *flight); /* it must be */
	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, flight) == 0)
		let_go_on(listener, flight);
}

void take_over(int listener, union flight *flight)
{
	prepare_to_prevent();
	if (flight->call.id != 0)
		let_go_on(listener, flight);
}
