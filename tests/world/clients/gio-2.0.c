/* SPDX-License-Identifier: MIT */
/* gio-2.0 ADDR PORT: GSocketClient connects, asks, and shows what comes back. */
#include <gio/gio.h>
#include <stdlib.h>

static void on_connect(GObject *client, GAsyncResult *result, gpointer loop)
{
	GError *error = NULL;
	char buffer[64];
	GSocketConnection *connection =
	        g_socket_client_connect_to_host_finish(G_SOCKET_CLIENT(client), result, &error);
	if (connection == NULL) {
		g_print("error: %s\n", error->message);
	} else {
		GIOStream *stream = G_IO_STREAM(connection);
		g_output_stream_write_all(g_io_stream_get_output_stream(stream), "ping\n", 5,
		                          NULL, NULL, NULL);
		gssize n = g_input_stream_read(g_io_stream_get_input_stream(stream), buffer,
		                               sizeof buffer, NULL, NULL);
		g_print("received %.*s", (int)n, buffer);
		g_object_unref(connection);
	}
	g_main_loop_quit(loop);
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	GMainLoop *loop = g_main_loop_new(NULL, FALSE);
	GSocketClient *client = g_socket_client_new();
	g_socket_client_connect_to_host_async(client, argv[1], (guint16)atoi(argv[2]), NULL,
	                                      on_connect, loop);
	g_main_loop_run(loop);
	return 0;
}
