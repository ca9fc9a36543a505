# SPDX-License-Identifier: MIT
# What the supervisor does for a call that opens a connection, whatever program makes it.
# shellcheck disable=SC2086 # words are lists

load ../lib/helpers

setup() {
	load supervised
	need_supervisor
}

# IP_LOCAL_PORT_RANGE and IP_BIND_ADDRESS_NO_PORT, as setsockopt(2) calls them.
range_of=(0 51)
no_port="opt 0 24 1"

# ports LOW HIGH: as the value of that option, which is shown as an int.
ports() {
	echo $((($2 << 16 | $1) - (1 << 32)))
}

need_range_of() {
	in_ns "$client" tcp4 get "${range_of[@]}" | grep -qx 'get: 0' || cannot "Linux before 6.3"
}

@test "a blocking connect over IPv4 is refused" {
	refused tcp4 connect 127.0.0.1 40000
	refused tcp4 connect 0.0.0.0 40000
}

@test "a non-blocking connect is in progress, then refused" {
	refused_later tcp4 nonblock connect 127.0.0.1 40000
	refused_later tcp6 nonblock connect ::1 40000
}

@test "a blocking connect over IPv6 is refused, also to an address of IPv4" {
	refused tcp6 connect ::1 40000
	refused tcp6 connect :: 40000
	refused tcp6 connect ::ffff:127.0.0.1 40000
	refused tcp6 connect ::ffff:0.0.0.0 40000
}

@test "a connect of MPTCP is refused" {
	in_ns "$client" mptcp4 2>/dev/null || cannot "the kernel has no MPTCP"
	refused mptcp4 connect 127.0.0.1 40000
	refused mptcp6 connect ::1 40000
}

# It shows a range that it does not heed, after it fell back to TCP.
@test "a connect of MPTCP is refused after the socket was connected to a server" {
	in_ns "$client" mptcp4 2>/dev/null || cannot "the kernel has no MPTCP"
	for server in 40002 40005; do
		range=40000-$((server == 40002 ? 40003 : 40001))
		words="serve 127.0.0.1 $server mptcp4 connect 127.0.0.1 $server unspec connect 127.0.0.1 40000"
		run in_ns $range "$client" $words names
		said "connect: ok" "local: 127.0.0.1 40000"
		run in_ns $range $supervise "$client" $words
		said "unspec: ok" "connect: ECONNREFUSED"
	done
}

@test "a connect to another address of this host is refused" {
	need ip
	needs='ip addr add 10.9.8.7/32 dev lo'
	run in_ns sh -c "$needs && exec \"\$@\"" - "$client" tcp4 connect 10.9.8.7 40000 names
	[ "$status" = 0 ] || cannot "no address can be added"
	said "connect: ok" "local: 10.9.8.7 40000" "peer: 10.9.8.7 40000"
	run in_ns sh -c "$needs && exec \"\$@\"" - $supervise "$client" tcp4 connect 10.9.8.7 40000
	[ "$output" = "connect: ECONNREFUSED" ]
}

@test "a socket that is bound to an address, but to no port, is refused" {
	refused tcp4 $no_port bind 127.0.0.1 0 connect 127.0.0.1 40000
	refused tcp4 $no_port bind 127.0.0.2 0 connect 127.0.0.2 40000
	refused tcp6 $no_port bind ::1 0 connect ::1 40000
}

@test "a socket that bind() gave the destination's port, which the program did not choose, is refused" {
	# bind() prefers the ports that connect() does not.
	refused tcp4 bind 127.0.0.1 0 connect 127.0.0.1 40001
	refused tcp4 bind 0.0.0.0 0 connect 127.0.0.1 40001
	refused tcp6 bind ::1 0 connect ::1 40001
}

# There is no way from it to the loopback interface; nor is there one if it is bound to a device.
@test "the same at a link-local address, and without an address on a device" {
	need_addresses
	local to="connect fe80::1%v0 40001"
	for words in "tcp6 bind fe80::1%v0 0 $to" "tcp6 opt 1 62 77 bind :: 0 $to"; do
		run with_addresses "$client" $words names
		said "peer: fe80::1%v0 40001"
		run with_addresses $supervise "$client" $words names
		said "connect: ECONNREFUSED"
		said "peer: ENOTCONN"
	done
}

@test "a deliberate self-connection is left alone" {
	for words in "tcp4 bind 127.0.0.1 40000 connect 127.0.0.1 40000" \
		"tcp4 bind 0.0.0.0 40000 connect 127.0.0.1 40000" \
		"tcp6 bind ::1 40000 connect ::1 40000"; do
		run in_ns "$client" $words say hello
		said "connect: ok" "answer: hello"
		run supervised $words say hello
		said "connect: ok" "answer: hello"
	done
}

@test "one socket may connect again and again, and reaches the server when it is there" {
	run supervised tcp4 connect 127.0.0.1 40000 connect 127.0.0.1 40000 connect 127.0.0.1 40001 \
		connect 127.0.0.1 40000 connect 127.0.0.1 40001 \
		serve 127.0.0.1 40000 connect 127.0.0.1 40000 names
	[ "$(grep -c '^connect: ECONNREFUSED' <<<"$output")" = 5 ]
	said "connect: ok" "local: 127.0.0.1 40001" "peer: 127.0.0.1 40000"
}

@test "after a refusal the program can bind a port of its own, also the destination's" {
	run supervised tcp4 connect 127.0.0.1 40000 bind 127.0.0.1 40000 connect 127.0.0.1 40000 say hello
	said "connect: ECONNREFUSED" "bind: ok" "connect: ok" "answer: hello"
}

@test "where no other port is left, the call fails as if that one were taken" {
	run in_ns 40000-40000 "$client" tcp4 connect 127.0.0.1 40000
	[ "$output" = "connect: ok" ]
	run in_ns 40000-40000 $supervise "$client" tcp4 connect 127.0.0.1 40000 names \
		bindable 127.0.0.1 40000
	said "connect: EADDRNOTAVAIL"
	said "peer: ENOTCONN" "bindable: ok"
}

@test "a range that the program has set is kept, and counts" {
	need_range_of
	local both only
	both=$(ports 40002 40003) only=$(ports 40002 40002)
	run in_ns 40000-40009 "$client" tcp4 opt "${range_of[@]}" $only connect 127.0.0.1 40002 names
	said "local: 127.0.0.1 40002"
	run in_ns 40000-40009 $supervise "$client" tcp4 opt "${range_of[@]}" $both \
		connect 127.0.0.1 40002 get "${range_of[@]}" serve 127.0.0.1 40002 \
		connect 127.0.0.1 40002 names
	said "connect: ECONNREFUSED" "get: $both" "serve: ok" "connect: ok" "local: 127.0.0.1 40003"
	run in_ns 40000-40009 $supervise "$client" tcp4 opt "${range_of[@]}" $only \
		connect 127.0.0.1 40002
	[ "$output" = "connect: EADDRNOTAVAIL" ]
}

@test "IP_BIND_ADDRESS_NO_PORT is as the program set it, also if the supervisor binds a port" {
	need_range_of
	run in_ns 40000-40009 $supervise "$client" tcp4 opt "${range_of[@]}" "$(ports 40002 40003)" $no_port \
		bind 127.0.0.2 0 connect 127.0.0.2 40002 get 0 24
	said "connect: ECONNREFUSED" "get: 1"
}

@test "a socket keeps its address if there is no port that the supervisor could bind" {
	need_range_of
	words="serve 0.0.0.0 40000 serve 0.0.0.0 40001 tcp4 opt ${range_of[*]} $(ports 40000 40001) $no_port
		bind 127.0.0.2 0 connect 127.0.0.3 40001 names"
	run in_ns "$client" $words
	said "connect: EADDRNOTAVAIL" "local: 127.0.0.2 0"
	run supervised $words
	said "connect: EADDRNOTAVAIL" "local: 127.0.0.2 0"
}

@test "a socket is left as it is if the kernel can't choose the port" {
	need_range_of
	run supervised tcp4 connect 127.0.0.1 39999 get "${range_of[@]}"
	said "connect: ECONNREFUSED" "get: 0"
	run supervised tcp4 connect 127.0.0.1 40000 get "${range_of[@]}"
	said "connect: ECONNREFUSED" "get: $(ports 40001 65534)"
}

@test "a sysctl that is changed meanwhile counts" {
	change='echo 50000 50001 >/proc/sys/net/ipv4/ip_local_port_range'
	run in_ns sh -c "$change; \"\$@\"" - "$client" tcp4 connect 127.0.0.1 50000
	[ "$output" = "connect: ok" ]
	run in_ns $supervise sh -c "$change; \"\$@\"" - "$client" tcp4 connect 127.0.0.1 50000
	[ "$output" = "connect: ECONNREFUSED" ]
}

# Before Linux 6.3 the supervisor calls it first.
@test "a connect to a port that bind() prefers is refused" {
	run supervised tcp4 connect 127.0.0.1 40001
	[ "$output" = "connect: ECONNREFUSED" ]
	run supervised tcp6 connect ::ffff:127.0.0.1 40001
	[ "$output" = "connect: ECONNREFUSED" ]
}

@test "every call with MSG_FASTOPEN, and TCP_FASTOPEN_CONNECT, is refused" {
	for call in sendto sendmsg sendmmsg connect; do
		for sysctl in 1 7; do
			FASTOPEN=$sysctl run in_ns "$build/tests/fastopen" - $call
			[[ $output == *"from port 40000 it got: hello"* ]]
			FASTOPEN=$sysctl run in_ns $supervise "$build/tests/fastopen" - $call
			[[ $output == *ECONNREFUSED* && $output != *"it got"* ]]
		done
	done
}

@test "calls with pointers that lead nowhere fail as they do" {
	run in_ns "$build/tests/arguments"
	local without=$output
	run in_ns $supervise "$build/tests/arguments"
	[ "$output" = "$without" ] || { diff <(echo "$without") <(echo "$output") >&2; false; }
}
