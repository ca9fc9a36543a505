# SPDX-License-Identifier: MIT
#
# A firewall's redirect to a server that is there: both addresses are the same, as in a
# self-connection, but it is none.
# shellcheck disable=SC2016,SC2030,SC2031 # code for another shell; each test is a subshell

load ../lib/helpers

setup() {
	need_namespaces
	need nft
	in_redirect true 2>/dev/null || machine_cannot "the kernel has no redirects for us"
}

# in_redirect COMMAND...: where port 40000 is redirected to port 8080.
in_redirect() {
	in_ns sh -c 'nft -f - <<-END || exit
			table ip nat {
				chain redirected {
					type nat hook output priority -100; policy accept;
					tcp dport 40000 redirect to :8080
				}
			}
		END
		exec "$@"' sh "$@"
}

# redirected WORD...: the client there, with a server.
redirected() {
	in_redirect "$client" serve 127.0.0.1 8080 tcp4 "$@"
}

@test "without the redirect, the same connect() is a self-connection" {
	run in_ns "$client" serve 127.0.0.1 8080 tcp4 connect 127.0.0.1 40000 names
	said "connect: ok" "local: 127.0.0.1 40000" "peer: 127.0.0.1 40000"
	run shimmed in_ns "$client" serve 127.0.0.1 8080 tcp4 connect 127.0.0.1 40000
	said "connect: ECONNREFUSED"
}

@test "a connection that is redirected to a server is left alone" {
	run redirected connect 127.0.0.1 40000 names
	said "connect: ok" "local: 127.0.0.1 40000" "peer: 127.0.0.1 40000"
	run shimmed redirected connect 127.0.0.1 40000 names
	said "connect: ok" "local: 127.0.0.1 40000" "peer: 127.0.0.1 40000"
	not_repaired
}

@test "a redirected connection is left alone with NOSELFCONN_RETRIES=0" {
	NOSELFCONN_RETRIES=0 run shimmed redirected connect 127.0.0.1 40000 names
	said "connect: ok" "local: 127.0.0.1 40000" "peer: 127.0.0.1 40000"
	not_repaired
}

@test "a redirected non-blocking connection is left alone" {
	run shimmed redirected nonblock connect 127.0.0.1 40000 wait error names
	said "connect: EINPROGRESS" "error: ok" "local: 127.0.0.1 40000" "peer: 127.0.0.1 40000"
	not_repaired
}

@test "a redirected connection to a server that speaks at once is left alone" {
	need python3
	# Until what the server said has arrived: the receive queue of the socket with port 40000.
	export MEANWHILE_FIRST='timeout 10 sh -c "until
		grep -q \"0100007F:9C40 0100007F:9C40 01 00000000:00000005\" /proc/net/tcp; do :; done"'
	LD_PRELOAD=$build/tests/meanwhile.so run shimmed in_redirect python3 -c '
import os, socket, sys
s = socket.create_server(("127.0.0.1", 8080))
if os.fork() == 0:
    connection = s.accept()[0]
    connection.sendall(b"hello")
    connection.recv(9)
    os._exit(0)
s = socket.create_connection(("127.0.0.1", 40000))
print(s.recv(5).decode(), s.getsockname()[1])'
	[ "$output" = "hello 40000" ]
	not_repaired
}

@test "a redirected send with MSG_FASTOPEN, in one segment or many, is left alone" {
	local call how
	for call in sendto sendmsg sendmmsg; do
		for how in q sq; do
			run shimmed in_redirect "$build/tests/fastopen" $how $call 2000
			said "got: 2000 bytes" "$call: 2000" "from port 40000"
			not_repaired
		done
	done
}
