/* SPDX-License-Identifier: MIT */
#include "prevent.h"

#include "kernel.h"
#include "task.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Reading it again tells what it is now, for the namespace in which it was opened. */
static int sysctl = -1;
static uint64_t our_cookie;

/* Of the network namespace of a socket, or 0 if the kernel does not tell. */
static uint64_t cookie_of(int fd)
{
	uint64_t cookie = 0;
	socklen_t size = sizeof cookie;
	return getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size) == 0 ? cookie : 0;
}

/*
 * Is the socket in our network namespace, as far as can be told? Before Linux 5.14 the socket
 * does not tell, and that of the task is taken for it.
 */
static bool in_our_namespace(int fd, pid_t task)
{
	char path[32];
	struct stat own, its;
	if (our_cookie != 0)
		return cookie_of(fd) == our_cookie;
	snprintf(path, sizeof path, "/proc/%d/ns/net", (int)task);
	return stat("/proc/self/ns/net", &own) == 0 && stat(path, &its) == 0 &&
	       own.st_ino == its.st_ino && own.st_dev == its.st_dev;
}

/* The ports that the kernel chooses from in our network namespace; false if it can't be told:
 * no /proc. */
static bool read_range(int *low, int *high)
{
	char text[32];
	ssize_t n = pread(sysctl, text, sizeof text - 1, 0);
	text[n < 0 ? 0 : n] = '\0';
	char *end;
	*low = (int)strtol(text, &end, 10);
	*high = (int)strtol(end, NULL, 10);
	return *high != 0;
}

/*
 * A socket's own range, as IP_LOCAL_PORT_RANGE has it since Linux 6.3: low in the lower half,
 * high in the upper; 0 is an end that it does not have. What we cut has one of these ends. No
 * program has a reason to choose the lowest port or the last but one, so that such a range is
 * known to be ours; and the kernel takes no notice of an end that is outside the namespace's
 * range.
 */
enum { OUR_LOW = 1, OUR_HIGH = 65534 };

static bool set_own_range(int fd, uint32_t own)
{
	return setsockopt(fd, IPPROTO_IP, IP_LOCAL_PORT_RANGE, &own, sizeof own) == 0;
}

/* The one that the program has set. */
static uint32_t own_range(int fd)
{
	uint32_t own = 0;
	socklen_t size = sizeof own;
	getsockopt(fd, IPPROTO_IP, IP_LOCAL_PORT_RANGE, &own, &size);
	return (own & 0xffff) == OUR_LOW || own >> 16 == OUR_HIGH ? 0 : own;
}

static uint32_t part_of(uint32_t own, int port, bool below)
{
	return below ? (uint32_t)(port - 1) << 16 | (own & 0xffff)
	             : (own & 0xffff0000) | (uint32_t)(port + 1);
}

/*
 * Leaves port out of what the socket may choose: keeps the part on one side of it. False if
 * that can't be: the program has set a range; before Linux 6.3, and for MPTCP later; or there
 * is no other port.
 */
static bool cut_range(int fd, int low, int high, int port)
{
	static uint32_t turn;
	uint32_t below = (uint32_t)(port - low), others = (uint32_t)(high - low);
	/* The sides by their sizes, in turns of the golden ratio, so that all stay in use. */
	turn += 0x9e3779b9;
	bool is_below = (uint64_t)turn * others >> 32 < below;
	return own_range(fd) == 0 && others != 0 &&
	       set_own_range(fd, part_of((uint32_t)OUR_HIGH << 16 | OUR_LOW, port, is_below));
}

/* Returns the port. After a connection that failed, the kernel still tells the one it had. */
static int read_local(int fd, union address *local)
{
	socklen_t size = sizeof *local;
	memset(local, 0, sizeof *local);
	return getsockname(fd, &local->any, &size) == 0 ? ntohs(local->in6.sin6_port) : 0;
}

static int bind_now(int fd, const union address *local, int without_port)
{
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &without_port, sizeof without_port);
	return bind(fd, &local->any, sizeof *local) == 0 ? 0 : errno;
}

/* To its own address, or the wildcard, which leaves no trace when the port is given back. */
static int bind_any_port(int fd, union address local)
{
	int option = 0;
	socklen_t size = sizeof option;
	getsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &option, &size);
	local.in6.sin6_port = 0;
	int error = bind_now(fd, &local, 0);
	if (error != 0)
		bind_now(fd, &local, 1); /* it has lost its address by that */
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &option, sizeof option);
	return error;
}

/*
 * The same from one side of port, since Linux 6.3, and while a socket of ours has port, if that
 * is in our network namespace.
 */
static int bind_elsewhere(int fd, const union address *local, int port, bool below)
{
	uint32_t own = own_range(fd);
	union address held = {.in6.sin6_family = local->any.sa_family};
	held.in6.sin6_port = htons((uint16_t)port);
	int holder = socket(local->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	(void)!bind(holder, &held.any, sizeof held);
	set_own_range(fd, part_of(own, port, below));
	int error = bind_any_port(fd, *local);
	set_own_range(fd, own);
	close(holder);
	return error;
}

static bool is_begun(int fd, union address nobody)
{
	nobody.in6.sin6_port = 0;
	return connect(fd, &nobody.any, sizeof nobody) == 0 || errno == EINPROGRESS ||
	       errno == ECONNREFUSED;
}

/*
 * A port that the kernel chose is given back when the state of a socket changes to TCP_CLOSE;
 * disconnecting one that is merely bound does not. Nobody has port 0 of its own address, so
 * that this is refused; one without an address may reach none but the destination's, if it is
 * bound to a device. If the socket listened for a moment, somebody might be connected to it.
 */
static void give_port_back(int fd, const union address *local, const union address *to)
{
	const struct sockaddr nowhere = {.sa_family = AF_UNSPEC};
	int flags = fcntl(fd, F_GETFL), error;
	socklen_t size = sizeof error;
	fcntl(fd, F_SETFL, flags | O_NONBLOCK); /* nothing may keep us waiting */
	(void)!(is_begun(fd, *local) || is_begun(fd, *to));
	(void)!connect(fd, &nowhere, sizeof nowhere);
	fcntl(fd, F_SETFL, flags);
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
}

/*
 * Binds the socket to a port that the kernel chooses, and that is not port. Only bind() tells
 * whether it is bound already: by EINVAL. Returns as prevent().
 */
static int take_own_port(int fd, const union address *local, const union address *to, int port)
{
	union address now;
	int error = bind_any_port(fd, *local), got;
	if (error != 0 && error != EINVAL)
		return 0; /* no port is left, not even that one */
	for (int tries = 0; (got = read_local(fd, &now)) == port || got == 0; tries++) {
		give_port_back(fd, local, to);
		if (tries == 2)
			return EADDRNOTAVAIL;
		if (bind_elsewhere(fd, local, port, tries == 0) == EINVAL)
			return 0; /* the program chose it: a deliberate self-connection */
	}
	return 0;
}

/*
 * fd, from task, is about to be connected to to. Does what it needs so that the kernel gives it
 * another port than that. Leaves alone what is no TCP socket, connected, in progress, or bound
 * by the program. Returns 0, or the errno that the call must fail with: there is no other port,
 * or fd is no socket; by the time the kernel looked, it could be one.
 */
static int prevent(pid_t task, int fd, const union address *to)
{
	union address local;
	uint8_t state; /* comes first in struct tcp_info */
	socklen_t size = sizeof state;
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &state, &size) != 0)
		return errno == EBADF || errno == ENOTSOCK ? errno : 0;
	int port = ntohs(to->in6.sin6_port), has = read_local(fd, &local), low, high;
	if (port == 0 || state != STATE_CLOSE || local.any.sa_family != to->any.sa_family)
		return 0;
	if (has != port && in_our_namespace(fd, task) && read_range(&low, &high) &&
	    (port < low || port > high || cut_range(fd, low, high, port)))
		return 0;
	return take_own_port(fd, &local, to, port);
}

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
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	our_cookie = cookie_of(s);
	close(s);
	sysctl = open("/proc/sys/net/ipv4/ip_local_port_range", O_RDONLY | O_CLOEXEC);
	if (flight->call.id != 0)
		let_go_on(listener, flight);
}
