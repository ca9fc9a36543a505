# SPDX-License-Identifier: MIT
"""serve.py KIND COMMAND...: runs the command while a server of that kind is at 127.0.0.1:40000.

KIND is a key of KINDS, or "inetd PROGRAM ...", which is run for each connection as inetd(8) would.
The server is there before the command starts, and what it knows is to say hello.
"""

import os
import socket
import ssl
import struct
import subprocess
import sys
import threading


def pg(kind, body=b""):
    return kind + struct.pack("!I", 4 + len(body)) + body


def my(number, body):
    return struct.pack("<I", len(body))[:3] + bytes([number]) + body


HTTP = b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 6\r\n\r\nhello\n"

PG_READY = pg(b"Z", b"I")
PG_ROW = (
    pg(b"T", b"\0\1reply\0" + struct.pack("!IHIhiH", 0, 0, 25, -1, -1, 0))
    + pg(b"D", struct.pack("!HI", 1, 5) + b"hello")
    + pg(b"C", b"SELECT 1\0")
    + PG_READY
)

MY_GREETING = my(0, b"\x0a5.5.5\0" + b"\1\0\0\0" + b"12345678\0" + b"\0\xf7\x21\2\0\x08\0\x15"
                 + bytes(10) + b"123456789012\0" + b"mysql_native_password\0")
MY_OK = b"\0\0\0\2\0\0\0"
MY_EOF = b"\xfe\0\0\2\0"
MY_ROW = (
    my(1, b"\1")
    + my(2, b"\3def\0\0\0\5reply\0\x0c\x21\0\5\0\0\0\xfd\0\0\0\0\0")
    + my(3, MY_EOF)
    + my(4, b"\5hello")
    + my(5, MY_EOF)
)

# What the server says first, and its replies, one for each time that it has been told something.
KINDS = {
    "line": (b"", b"hello\n"),
    "http": (b"", HTTP),
    "tls": (b"hello\n",),
    "redis": (b"", b"+hello\r\n"),
    "psql": (b"", b"N", pg(b"R", bytes(4)) + PG_READY, PG_ROW),
    "mysql": (MY_GREETING, my(2, MY_OK), MY_ROW),
}


def answer(kind, connection):
    if kind == "tls":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(os.environ["CERTIFICATE"])
        connection = context.wrap_socket(connection, server_side=True)
    greeting, *replies = KINDS[kind]
    connection.sendall(greeting)
    for reply in replies:
        if not connection.recv(4096):
            break
        connection.sendall(reply)
    if kind == "tls":
        connection = connection.unwrap()
    connection.shutdown(socket.SHUT_WR)
    while connection.recv(4096):
        pass
    connection.close()


def serve(kind, listener):
    while True:
        connection, _ = listener.accept()
        if kind.startswith("inetd "):
            program = kind.split()[1:]
            subprocess.Popen(program, stdin=connection, stdout=connection, stderr=subprocess.DEVNULL)
            connection.close()
        else:
            threading.Thread(target=answer, args=(kind, connection), daemon=True).start()


def main():
    listener = socket.create_server(("127.0.0.1", 40000))
    threading.Thread(target=serve, args=(sys.argv[1], listener), daemon=True).start()
    sys.exit(subprocess.run(sys.argv[2:], check=False).returncode)


main()
