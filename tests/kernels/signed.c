/* SPDX-License-Identifier: MIT */
/*
 * signed md5|ao: a socket whose segments are signed, with TCP_MD5SIG or TCP-AO, connects to
 * 127.0.0.1:40000, and says what came of it; once more when there is a server that drops
 * whatever is not signed with the same key, where another socket has tried without. Exit status
 * 125: the kernel signs none.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* The structures tcp_md5sig and tcp_ao_add, which old headers lack. */
struct md5 {
	struct sockaddr_storage address;
	uint16_t padding, key_length;
	uint32_t interface;
	char key[80];
};
struct ao {
	struct sockaddr_storage address;
	char algorithm[64];
	uint32_t interface, flags;
	uint16_t reserved;
	uint8_t prefix, send_id, receive_id, hash_length, key_flags, key_length;
	char key[80];
} __attribute__((aligned(8)));
enum { MD5SIG = 14, AO_ADD_KEY = 38 };

static struct sockaddr_in server = {.sin_family = AF_INET};

static int set_key(int fd, const char *how)
{
	struct md5 md5 = {.key_length = 3, .key = "key"};
	struct ao ao = {.algorithm = "hmac(sha1)",
	                .prefix = 32,
	                .send_id = 1,
	                .receive_id = 1,
	                .key_length = 3,
	                .key = "key"};
	const struct sockaddr_in all_ports = {.sin_family = AF_INET,
	                                      .sin_addr = server.sin_addr};
	memcpy(&md5.address, &all_ports, sizeof all_ports);
	memcpy(&ao.address, &all_ports, sizeof all_ports);
	if (strcmp(how, "md5") == 0)
		return setsockopt(fd, IPPROTO_TCP, MD5SIG, &md5, sizeof md5);
	return setsockopt(fd, IPPROTO_TCP, AO_ADD_KEY, &ao, sizeof ao);
}

/* It does not wait: nobody answers a signed socket if no other there has the key. */
static int new_socket(const char *how)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (how != NULL && set_key(fd, how) != 0)
		err(125, "%s", how);
	return fd;
}

static void try(const char *who, int fd)
{
	struct sockaddr_in local, peer;
	socklen_t len = sizeof local;
	if (connect(fd, (struct sockaddr *)&server, sizeof server) != 0 && errno != EINPROGRESS)
		err(1, "connect");
	getsockname(fd, (struct sockaddr *)&local, &len);
	if (getpeername(fd, (struct sockaddr *)&peer, &len) != 0)
		printf("%s: no answer\n", who);
	else
		printf("%s: connected%s\n", who,
		       local.sin_port == peer.sin_port ? " to itself" : "");
}

int main(int argc, char **argv)
{
	const struct sockaddr none = {.sa_family = AF_UNSPEC};
	if (argc != 2)
		errx(2, "usage: signed md5|ao");
	server.sin_port = htons(40000);
	server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int fd = new_socket(argv[1]), listener = new_socket(argv[1]), other = new_socket(NULL);
	try("signed", fd);
	connect(fd, &none, sizeof none);
	if (bind(listener, (struct sockaddr *)&server, sizeof server) != 0 ||
	    listen(listener, 2) != 0)
		err(1, "listen");
	try("unsigned", other);
	connect(other, &none, sizeof none);
	try("signed", fd);
	return 0;
}
