// SPDX-License-Identifier: MIT
/*
 * asio ADDR PORT: four threads run one io_context (Asio, which is Boost.Asio without Boost).
 * Its sockets are in the reactor's epoll set before they connect, so that a thread which waits
 * there is told of a connection before connect() has returned in another. Asks, and shows what
 * comes back. If it is refused it tries again, up to a thousand times.
 */
#include <asio.hpp>
#include <cstdlib>
#include <iostream>
#include <thread>
#include <vector>

using asio::ip::tcp;
using std::error_code;

class Client
{
	asio::io_context &io;
	const tcp::endpoint to;
	tcp::socket socket;
	asio::streambuf buffer;
	int refused = 0;

	void end(const error_code &error)
	{
		std::cout << error.message() << ", refused " << refused << " times\n";
	}

	void received(const error_code &error)
	{
		if (error)
			return end(error);
		std::cout << "received " << &buffer;
	}

	void connected(const error_code &error)
	{
		if (error == asio::error::connection_refused && ++refused < 1000)
			return connect();
		if (error)
			return end(error);
		asio::async_write(socket, asio::buffer("ping\n", 5),
		                  [this](error_code e, size_t) {
			                  if (e)
				                  return end(e);
			                  asio::async_read_until(socket, buffer, '\n',
			                                         [this](error_code f, size_t) {
				                                         received(f);
			                                         });
		                  });
	}

      public:
	Client(asio::io_context &context, const tcp::endpoint &endpoint)
	    : io(context), to(endpoint), socket(context)
	{
	}

	void connect()
	{
		socket = tcp::socket(io, to.protocol());
		socket.async_connect(to, [this](const error_code &e) { connected(e); });
	}
};

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	asio::io_context io(4);
	Client client(io, {asio::ip::make_address(argv[1]), (unsigned short)atoi(argv[2])});
	asio::post(io, [&client] { client.connect(); });
	std::vector<std::thread> threads;
	for (int i = 0; i < 4; i++)
		threads.emplace_back([&io] { io.run(); });
	for (auto &thread : threads)
		thread.join();
}
