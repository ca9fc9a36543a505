#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# In a program with threads, no other thread ever sees a self-connection: see prevention.c.

setup() {
	load ../lib/helpers
	need_namespaces
	prevention=$build/tests/prevention
}

range=40000-40001

# seen HOW TIMES WORD...: without the library, the other thread does see self-connections, and with
# it none.
seen() {
	run in_ns $range "$prevention" "$@"
	[[ ${lines[-1]} =~ ^'seen: '[1-9] ]] || { echo "without the library: $output" >&2; return 1; }
	run shimmed in_ns $range "$prevention" "$@"
	[ "${lines[-1]}" = "seen: 0" ] || { echo "with it: $output" >&2; return 1; }
	not_repaired
}

need_ipv6() {
	in_ns "$client" tcp6 bind ::1 0 | grep -q ok || cannot "there is no IPv6"
}

@test "a thread that is blocked in epoll_wait() is not woken by a self-connection" {
	seen epoll 200
	seen epoll 200 level
}

@test "a thread that spins on epoll_wait() sees no self-connection" {
	seen epoll-spin 200
	seen epoll-spin 200 level
}

@test "a thread that spins on poll() sees no self-connection" {
	seen poll 200
	seen poll 200 blocking
}

@test "a thread that spins on select() sees no self-connection" {
	seen select 200
}

@test "a thread that asks for the peer sees no self-connection" {
	seen getpeername 200
}

@test "a second connect() of another thread sees no self-connection" {
	seen connect 200
}

@test "the same to other addresses of this host, and over IPv6" {
	need_ipv6
	local addr
	for addr in 0.0.0.0 ::1 :: ::ffff:127.0.0.1; do
		seen poll 100 to $addr 40000
	done
}

@test "the same for a port of the other parity, if the range begins there" {
	range=40001-40002
	seen poll 200 to 127.0.0.1 40001
}

@test "the same in a range of three ports, whose middle one is the destination's" {
	range=40001-40003
	shimmed in_ns $range "$prevention" poll 200 to 127.0.0.1 40002 | grep -x 'seen: 0'
	not_repaired
}

@test "the same for MSG_FASTOPEN and TCP_FASTOPEN_CONNECT" {
	seen poll 200 send
	seen poll 200 tfo
}

@test "the same for MPTCP" {
	in_ns "$client" mptcp4 2>/dev/null || cannot "the kernel has no MPTCP"
	seen poll 200 mptcp
}

# The kernels before Linux 6.3: see port.h.
older() {
	ABSENT='' in_ns true || cannot "calls can't be made to fail by ptrace() here"
	export ABSENT=0:51
}

@test "without IP_LOCAL_PORT_RANGE, a port of its own prevents a self-connection" {
	older
	seen epoll 100
	seen poll 100
	seen poll 100 send
	seen poll 100 blocking
}

@test "if the range is another one by now, one self-connection is repaired, and no other begins" {
	MOVE_RANGE=once run in_ns "$prevention" epoll 100
	[[ $output =~ 'seen: '[1-9] ]]
	MOVE_RANGE=once run shimmed in_ns "$prevention" epoll 100
	repaired "reset in place" connecting
	[ "$(wc -l <"$BATS_TEST_TMPDIR/log")" = 1 ]
	[[ $output =~ ^'seen: '[01]$ ]]
}

@test "no range and no port is left on the socket" {
	run in_ns 40000-40009 "$prevention" poll 1 left to 127.0.0.1 20
	local without=$output
	run shimmed in_ns "$prevention" poll 1 left
	[ "$output" = "$without" ]
	older
	run shimmed in_ns "$prevention" poll 1 left
	[ "$output" = "$without" ]
}

@test "as many sockets can connect as without the library, to each destination" {
	run in_ns 40000-40099 "$prevention" poll 200 many
	local without=$output
	said "99 connected, then Cannot assign requested address" \
		"99 connected, then Cannot assign requested address"
	run shimmed in_ns 40000-40099 "$prevention" poll 200 many
	[ "$output" = "$without" ]
}

# calls PORT COMMAND...: how often the program makes which calls, to that port.
calls() {
	in_ns 50000-50001 strace -f -qq -o "$BATS_TEST_TMPDIR/trace" "${@:2}" \
		-e trace=connect,bind,getsockname,getsockopt,setsockopt,rt_sigprocmask,prctl \
		"$prevention" poll 3 to 127.0.0.1 "$1" >/dev/null
	sed -n 's/^[0-9]* *\([a-z_]*\)(.*/\1/p' "$BATS_TEST_TMPDIR/trace" | sort | uniq -c
}

# blocks: how often a mask is set or looked at in what calls says.
blocks() {
	awk '$2 == "rt_sigprocmask" { print $1 }' <<<"$1"
}

# One getsockname() for each, and once for all, what tells of a filter before the range is read, and
# what keeps a signal from cutting that short.
@test "to a port outside the range, a program with threads makes one system call more" {
	need strace
	[ -z "${ABI-}" ] || prevention=${build%/wrapped}/tests/prevention # not the script, past strace
	run calls 40000
	local without=$output
	[[ $output == *"3 connect"* && $output != *getsockname* ]]
	run calls 40000 -E LD_PRELOAD="$library"
	[ "$(grep -v -e getsockname -e prctl -e rt_sig <<<"$output")" = "$(grep -v rt_sig <<<"$without")" ]
	[ "$(blocks "$output")" = $(($(blocks "$without") + 2)) ]
	[[ $output == *"3 getsockname"* ]]
}
