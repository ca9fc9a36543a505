// SPDX-License-Identifier: MIT
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.util.concurrent.SynchronousQueue;

/**
 * Selecting ADDR PORT: one thread selects, while another connects channels that are registered
 * already, so that the first is told of a connection before connect() has returned in the second.
 * Asks, and shows what comes back. If it is refused it tries again, up to a thousand times.
 */
class Selecting {
	static final SynchronousQueue<String> outcomes = new SynchronousQueue<>();

	/** What has become of the channel: null if there is nothing new. */
	static String step(SelectionKey key) {
		SocketChannel channel = (SocketChannel) key.channel();
		try {
			if (key.isConnectable()) {
				if (!channel.isConnectionPending() || !channel.finishConnect())
					return null;
				channel.write(ByteBuffer.wrap("ping\n".getBytes()));
				key.interestOps(SelectionKey.OP_READ);
				return null;
			}
			ByteBuffer buffer = ByteBuffer.allocate(64);
			channel.read(buffer);
			return "received " + new String(buffer.array(), 0, buffer.position()).trim();
		} catch (ConnectException e) {
			return "refused";
		} catch (IOException e) {
			return "error: " + e;
		}
	}

	static void select(Selector selector) {
		try {
			for (;;) {
				selector.select();
				for (SelectionKey key : selector.selectedKeys()) {
					String outcome = step(key);
					if (outcome != null) {
						key.channel().close();
						outcomes.put(outcome);
					}
				}
				selector.selectedKeys().clear();
			}
		} catch (IOException | InterruptedException e) {
			System.out.println("error: " + e);
		}
	}

	static String ask(Selector selector, InetSocketAddress to) throws Exception {
		SocketChannel channel = SocketChannel.open();
		channel.configureBlocking(false);
		channel.register(selector, SelectionKey.OP_CONNECT);
		selector.wakeup();
		channel.connect(to);
		return outcomes.take();
	}

	public static void main(String[] args) throws Exception {
		Selector selector = Selector.open();
		Thread selecting = new Thread(() -> select(selector));
		selecting.setDaemon(true);
		selecting.start();
		InetSocketAddress to = new InetSocketAddress(args[0], Integer.parseInt(args[1]));
		String outcome = "refused";
		int refused = 0;
		for (; refused < 1000 && outcome.equals("refused"); refused++)
			outcome = ask(selector, to);
		if (outcome.equals("refused"))
			outcome = "Connection refused, " + refused + " times";
		System.out.println(outcome);
	}
}
