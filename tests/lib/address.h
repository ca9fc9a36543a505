/* SPDX-License-Identifier: MIT */
/* How the programs of the tests read an address: for those that are told it in words. */
#ifndef ADDRESS_H
#define ADDRESS_H

#include <err.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>

/*
 * Sets *a to host, a number with or without a scope (fe80::1%eth0), and port, a number. Returns
 * the length; ends the program where it is no address.
 */
static socklen_t address(const char *host, const char *port, struct sockaddr_storage *a)
{
	struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
	                         .ai_socktype = SOCK_STREAM};
	struct addrinfo *found;
	int e = getaddrinfo(host, port, &hints, &found);
	if (e != 0)
		errx(2, "%s %s: %s", host, port, gai_strerror(e));
	memcpy(a, found->ai_addr, found->ai_addrlen);
	socklen_t len = found->ai_addrlen;
	freeaddrinfo(found);
	return len;
}

#endif
