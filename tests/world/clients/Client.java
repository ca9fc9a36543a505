// SPDX-License-Identifier: MIT
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.Socket;

/** Client ADDR PORT: a Socket connects, asks, and shows what comes back. */
class Client {
	public static void main(String[] args) {
		try (Socket socket = new Socket(args[0], Integer.parseInt(args[1]))) {
			socket.getOutputStream().write("ping\n".getBytes());
			System.out.println("received " + new BufferedReader(
				new InputStreamReader(socket.getInputStream())).readLine());
		} catch (IOException e) {
			System.out.println("error: " + e);
		}
	}
}
