#include "guard.h"

#include "spare.h"
#include <errno.h>
#include <string.h>

/* The last two addresses of 127.0.0.0/8. */
static const unsigned char guard_addr[] = {127, 255, 255, 254};
static const unsigned char other_addr[] = {127, 255, 255, 253};

int guard_port(const struct endpoint *end)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = end->port};
	bool taken = memcmp(end->addr.s6_addr + 12, guard_addr, 4) == 0;
	memcpy(&sin.sin_addr, taken ? other_addr : guard_addr, 4);

	int before = errno, on = 1;
	int fd = spare_socket(AF_INET, IPPROTO_TCP);
	if (fd >= 0) {
		/* Several repairs may guard one port, and a server with SO_REUSEADDR may come.
		 */
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
		/* Where lo is down, 127.0.0.0/8 is not local. */
		setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &on, sizeof on);
		if (bind(fd, (const struct sockaddr *)&sin, sizeof sin) != 0) {
			spare_close(fd);
			fd = -1;
		}
	}
	errno = before;
	return fd;
}
