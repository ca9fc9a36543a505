# SPDX-License-Identifier: MIT
#
# A firewall's redirect to a server that is there: both addresses are the same, as in a
# self-connection, but it is none.
# shellcheck disable=SC2016,SC2030,SC2031 # code for another shell; each test is a subshell

setup() {
	load ../lib/helpers
	need_namespaces
	need nft
}

# redirected WORD...: the client, where port 40000 is redirected to port 8080, with a server.
redirected() {
	in_ns sh -c 'nft -f - <<-END || exit 99
			table ip nat {
				chain out {
					type nat hook output priority -100; policy accept;
					tcp dport 40000 redirect to :8080
				}
			}
		END
		exec "$@"' sh "$client" serve 127.0.0.1 8080 tcp4 "$@"
	[ $? != 99 ] || machine_cannot "the kernel has no redirects for us"
}

@test "Without the redirect, the same connect() is a self-connection" {
	run in_ns "$client" serve 127.0.0.1 8080 tcp4 connect 127.0.0.1 40000 names
	said "connect: ok" "local: 127.0.0.1 40000" "peer: 127.0.0.1 40000"
	run shimmed in_ns "$client" serve 127.0.0.1 8080 tcp4 connect 127.0.0.1 40000
	said "connect: ECONNREFUSED"
}

@test "A connection that is redirected to a server is left alone" {
	run redirected connect 127.0.0.1 40000 names
	said "connect: ok" "local: 127.0.0.1 40000" "peer: 127.0.0.1 40000"
	run shimmed redirected connect 127.0.0.1 40000 names
	said "connect: ok" "local: 127.0.0.1 40000" "peer: 127.0.0.1 40000"
	not_repaired
}

@test "A redirected connection is left alone with NOSELFCONN_RETRIES=0" {
	NOSELFCONN_RETRIES=0 run shimmed redirected connect 127.0.0.1 40000 names
	said "connect: ok" "local: 127.0.0.1 40000" "peer: 127.0.0.1 40000"
	not_repaired
}

@test "A redirected non-blocking connection is left alone" {
	run shimmed redirected nonblock connect 127.0.0.1 40000 wait error names
	said "connect: EINPROGRESS" "error: ok" "local: 127.0.0.1 40000" "peer: 127.0.0.1 40000"
	not_repaired
}
