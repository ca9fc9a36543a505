/*
 * Resetting a connection in place: connect() with AF_UNSPEC aborts it with an RST and turns the
 * socket back into what the program had configured, in every process that has a copy of it.
 * What the kernel forgets or keeps on that way is put right here.
 */
#ifndef NOSELFCONN_RESET_H
#define NOSELFCONN_RESET_H

#include <stdbool.h>
#include <sys/socket.h>

/* Options that read the same before and after connect(), but not after a reset. */
enum { FORGOTTEN_OPTIONS = 3 };

/* What the program had set and tcp_disconnect() forgets; 0 is not set. */
struct forgotten {
	int maxseg;       /* TCP_MAXSEG */
	int window_clamp; /* TCP_WINDOW_CLAMP */
	int options[FORGOTTEN_OPTIONS];
	bool known[FORGOTTEN_OPTIONS]; /* those that the kernel has */
};

/* Reads what a reset would forget from fd, which is self-connected. Keeps errno. */
struct forgotten reset_remember(int fd);

/* Sets on fd, which is not connected, what a reset made it, or another socket, forget. Keeps
 * errno. */
void reset_restore(int fd, const struct forgotten *f);

/* Aborts the connection of fd; false where the kernel refuses to. No error is left pending.
 * Keeps errno. */
bool reset(int fd);

/*
 * Makes fd auto-tune its send buffer from where a new socket starts, as fresh, a socket that
 * was never connected, shows. Does nothing to a size that the program has set, and locked by
 * that. (One that it has set and unlocked again can't be known: the self-connection has tuned
 * it.) Keeps errno.
 */
void reset_send_buffer(int fd, int fresh);

enum own_port {
	PORT_NONE,
	PORT_OWN,
	PORT_UNKNOWN,
};

/*
 * Has the program bound fd, which was reset, to a port? A port that the kernel chose goes in a
 * reset, one that the program bound stays, and a socket with a port refuses another bind() with
 * EINVAL. Where the answer is PORT_NONE, the socket has got a port of the kernel's choice by
 * the question, if choose is true, or can't be helped. Keeps errno.
 */
enum own_port own_port(int fd, bool choose);

/* Can that be asked without a choice: is there IP_BIND_ADDRESS_NO_PORT (Linux 4.2)? Keeps
 * errno. */
bool own_port_is_harmless(int fd);

/*
 * Has fd, a TCP socket that was reset and has no port, an address that the program bound? Keeps
 * errno. Also true where it can't be told.
 */
bool owns_address(int fd);

#endif
