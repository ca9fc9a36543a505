# SPDX-License-Identifier: MIT
# Kernels that lack something that a repair uses, and that make check-kernels can't boot: those before
# 5.10, those between 5.10 and 6.1, and sandboxes that refuse something. tests/lib/lacking.c takes it
# away from the library and the program alike. Which it is stands with each name below; a connect()
# with AF_UNSPEC is refused by kernels before 5.17 if the socket is one of MPTCP, and by sandboxes.

load ../lib/helpers

setup() {
	need_namespaces
	ABSENT='' in_ns true || cannot "calls can't be made to fail by ptrace() here"
}

# What setsockopt(2) calls SO_SNDBUF and so on.
keepalive="1 9"
peername=1:28 protocol=1:38 # sandboxes
buf_lock=1:72               # before 5.15; emulators of another machine only let it be read
no_port=0:24                # before 4.2
all="$peername $protocol $buf_lock $no_port"

# lacking OPTIONS COMMAND...: in a kernel that does not have these socket options.
lacking() {
	ABSENT=$1 "${@:2}"
}

# cannot_disconnect KIND COMMAND...: in a kernel that refuses to disconnect such sockets.
cannot_disconnect() {
	ABSENT='' ABSENT_DISCONNECT=$1 "${@:2}"
}

# self_connects KERNEL WHAT WORD...: there, without the library, the client connects to itself;
# $names says where.
self_connects() {
	run "$1" "$2" in_ns "$client" "${@:3}" names
	names=("${lines[@]: -2}")
	[ "${names[0]#local: }" = "${names[1]#peer: }" ] || {
		printf 'not connected to itself:\n%s\n' "$output" >&2
		return 1
	}
}

# refused KERNEL WHAT HOW WORD...: there, the library has the connect refused, and nothing is left.
refused() {
	self_connects "$1" "$2" "${@:4}"
	run "$1" "$2" shimmed in_ns "$client" "${@:4}" names close timewait bindable 0.0.0.0 40000
	said "connect: ECONNREFUSED"
	said "peer: ENOTCONN" "timewait: 0" "bindable: ok"
	# shellcheck disable=SC2086 # an address and a port
	repaired "$3" "connection refused" "$(at ${names[0]#local: })"
}

# left_alone KERNEL WHAT WORD...: what the client says there is the same with the library.
left_alone() {
	self_connects "$@"
	local without=$output
	run "$1" "$2" shimmed in_ns "$client" "${@:3}" names
	[ "$output" = "$without" ] || { diff <(echo "$without") <(echo "$output") >&2; false; }
	not_repaired
}

@test "with nothing missing, a socket is reset in place" {
	refused lacking "" "reset in place" tcp4 connect 127.0.0.1 40000
}

@test "where SO_BUF_LOCK can't be set, no buffer is locked by a repair" {
	self_connects lacking $buf_lock! tcp4 dup connect 127.0.0.1 40000
	run lacking $buf_lock! shimmed in_ns "$client" tcp4 dup connect 127.0.0.1 40000 get 1 72
	said "connect: ECONNREFUSED" "get: 0"
	repaired "reset in place"
}

@test "without SO_PROTOCOL, a socket is reset in place" {
	refused lacking "$protocol" "reset in place" tcp4 connect 127.0.0.1 40000
}

@test "without SO_PEERNAME, a self-connection is repaired all the same" {
	run lacking $peername in_ns "$client" tcp4 connect 127.0.0.1 40000 get 1 28
	said "connect: ok" "get: errno 92"
	refused lacking $peername "reset in place" tcp4 connect 127.0.0.1 40000
	refused lacking $peername "reset in place" tcp4 dup connect 0.0.0.0 40000
}

@test "without SO_PEERNAME, a non-blocking self-connection is repaired all the same" {
	self_connects lacking $peername tcp4 nonblock connect 127.0.0.1 40000
	run lacking $peername shimmed in_ns "$client" \
		tcp4 nonblock connect 127.0.0.1 40000 wait error names
	said "connect: EINPROGRESS" "error: ECONNREFUSED"
	said "peer: ENOTCONN"
	repaired "reset in place" "connecting"
}

@test "without SO_PEERNAME, a deliberate self-connection is left alone" {
	left_alone lacking $peername tcp4 bind 127.0.0.1 40000 connect 127.0.0.1 40000 say hello
	left_alone lacking $peername \
		tcp4 nonblock bind 127.0.0.1 40000 connect 127.0.0.1 40000 wait connect 127.0.0.1 40000
}

@test "without SO_PEERNAME, a connection to the same port of another address is left alone" {
	need ip
	in_ns_at fd00::1/128 true || cannot "there is no IPv6"
	run lacking $peername shimmed in_ns_at fd00::1/128 "$client" serve ::1 40000 \
		tcp6 bind fd00::1 40000 connect :: 40000 names
	said "connect: ok" "local: fd00::1 40000" "peer: ::1 40000"
	not_repaired
}

@test "without IP_BIND_ADDRESS_NO_PORT, the only other port is found" {
	refused lacking $no_port "reset in place" tcp4 connect 127.0.0.1 40000
	refused lacking $no_port "reset in place" tcp4 bind 127.0.0.1 0 connect 127.0.0.1 40001
}

@test "without IP_BIND_ADDRESS_NO_PORT, a repair that is given up leaves the port free" {
	self_connects lacking $no_port tcp4 connect 127.0.0.1 40000
	NOSELFCONN_RETRIES=0 run lacking $no_port shimmed in_ns "$client" \
		tcp4 connect 127.0.0.1 40000 names timewait bindable 0.0.0.0 40000
	said "connect: ECONNREFUSED"
	said "peer: ENOTCONN" "timewait: 0" "bindable: ok"
	repaired "aborted" "connection refused"
}

@test "without IP_BIND_ADDRESS_NO_PORT, no other port is still no other port" {
	self_connects lacking $no_port tcp4 connect 127.0.0.1 40000
	run lacking $no_port shimmed in_ns 40000-40000 "$client" \
		tcp4 connect 127.0.0.1 40000 names bindable 127.0.0.1 40000
	said "connect: EADDRNOTAVAIL"
	said "peer: ENOTCONN" "bindable: ok"
}

@test "without IP_BIND_ADDRESS_NO_PORT, a deliberate self-connection is left alone" {
	left_alone lacking $no_port tcp4 bind 127.0.0.1 40000 connect 127.0.0.1 40000 say hello
	left_alone lacking $no_port tcp4 bind 0.0.0.0 40000 connect 127.0.0.1 40000 say hello
}

# With it, such a socket has sent no segments.
@test "without TCP_INFO, a socket in repair mode is left alone" {
	in_ns "$client" tcp4 opt 6 19 1 2>/dev/null || cannot "TCP_REPAIR needs a privilege"
	refused lacking 6:11 "reset in place" tcp4 connect 127.0.0.1 40000
	rm "$BATS_TEST_TMPDIR/log"
	left_alone lacking 6:11 tcp4 opt 6 19 1 connect 127.0.0.1 40000
}

@test "without any of these options, a self-connection is repaired" {
	refused lacking "$all" "reset in place" tcp4 connect 127.0.0.1 40000
}

@test "without any of these options, a deliberate self-connection is left alone" {
	left_alone lacking "$all" tcp4 bind 127.0.0.1 40000 connect 127.0.0.1 40000 say hello
}

@test "where a socket can't be disconnected, the program is given another one" {
	refused cannot_disconnect all "replaced" tcp4 connect 127.0.0.1 40000
	refused cannot_disconnect all "replaced" tcp4 nonblock connect 127.0.0.1 40000
	refused cannot_disconnect all "replaced" tcp4 bind 127.0.0.1 0 connect 127.0.0.1 40001
}

@test "where a socket can't be disconnected, the other one has its flags and options" {
	self_connects cannot_disconnect all tcp4 nonblock cloexec connect 127.0.0.1 40000
	run in_ns "$client" tcp4 nonblock cloexec opt $keepalive 1 flags get $keepalive
	local before=("${lines[@]}")
	run cannot_disconnect all shimmed in_ns "$client" \
		tcp4 nonblock cloexec opt $keepalive 1 connect 127.0.0.1 40000 flags get $keepalive
	said "connect: ECONNREFUSED" "${before[@]}"
	repaired "replaced" "connection refused"
}

@test "where a socket can't be disconnected, the other one can connect" {
	self_connects cannot_disconnect all tcp4 connect 127.0.0.1 40000
	run cannot_disconnect all shimmed in_ns "$client" \
		tcp4 connect 127.0.0.1 40000 serve 127.0.0.1 40000 connect 127.0.0.1 40000 names
	said "connect: ECONNREFUSED" "serve: ok" "connect: ok" \
		"local: 127.0.0.1 40001" "peer: 127.0.0.1 40000"
}

# What tells a deliberate one from another is what is left after disconnecting.
@test "where a socket can't be disconnected, a deliberate self-connection is refused too" {
	refused cannot_disconnect all "replaced" tcp4 bind 127.0.0.1 40000 connect 127.0.0.1 40000
}

@test "where a socket can't be disconnected, a duplicate leaves nothing when it is closed" {
	self_connects cannot_disconnect all tcp4 dup connect 127.0.0.1 40000
	# shellcheck disable=SC2016
	run cannot_disconnect all shimmed in_ns sh -c '
		"$1" tcp4 dup connect 127.0.0.1 40000 names
		exec "$1" timewait bindable 127.0.0.1 40000' sh "$client"
	said "connect: ECONNREFUSED"
	said "peer: ENOTCONN" "timewait: 0" "bindable: ok"
	repaired "replaced" "connection refused"
}

@test "where MPTCP sockets can't be disconnected, the program is given another one" {
	need_mptcp
	refused cannot_disconnect mptcp "replaced" mptcp4 connect 127.0.0.1 40000
	run cannot_disconnect mptcp shimmed in_ns "$client" mptcp4 connect 127.0.0.1 40000 get 1 38
	said "connect: ECONNREFUSED" "get: 262"
}

@test "where MPTCP sockets can't be disconnected, those of TCP are reset in place" {
	refused cannot_disconnect mptcp "reset in place" tcp4 connect 127.0.0.1 40000
}

@test "without /proc, a self-connection is repaired" {
	run in_ns "$client" tcp4 connect 127.0.0.1 40000 names
	said "local: 127.0.0.1 40000" "peer: 127.0.0.1 40000"
	# shellcheck disable=SC2016
	run shimmed in_ns sh -c 'mount -t tmpfs none /proc && exec "$@"' sh \
		"$client" tcp4 connect 127.0.0.1 40000 names bindable 127.0.0.1 40000
	said "connect: ECONNREFUSED"
	said "peer: ENOTCONN" "bindable: ok"
	repaired "reset in place" "connection refused"
}
