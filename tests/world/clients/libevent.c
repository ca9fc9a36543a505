/* SPDX-License-Identifier: MIT */
/* libevent ADDR PORT: a bufferevent connects, asks, and shows what comes back. */
#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void on_read(struct bufferevent *bev, void *base)
{
	char *line = evbuffer_readln(bufferevent_get_input(bev), NULL, EVBUFFER_EOL_LF);
	if (line == NULL)
		return;
	printf("received %s\n", line);
	free(line);
	event_base_loopbreak(base);
}

static void on_event(struct bufferevent *bev, short what, void *base)
{
	if ((what & BEV_EVENT_CONNECTED) != 0)
		evbuffer_add_printf(bufferevent_get_output(bev), "ping\n");
	if ((what & BEV_EVENT_ERROR) != 0)
		printf("error: %s\n", strerror(errno));
	if ((what & (BEV_EVENT_ERROR | BEV_EVENT_EOF)) != 0)
		event_base_loopbreak(base);
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	struct sockaddr_in to = {.sin_family = AF_INET,
	                         .sin_port = htons((in_port_t)atoi(argv[2]))};
	inet_pton(AF_INET, argv[1], &to.sin_addr);

	struct event_base *base = event_base_new();
	struct bufferevent *bev = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
	bufferevent_setcb(bev, on_read, NULL, on_event, base);
	bufferevent_enable(bev, EV_READ);
	if (bufferevent_socket_connect(bev, (struct sockaddr *)&to, sizeof to) == 0)
		event_base_dispatch(base);
	bufferevent_free(bev);
	event_base_free(base);
	return 0;
}
