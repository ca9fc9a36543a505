# SPDX-License-Identifier: MIT
# What keeps the kernel from choosing the port again while a repair lasts, and does not stand in
# anybody's way. Every repair here may connect once more only: without a guard, it is given up
# ("aborted"), because the kernel chooses the lowest port, 40000, first.
# shellcheck disable=SC2030,SC2031 # each test is a subshell of its own

load ../lib/helpers

setup() {
	need_namespaces
	export NOSELFCONN_RETRIES=1
	# By a filter, because a kernel would have to be booted without IPv6 for these tests alone.
	no_ipv6=("$build/tests/no-ipv6")
}

# meanwhile COMMAND WORD...: the client, with the library; while it is repaired, a shell runs
# the command, in which "$client" is the client too.
meanwhile() {
	client=$client MEANWHILE=$1 LD_PRELOAD=$build/tests/meanwhile.so run shimmed "${@:2}"
}

# bound_to ADDRESS: words for a socket that is bound to it and lets connect() choose the port
# (IP_BIND_ADDRESS_NO_PORT); otherwise 127.0.0.1 is where a connect() to 127.0.0.0/8 leaves from.
bound_to() {
	echo "tcp4 opt 0 24 1 bind $1 0"
}

need_ipv6() {
	own_machine || in_ns "$client" tcp6 bind ::1 0 | grep -q ok || machine_cannot "there is no IPv6"
}

need_filter() {
	"${no_ipv6[@]}" true || machine_cannot "there are no seccomp filters"
}

@test "without the library, the client is connected to itself, and no server can bind the port" {
	run in_ns "$client" tcp4 connect 127.0.0.1 40000 names bindable 127.0.0.1 40000
	said "connect: ok" "local: 127.0.0.1 40000" "peer: 127.0.0.1 40000" "bindable: EADDRINUSE"
}

@test "while a repair lasts, no other connect() is given the port" {
	meanwhile '"$client" tcp4 connect 127.0.0.1 7 names' in_ns "$client" tcp4 connect 127.0.0.1 40000
	said "connect: ECONNREFUSED" "local: 0.0.0.0 40001"
	repaired "reset in place"
	meanwhile '"$client" tcp6 connect ::1 7 names' in_ns "$client" tcp4 connect 127.0.0.1 40000
	said "connect: ECONNREFUSED" "local: :: 40001"
	repaired "reset in place"
}

@test "while a repair lasts, a server without SO_REUSEADDR can bind the port on IPv4 addresses" {
	need_ipv6
	meanwhile '"$client" bindable 0.0.0.0 40000 bindable 127.0.0.1 40000' \
		in_ns "$client" tcp4 connect 127.0.0.1 40000
	said "bindable: ok" "bindable: ok" "connect: ECONNREFUSED"
	repaired "reset in place"
}

@test "while a repair lasts, a server with SO_REUSEADDR can bind the port on all addresses" {
	need_ipv6
	meanwhile '"$client" tcp6 opt 1 2 1 bind :: 40000 tcp4 opt 1 2 1 bind 0.0.0.0 40000' \
		in_ns "$client" tcp6 connect ::1 40000
	said "bind: ok" "bind: ok" "connect: ECONNREFUSED"
	repaired "reset in place" "connection refused" "[::1]:40000"
}

@test "without IPv6, too, a server with SO_REUSEADDR can bind the port while a repair lasts" {
	need_filter
	meanwhile '"$client" tcp4 opt 1 2 1 bind 0.0.0.0 40000' \
		in_ns "${no_ipv6[@]}" "$client" tcp4 connect 127.0.0.1 40000
	said "bind: ok" "connect: ECONNREFUSED"
	repaired "reset in place"
}

@test "without IPv6, and without 127.0.0.1, the port is not chosen again" {
	need ip
	need_filter
	run shimmed in_ns sh -c 'ip addr add 192.0.2.1/32 dev lo && ip addr del 127.0.0.1/8 dev lo && exec "$@"' \
		sh "${no_ipv6[@]}" "$client" tcp4 connect 192.0.2.1 40000
	said "connect: ECONNREFUSED"
	repaired "reset in place" "connection refused" 192.0.2.1:40000
}

@test "a self-connection at the guard's own address is repaired" {
	need ip
	need_ipv6
	need_filter
	local words=($(bound_to 127.255.255.254) connect 127.255.255.254 40000)
	run in_ns "$client" "${words[@]}" names
	said "local: 127.255.255.254 40000" "peer: 127.255.255.254 40000"
	run shimmed in_ns "${no_ipv6[@]}" "$client" "${words[@]}"
	said "connect: ECONNREFUSED"
	repaired "reset in place" "connection refused" 127.255.255.254:40000

	run in_ns_at 100::1/128 "$client" tcp6 connect 100::1 40000 names
	said "local: 100::1 40000" "peer: 100::1 40000"
	meanwhile '"$client" bindable 0.0.0.0 40000' \
		in_ns_at 100::1/128 "$client" tcp6 connect 100::1 40000
	said "bindable: ok" "connect: ECONNREFUSED"
	repaired "reset in place" "connection refused" "[100::1]:40000"
}

# The first of two self-connections is looked at when the repair of the second has its guard, and
# goes on when that repair is over. They wait for each other at FIFOs. Without IPv6 and without
# IP_LOCAL_PORT_RANGE, because with these a repair does without a guard of its own.
@test "two repairs of one port at once both keep the kernel from choosing it again" {
	need_filter
	need_no_range
	cd "$BATS_TEST_TMPDIR"
	mkfifo connected guarded both over
	export client=$client bound="$(bound_to 127.0.0.2)" libraries=$library:$build/tests/meanwhile.so${single:+:$single}
	run in_ns "${no_ipv6[@]}" timeout 20 sh -c '
		LD_PRELOAD=$libraries MEANWHILE_FIRST="echo >connected; read x <guarded" \
			MEANWHILE="echo >both; read x <over" NOSELFCONN_LOG=log \
			"$client" $bound connect 127.0.0.2 40000 >other &
		read x <connected
		LD_PRELOAD=$libraries MEANWHILE="echo >guarded; read x <both" NOSELFCONN_LOG=second \
			"$client" tcp4 connect 127.0.0.1 40000
		echo >over
		wait'
	[ "$output" = "connect: ECONNREFUSED" ]
	grep -qx "connect: ECONNREFUSED" other
	repaired "reset in place" "connection refused" 127.0.0.2:40000
	mv second log
	repaired "reset in place"
}
