# SPDX-License-Identifier: MIT
# connect() itself: no kind of socket and no way of connecting ends in a self-connection.
# shellcheck disable=SC2030,SC2031,SC2086 # words are lists; each test is a subshell of its own

load ../lib/helpers

setup() {
	need_namespaces
	inject=$build/tests/inject.so
}

range=40000-40001

# self_connects WORD...: without the library, the client does connect to itself; $names says where.
self_connects() {
	run in_ns "$range" "$client" "$@" names
	names=("${lines[@]: -2}")
	[ "${names[0]#local: }" = "${names[1]#peer: }" ] || {
		printf 'not connected to itself:\n%s\n' "$output" >&2
		return 1
	}
}

# heals HOW OUTCOME WORD...: so it does, and with the library the socket is not connected, and
# the port free; what the client said is in $output.
heals() {
	local how=$1 outcome=$2
	shift 2
	self_connects "$@"
	run shimmed in_ns "$range" "$client" "$@" names wait error close timewait \
		bindable 127.0.0.1 40000 bindable 0.0.0.0 40000 bindable :: 40000
	repaired "$how" "$outcome" "$(at ${names[0]#local: })"
	said "peer: ENOTCONN"
	said "timewait: 0" "bindable: ok" "bindable: ok" "bindable: ok"
}

# A blocking connect() is refused.
refused() {
	local how=$1
	shift
	heals "$how" "connection refused" "$@"
	said "connect: ECONNREFUSED"
	said "error: ok"
}

# A non-blocking one is in progress, and the refusal comes when the socket is asked for it.
refused_later() {
	local how=$1
	shift
	heals "$how" "connecting" "$@"
	said "connect: EINPROGRESS"
	said "error: ECONNREFUSED"
}

need_ipv6() {
	own_machine || in_ns "$client" tcp6 bind ::1 0 | grep -q ok || cannot "there is no IPv6"
}

# What setsockopt(2) calls IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT.
no_port="opt 0 24 1"

need_no_port() {
	"$client" "${1-tcp4}" $no_port 2>/dev/null || cannot "IP_BIND_ADDRESS_NO_PORT can't be set"
}

@test "a blocking connect over IPv4 is refused" {
	refused "reset in place" tcp4 connect 127.0.0.1 40000
}

@test "a non-blocking connect over IPv4 is in progress, then refused" {
	refused_later "reset in place" tcp4 nonblock connect 127.0.0.1 40000
}

@test "a blocking connect over IPv6 is refused" {
	need_ipv6
	refused "reset in place" tcp6 connect ::1 40000
}

@test "a non-blocking connect over IPv6 is in progress, then refused" {
	need_ipv6
	refused_later "reset in place" tcp6 nonblock connect ::1 40000
}

@test "a blocking connect to a v4-mapped address is refused" {
	need_ipv6
	refused "reset in place" tcp6 connect ::ffff:127.0.0.1 40000
}

@test "a non-blocking connect to a v4-mapped address is in progress, then refused" {
	need_ipv6
	refused_later "reset in place" tcp6 nonblock connect ::ffff:127.0.0.1 40000
}

@test "a connect to 0.0.0.0 is refused" {
	refused "reset in place" tcp4 connect 0.0.0.0 40000
}

@test "a non-blocking connect to 0.0.0.0 is in progress, then refused" {
	refused_later "reset in place" tcp4 nonblock connect 0.0.0.0 40000
}

@test "a connect to :: is refused" {
	need_ipv6
	refused "reset in place" tcp6 connect :: 40000
}

@test "a connect to ::ffff:0.0.0.0 is refused" {
	need_ipv6
	refused "reset in place" tcp6 connect ::ffff:0.0.0.0 40000
}

@test "a connect to an address of the host's own network is refused" {
	need_addresses
	run with_addresses "$client" tcp4 connect 192.0.2.1 40000 names
	said "local: 192.0.2.1 40000" "peer: 192.0.2.1 40000"
	run shimmed with_addresses "$client" tcp4 connect 192.0.2.1 40000
	said "connect: ECONNREFUSED"
	repaired "reset in place" "connection refused" 192.0.2.1:40000
}

@test "a connect to a link-local address with its scope is refused" {
	need_addresses
	with_addresses "$client" tcp6 bind fe80::1%v0 0 names | grep -q %v0 ||
		cannot "getsockname() does not tell the scope of an address"
	run with_addresses "$client" tcp6 connect fe80::1%v0 40000 names
	said "local: fe80::1%v0 40000" "peer: fe80::1%v0 40000"
	run shimmed with_addresses "$client" tcp6 connect fe80::1%v0 40000
	said "connect: ECONNREFUSED"
	repaired "reset in place" "connection refused" "[fe80::1]:40000"
	run shimmed with_addresses "$client" tcp6 dup nonblock connect fe80::1%v0 40000 wait error
	said "connect: EINPROGRESS" "error: ECONNREFUSED"
	repaired "reset in place" "connecting" "[fe80::1]:40000"
}

@test "a blocking connect over MPTCP is refused" {
	need_mptcp
	refused "reset in place" mptcp4 connect 127.0.0.1 40000
}

@test "a non-blocking connect over MPTCP is in progress, then refused" {
	need_mptcp
	refused_later "reset in place" mptcp4 nonblock connect 127.0.0.1 40000
}

@test "a connect over MPTCP and IPv6 is refused" {
	need_mptcp
	need_ipv6
	refused "reset in place" mptcp6 connect ::1 40000
}

@test "a socket bound to an address, with a port of the kernel's choice, is refused" {
	# bind() takes the odd port, and that is the destination.
	refused "reset in place" tcp4 bind 127.0.0.1 0 connect 127.0.0.1 40001
}

@test "a non-blocking socket bound to an address is in progress, then refused" {
	refused_later "reset in place" tcp4 nonblock bind 127.0.0.1 0 connect 127.0.0.1 40001
}

@test "a socket bound to an IPv6 address is refused" {
	need_ipv6
	refused "reset in place" tcp6 bind ::1 0 connect ::1 40001
}

@test "an MPTCP socket bound to an address is refused" {
	need_mptcp
	refused "reset in place" mptcp4 bind 127.0.0.1 0 connect 127.0.0.1 40001
}

@test "an MPTCP socket bound to an address without a port is refused" {
	need_mptcp
	need_no_port mptcp4
	refused "reset in place" mptcp4 $no_port bind 127.0.0.1 0 connect 127.0.0.1 40000
}

@test "a socket bound to the wildcard address is refused" {
	refused "reset in place" tcp4 bind 0.0.0.0 0 connect 127.0.0.1 40001
}

@test "a socket bound to an address without a port is refused" {
	need_no_port
	refused "reset in place" tcp4 $no_port bind 127.0.0.1 0 connect 127.0.0.1 40000
}

@test "a non-blocking socket bound to an address without a port is in progress, then refused" {
	need_no_port
	refused_later "reset in place" \
		tcp4 $no_port nonblock bind 127.0.0.1 0 connect 127.0.0.1 40000
}

@test "a socket bound to an address without a port is refused at 40001" {
	need_no_port
	range=40001-40002 # the kernel begins with the parity of the lower end
	refused "reset in place" tcp4 $no_port bind 127.0.0.1 0 connect 127.0.0.1 40001
}

@test "a socket bound to an address keeps it through the repair" {
	need_no_port
	self_connects tcp4 $no_port bind 127.0.0.1 0 connect 127.0.0.1 40000
	LD_PRELOAD=$inject INJECT_SERVER=127.0.0.1:40000@2 run shimmed in_ns "$client" \
		tcp4 $no_port bind 127.0.0.1 0 connect 127.0.0.1 40000 names
	said "connect: ok" "local: 127.0.0.1 40001" "peer: 127.0.0.1 40000"
}

@test "a socket of which there is a duplicate is refused, and so is the duplicate" {
	refused "reset in place" tcp4 dup connect 127.0.0.1 40000
	refused_later "reset in place" tcp4 dup nonblock connect 127.0.0.1 40000
}

@test "connecting again and again is refused each time, and loses no descriptor" {
	self_connects tcp4 connect 127.0.0.1 40000
	run shimmed in_ns "$client" tcp4 connect 127.0.0.1 40000 close times 50 fds timewait
	[ "$(grep -c '^connect: ECONNREFUSED$' <<<"$output")" = 50 ]
	[ "$(grep -c ": reset in place: " "$BATS_TEST_TMPDIR/log")" = 50 ]
	local fds=${lines[-2]}
	said "timewait: 0"
	run shimmed in_ns "$client" fds
	said "$fds"
}

@test "a repair in place loses no descriptor" {
	self_connects tcp4 dup connect 127.0.0.1 40000
	run in_ns "$client" tcp4 dup fds
	local fds=${lines[-1]}
	run shimmed in_ns "$client" tcp4 dup connect 127.0.0.1 40000 fds
	said "connect: ECONNREFUSED" "$fds"
	repaired "reset in place"
}

@test "a second connect() on the same socket is refused as well" {
	refused "reset in place" tcp4 connect 127.0.0.1 40000 connect 127.0.0.1 40000
	said "connect: ECONNREFUSED" "connect: ECONNREFUSED"
}

@test "a second connect() on a non-blocking socket tells the refusal" {
	self_connects tcp4 nonblock connect 127.0.0.1 40000
	run shimmed in_ns "$client" tcp4 nonblock connect 127.0.0.1 40000 wait connect 127.0.0.1 40000
	said "connect: EINPROGRESS" "connect: ECONNREFUSED"
	repaired "reset in place" "connecting"
}

@test "descriptor flags and status flags stay" {
	self_connects tcp4 connect 127.0.0.1 40000
	local words
	for words in "tcp4" "tcp4 cloexec" "tcp4 nonblock" "tcp4 nonblock cloexec"; do
		run in_ns "$client" $words flags
		local flags=${lines[-1]} outcome="connection refused"
		[[ $words != *nonblock* ]] || outcome="connecting"
		run shimmed in_ns "$client" $words connect 127.0.0.1 40000 flags
		said "$flags"
		repaired "reset in place" "$outcome"
		run shimmed in_ns "$client" $words dup connect 127.0.0.1 40000 flags
		said "$flags"
		repaired "reset in place" "$outcome"
	done
}

# What is left of it

@test "without the library, a server can't bind the port, neither while it lasts nor after" {
	run in_ns "$client" tcp4 connect 127.0.0.1 40000 bindable 127.0.0.1 40000 \
		close timewait bindable 127.0.0.1 40000
	said "connect: ok" "bindable: EADDRINUSE" "timewait: 1" "bindable: EADDRINUSE"
}

@test "while the refused socket is still open, a server can bind the port" {
	local words
	for words in "tcp4" "tcp4 dup" "tcp4 nonblock" "tcp4 dup nonblock"; do
		self_connects $words connect 127.0.0.1 40000
		run shimmed in_ns "$client" $words connect 127.0.0.1 40000 timewait \
			bindable 127.0.0.1 40000 bindable 0.0.0.0 40000
		said "timewait: 0" "bindable: ok" "bindable: ok"
	done
}

# A server that comes up before the retry

@test "a server that came up in between is what the socket is connected to" {
	self_connects tcp4 connect 127.0.0.1 40000
	LD_PRELOAD=$inject INJECT_SERVER=127.0.0.1:40000@2 run shimmed in_ns "$client" \
		tcp4 connect 127.0.0.1 40000 names
	said "connect: ok" "local: 127.0.0.1 40001" "peer: 127.0.0.1 40000"
	repaired "reset in place" "connected"
}

@test "a server that came up in between is what a socket reset in place is connected to" {
	self_connects tcp4 dup connect 127.0.0.1 40000
	LD_PRELOAD=$inject INJECT_SERVER=127.0.0.1:40000@2 run shimmed in_ns "$client" \
		tcp4 dup connect 127.0.0.1 40000 names
	said "connect: ok" "local: 127.0.0.1 40001" "peer: 127.0.0.1 40000"
	repaired "reset in place" "connected"
}

@test "a non-blocking connect that is repaired finds the server that came up in between" {
	self_connects tcp4 nonblock connect 127.0.0.1 40000
	LD_PRELOAD=$inject INJECT_SERVER=127.0.0.1:40000@2 run shimmed in_ns "$client" \
		tcp4 nonblock connect 127.0.0.1 40000 wait error names
	said "connect: EINPROGRESS" "error: ok" "local: 127.0.0.1 40001" "peer: 127.0.0.1 40000"
	repaired "reset in place" "connecting"
}

@test "a non-blocking connect that is reset in place finds the server that came up in between" {
	self_connects tcp4 dup nonblock connect 127.0.0.1 40000
	LD_PRELOAD=$inject INJECT_SERVER=127.0.0.1:40000@2 run shimmed in_ns "$client" \
		tcp4 dup nonblock connect 127.0.0.1 40000 wait error names
	said "connect: EINPROGRESS" "error: ok" "local: 127.0.0.1 40001" "peer: 127.0.0.1 40000"
	repaired "reset in place" "connecting"
}

@test "a second connect() tells that the server was there" {
	self_connects tcp4 nonblock connect 127.0.0.1 40000
	LD_PRELOAD=$inject INJECT_SERVER=127.0.0.1:40000@2 run shimmed in_ns "$client" \
		tcp4 nonblock connect 127.0.0.1 40000 wait \
		connect 127.0.0.1 40000 connect 127.0.0.1 40000
	said "connect: EINPROGRESS" "connect: ok" "connect: EISCONN"
}

@test "a connect that ends well leaves errno alone" {
	self_connects tcp4 connect 127.0.0.1 40000
	local words
	for words in "tcp4" "tcp4 dup"; do
		LD_PRELOAD=$inject INJECT_SERVER=127.0.0.1:40000@2 run shimmed in_ns "$client" \
			$words errno connect 127.0.0.1 40000
		said "errno: untouched" "connect: ok"
	done
}

# No other port

@test "where there is no other port, the connect fails and the socket is not connected" {
	range=40000-40000
	heals "reset in place" "no other port available" tcp4 connect 127.0.0.1 40000
	said "connect: EADDRNOTAVAIL"
}

@test "where there is no other port, a non-blocking connect fails at once" {
	range=40000-40000
	heals "reset in place" "no other port available" tcp4 nonblock connect 127.0.0.1 40000
	said "connect: EADDRNOTAVAIL"
}

@test "where there is no other port, a socket reset in place is not connected" {
	range=40000-40000
	heals "reset in place" "no other port available" tcp4 dup connect 127.0.0.1 40000
	said "connect: EADDRNOTAVAIL"
}

@test "where there is no other port, an MPTCP socket is not connected" {
	need_mptcp
	range=40000-40000
	heals "reset in place" "no other port available" mptcp4 connect 127.0.0.1 40000
	said "connect: EADDRNOTAVAIL"
}

@test "where there is no other port, a socket bound to an address is not connected" {
	range=40000-40000
	heals "reset in place" "no other port available" \
		tcp4 bind 127.0.0.1 0 connect 127.0.0.1 40000
	said "connect: EADDRNOTAVAIL"
}

# Deliberate

# deliberate WORD...: what the client says is the same with the library, and nothing is repaired.
deliberate() {
	self_connects "$@"
	local without=$output
	run shimmed in_ns "$client" "$@" names
	[ "$output" = "$without" ] || { diff <(echo "$without") <(echo "$output") >&2; false; }
	not_repaired
}

@test "a deliberate self-connection is left alone" {
	deliberate tcp4 errno bind 127.0.0.1 40000 connect 127.0.0.1 40000 say hello
	said "errno: untouched" "connect: ok" "answer: hello"
	deliberate tcp4 bind 0.0.0.0 40000 connect 127.0.0.1 40000 say hello
	said "connect: ok" "answer: hello"
}

@test "a deliberate self-connection outside the ephemeral port range is left alone" {
	deliberate tcp4 bind 127.0.0.1 5000 connect 127.0.0.1 5000 say hello
	said "connect: ok" "answer: hello"
}

@test "a socket in repair mode, as a checkpoint is restored with, is left alone" {
	in_ns "$client" tcp4 opt 6 19 1 2>/dev/null || cannot "TCP_REPAIR needs a privilege"
	deliberate tcp4 opt 6 19 1 connect 127.0.0.1 40000
	said "connect: ok"
}

@test "a deliberate self-connection is left alone with IP_BIND_ADDRESS_NO_PORT" {
	need_no_port
	deliberate tcp4 $no_port bind 127.0.0.1 40000 connect 127.0.0.1 40000 say hello
	said "connect: ok" "answer: hello"
}

@test "a deliberate self-connection is left alone whoever connects it, and with any options" {
	local hows='- reuseport fork exec'
	[ -z "${EMULATED-}" ] || hows='- reuseport fork' # the kernel runs no programs of the emulator's
	for how in $(some $hows); do
		for threads in '' threads; do
			run in_ns "$build/tests/deliberate" $how $threads
			[ "$output" = "connect: ok, to itself" ]
			run shimmed in_ns "$build/tests/deliberate" $how $threads
			[ "$output" = "connect: ok, to itself" ]
		done
	done
	not_repaired
}

@test "a deliberate self-connection is left alone in a sandbox that refuses bind() by now" {
	"$client" tcp4 opt 0 51 0 2>/dev/null || cannot "IP_LOCAL_PORT_RANGE can't be set"
	for threads in '' threads; do
		run shimmed in_ns "$build/tests/deliberate" sandbox $threads
		[ "$status" -ne 125 ] || machine_cannot "there are no seccomp filters here"
		[ "$output" = "connect: ok, to itself" ]
	done
	not_repaired
}

@test "a self-connection to a port that bind() to port 0 chose is refused: it is the kernel's choice" {
	run in_ns "$build/tests/deliberate" zero
	[ "$output" = "connect: ok, to itself" ]
	for threads in '' threads; do
		run shimmed in_ns "$build/tests/deliberate" zero $threads
		[ "$output" = "connect: ECONNREFUSED" ]
	done
}

@test "a deliberate self-connection over IPv6 is left alone" {
	need_ipv6
	deliberate tcp6 bind ::1 40000 connect ::1 40000 say hello
	said "connect: ok" "answer: hello"
	deliberate tcp6 bind :: 40000 connect ::ffff:127.0.0.1 40000 say hello
	said "connect: ok" "answer: hello"
}

@test "a deliberate self-connection over MPTCP is left alone" {
	need_mptcp
	deliberate mptcp4 bind 127.0.0.1 40000 connect 127.0.0.1 40000
	said "connect: ok"
}

@test "a deliberate self-connection to a wildcard address is left alone" {
	deliberate tcp4 bind 127.0.0.1 40000 connect 0.0.0.0 40000 say hello
	said "connect: ok" "answer: hello"
}

@test "a deliberate self-connection of a socket with a duplicate is left alone" {
	deliberate tcp4 dup bind 127.0.0.1 40000 connect 127.0.0.1 40000 say hello
	said "connect: ok" "answer: hello"
}

@test "a deliberate self-connection of a non-blocking socket is left alone" {
	deliberate tcp4 nonblock bind 127.0.0.1 40000 connect 127.0.0.1 40000 wait error
	said "connect: EINPROGRESS" "error: ok"
}

@test "a deliberate self-connection is left alone in the second connect(), and the third" {
	deliberate tcp4 nonblock bind 127.0.0.1 40000 connect 127.0.0.1 40000 wait \
		connect 127.0.0.1 40000 connect 127.0.0.1 40000 say hello
	said "connect: EINPROGRESS" "connect: ok" "connect: EISCONN" "answer: hello"
}

@test "a deliberate self-connection over MPTCP is left alone in the second connect()" {
	need_mptcp
	deliberate mptcp4 nonblock bind 127.0.0.1 40000 connect 127.0.0.1 40000 wait \
		connect 127.0.0.1 40000 connect 127.0.0.1 40000
	said "connect: EINPROGRESS" "connect: ok" "connect: EISCONN"
}

@test "a deliberate self-connection stays one when a connect() to another address tells its outcome" {
	need_ipv6
	for addr in :: ::ffff:0.0.0.0 ::1 127.0.0.1; do
		deliberate tcp6 nonblock bind :: 40000 connect ::1 40000 wait \
			block connect "$addr" 40000 connect ::1 40000 say hello
		said "connect: EINPROGRESS" "connect: ok" "connect: EISCONN" "answer: hello"
	done
	deliberate tcp4 nonblock bind 127.0.0.1 40000 connect 127.0.0.1 40000 wait \
		block connect 0.0.0.0 40000 say hello
	said "connect: EINPROGRESS" "connect: ok" "answer: hello"
}

@test "a blocking second connect() on a deliberate self-connection says EISCONN" {
	deliberate tcp4 bind 127.0.0.1 40000 connect 127.0.0.1 40000 connect 127.0.0.1 40000
	said "connect: ok" "connect: EISCONN"
}

@test "a real connection is left alone" {
	local words
	for words in "tcp4" "tcp4 nonblock" "tcp4 dup"; do
		run shimmed in_ns "$client" serve 127.0.0.1 40001 $words connect 127.0.0.1 40001 \
			wait error names
		said "error: ok" "local: 127.0.0.1 40000" "peer: 127.0.0.1 40001"
	done
	not_repaired
}
