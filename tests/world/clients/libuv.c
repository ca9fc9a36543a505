/* SPDX-License-Identifier: MIT */
/* libuv ADDR PORT: connects, asks, and shows what comes back. */
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

static uv_tcp_t tcp;
static char buffer[64];

static void allocate(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
	(void)handle;
	(void)size;
	*buf = uv_buf_init(buffer, sizeof buffer - 1);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	if (n > 0)
		printf("received %.*s", (int)n, buf->base);
	else
		printf("error: %s\n", uv_strerror((int)n));
	uv_close((uv_handle_t *)stream, NULL);
}

static void on_connect(uv_connect_t *request, int status)
{
	uv_buf_t ping = uv_buf_init((char[]) {"ping\n"}, 5);
	if (status < 0) {
		printf("error: %s\n", uv_strerror(status));
		uv_close((uv_handle_t *)&tcp, NULL);
		return;
	}
	uv_try_write(request->handle, &ping, 1);
	uv_read_start(request->handle, allocate, on_read);
}

int main(int argc, char **argv)
{
	struct sockaddr_in to;
	uv_connect_t request;
	if (argc != 3 || uv_ip4_addr(argv[1], atoi(argv[2]), &to) != 0)
		return 2;
	uv_tcp_init(uv_default_loop(), &tcp);
	int e = uv_tcp_connect(&request, &tcp, (struct sockaddr *)&to, on_connect);
	if (e != 0)
		printf("error: %s\n", uv_strerror(e));
	return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
