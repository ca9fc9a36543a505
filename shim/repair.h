/*
 * The repair of a self-connection: undo it, and connect again from another port.
 */
#ifndef NOSELFCONN_REPAIR_H
#define NOSELFCONN_REPAIR_H

#include <sys/socket.h>

/*
 * To be called after connect(fd, addr, len) when may_be_self_connected() says yes. An outcome
 * is what came of a connect(): 0, or the errno; the one passed is 0, EINPROGRESS or EINTR.
 * Returns the outcome that the program is to be given instead, or the same where there is
 * nothing to repair. addr has been accepted by the kernel. errno is left undefined.
 *
 * The socket that the program gets is never connected to itself, unless the program bound that
 * port; where no other port can be had, the connect fails (EADDRNOTAVAIL from the kernel, or
 * ECONNREFUSED where the library gives up) and the socket is not connected. At the end it may
 * wait, as the program's own connect() would, when there is nothing left to clean up.
 */
int repair(int fd, const struct sockaddr *addr, socklen_t len, int outcome);

#endif
