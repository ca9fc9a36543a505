#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# In a program with threads, no other thread ever sees a self-connection: see prevention.c. Before
# Linux 6.3, sockets have no IP_LOCAL_PORT_RANGE, and the library another way (port.h): make
# check-kernels runs these tests on such a kernel, too, that of .ci/run as well.

load ../lib/helpers

setup() {
	need_namespaces
	prevention=$build/tests/prevention
}

range=40000-40001

# How often each way of looking is tried, unless TIMES says it.
times=${TIMES:-20000}

# need_range KIND
need_range() {
	has_range "$1" || machine_cannot "the kernel has no IP_LOCAL_PORT_RANGE of $1"
}

# seen HOW WORD...: without the library, the other thread does see self-connections, and with it
# none. In a namespace that has $addresses, too, if that is set.
through=()
seen() {
	local ns=(in_ns "$range")
	[ -z "${addresses-}" ] || ns=(in_ns_at "$addresses")
	ns+=("${through[@]}")
	own_machine || ns+=(timeout 300) # such a machine has a limit of its own
	run "${ns[@]}" "$prevention" "$1" 100 patient "${@:2}"
	[[ ${lines[-1]} =~ ^'seen: '[1-9] ]] || { echo "without the library: $output" >&2; return 1; }
	run shimmed "${ns[@]}" "$prevention" "$1" "$times" "${@:2}"
	[ "${lines[-1]}" = "seen: 0" ] || { echo "$*, with it: $output" >&2; return 1; }
	not_repaired
}

need_ipv6() {
	own_machine || in_ns "$client" tcp6 bind ::1 0 | grep -q ok || machine_cannot "there is no IPv6"
}

need_mptcp_here() {
	in_ns "$client" mptcp4 2>/dev/null || machine_cannot "the kernel has no MPTCP"
}

@test "however it looks, another thread sees no self-connection" {
	seen epoll
	seen epoll level
	seen epoll-spin
	seen epoll-spin level
	seen poll
	seen poll blocking
	seen select
	seen getpeername
	seen connect
}

@test "nor on other addresses of this host, and over IPv6" {
	need_ipv6
	local addr
	for addr in 0.0.0.0 ::1 :: ::ffff:127.0.0.1; do
		seen poll to $addr 40000
	done
	addresses=10.1.2.3/32 seen poll to 10.1.2.3 40000
	addresses=fd00::1/128 seen poll to fd00::1 40000
}

# Which the kernel chooses last: if servers have the even ports.
@test "nor on a port of the other parity" {
	range=40001-40002 seen poll to 127.0.0.1 40001
	range=40000-40007 seen poll serve 40000 serve 40002 serve 40004 serve 40006 \
		to 127.0.0.1 40001
}

# SO_REUSEADDR, SO_REUSEPORT, IP_BIND_ADDRESS_NO_PORT.
@test "nor if bind() may share ports, or leaves the choice to connect()" {
	seen poll opt 1 2
	seen poll opt 1 15
	seen poll opt 0 24 from 127.0.0.1
	seen poll opt 1 2 opt 1 15 opt 0 24
}

# bind() prefers the odd ports here.
@test "nor if bind() chose the destination's port, which the program did not" {
	local word
	for word in blocking level send tfo; do
		seen poll $word from 127.0.0.1 to 127.0.0.1 40001
	done
	seen epoll from 0.0.0.0 to 127.0.0.1 40001
	seen poll opt 1 2 from 127.0.0.1 to 127.0.0.1 40001
}

# The library does, if it is not told of one. BusyBox's sed has no -z.
assume_threads() {
	echo | sed -z p >/dev/null 2>&1 || machine_cannot "this sed can't change the library"
	c_library_without __libc_single_threaded
}

# There is no way from it to the loopback interface.
@test "nor at a link-local address" {
	need_addresses
	assume_threads
	local words=(tcp6 bind fe80::1%v0 0 connect fe80::1%v0 40001)
	run with_addresses "$client" "${words[@]}" names
	said "local: fe80::1%v0 40001" "peer: fe80::1%v0 40001"
	run shimmed with_addresses "$client" "${words[@]}"
	said "connect: ECONNREFUSED"
	not_repaired
}

# kept PORT: if the socket is bound to that port, or is given the destination's by bind() if it is 0,
# what the program has set stays.
kept() {
	run shimmed in_ns "$client" tcp4 nonblock opt 6 2 1000 opt 6 10 3000 opt 1 42 5 \
		bind 127.0.0.1 "$1" connect 127.0.0.1 40001 names get 1 42 flags get 6 2 get 6 10
	said "connect: EINPROGRESS"
	[[ $output == *$'\nget: 5\nflags: 0 0x802\n'* ]]
}

@test "nor does a socket that was given that port lose what the program has set, or chosen" {
	assume_threads
	kept 0
	said "local: 127.0.0.1 40000" "peer: ENOTCONN"
	said "get: 1000" "get: 3000"
	not_repaired
	kept 40001
	said "local: 127.0.0.1 40001" "peer: 127.0.0.1 40001"
}

@test "nor does one that listens stop" {
	assume_threads
	run shimmed in_ns "$client" tcp4 bind 127.0.0.1 40001 listen connect 127.0.0.1 40001 \
		tcp4 connect 127.0.0.1 40001
	said "connect: EISCONN" "connect: ok"
}

# What a checkpoint is restored with; 20 and 21 are a queue, and the number that its next byte has.
@test "nor does one in repair mode lose what it was restored to" {
	in_ns "$client" tcp4 opt 6 19 1 2>/dev/null || cannot "TCP_REPAIR needs a privilege"
	assume_threads
	run shimmed in_ns "$client" tcp4 bind 127.0.0.1 40000 opt 6 19 1 opt 6 20 2 opt 6 21 12345 \
		connect 127.0.0.1 40000 opt 6 20 2 get 6 21 names
	said "connect: ok" "get: 12345" "local: 127.0.0.1 40000" "peer: 127.0.0.1 40000"
}

# The first call's outcome is told by the second one.
@test "nor does it lose an outcome that it has not told" {
	assume_threads
	run shimmed in_ns "$client" tcp4 nonblock bind 127.0.0.1 0 connect 127.0.0.1 9 wait \
		connect 127.0.0.1 40001
	said "connect: EINPROGRESS" "connect: ECONNREFUSED"
	run shimmed in_ns "$client" tcp4 nonblock bind 127.0.0.1 0 connect 127.0.0.1 9 wait error \
		connect 127.0.0.1 40001
	said "connect: EINPROGRESS" "error: ECONNREFUSED" "connect: ECONNABORTED"
}

@test "nor does it wait for what a firewall drops" {
	need nft
	assume_threads
	# shellcheck disable=SC2016
	local drop='nft -f - <<-END || exit 125
			table ip filter {
				chain dropped {
					type filter hook output priority 0; policy accept;
					tcp dport 0 drop
				}
			}
		END
		exec timeout 20 "$@"'
	run shimmed in_ns sh -c "$drop" sh "$client" tcp4 bind 127.0.0.1 0 connect 127.0.0.1 40001
	[ "$status" != 125 ] || machine_cannot "the kernel has no firewall for us"
	said "connect: ECONNREFUSED"
	not_repaired
}

@test "nor if MSG_FASTOPEN or TCP_FASTOPEN_CONNECT opens the connection" {
	seen poll send
	seen poll tfo
}

@test "nor over MPTCP" {
	need_mptcp_here
	seen poll mptcp
}

# It shows a range that it does not heed, after it fell back to TCP.
@test "nor on an MPTCP socket that was connected to a server before" {
	need_mptcp_here
	need_range mptcp4
	range=40000-40009 times=200
	seen poll blocking mptcp reused
}

@test "nor in a range of three ports, whose middle one is the destination's" {
	range=40001-40003
	run shimmed in_ns "$range" "$prevention" poll "$times" to 127.0.0.1 40002
	[ "$output" = "seen: 0" ]
	not_repaired
}

# It has been given more ports than are good for others, and connects as before; until a call is
# refused before it returns.
@test "nor, but for the first, in a program that connects often, without IP_LOCAL_PORT_RANGE" {
	need_no_range
	range=40000-40009
	run in_ns "$range" timeout 60 "$prevention" poll 300 patient busy 4
	[[ $output =~ ^'seen: '[0-9][0-9] ]]
	run shimmed in_ns "$range" "$prevention" poll 300 busy 4
	[[ $output =~ ^'seen: '[0-9]$ ]]
}

# Sockets of MPTCP had none at first; Debian has none of these kernels.
@test "a socket whose TCP_INFO can't be read is looked at like any other" {
	ABSENT='' in_ns true || cannot "calls can't be made to fail by ptrace() here"
	export ABSENT=6:11
	run in_ns "$build/tests/threads" crowd 1 40
	[[ $output == *self-connected* ]]
	run shimmed in_ns "$build/tests/threads" crowd 1 40
	said "refused: 40"
}

@test "if the range is another one by now, one self-connection is repaired, and no other begins" {
	MOVE_RANGE=once run in_ns timeout 60 "$prevention" epoll 100 patient
	[[ $output =~ 'seen: '[1-9] ]]
	MOVE_RANGE=once run shimmed in_ns "$prevention" epoll 100
	repaired "reset in place" connecting
	[ "$(wc -l <"$BATS_TEST_TMPDIR/log")" = 1 ]
	[[ $output =~ ^'seen: '[01]$ ]]
}

@test "a test that moves the range moves it for itself alone" {
	local how
	for how in yes once; do
		# shellcheck disable=SC2016
		MOVE_RANGE=$how run in_ns sh -c '"$@"
			cat /proc/sys/net/ipv4/ip_local_port_range
			! grep local_port_range /proc/self/mounts' sh "$prevention" epoll 1
		[ "$status" = 0 ]
		said $'40000\t40001'
	done
}

# leaves WORD...: what is left on a socket is what is left without the library.
leaves() {
	run in_ns 40000-40009 "${in_silence[@]}" "$prevention" poll 1 left to 127.0.0.1 20020 "$@"
	local without=$output
	[[ $output == *range* ]]
	run shimmed in_ns 40000-40009 "${in_silence[@]}" "$prevention" poll 1 left "$@"
	[ "$output" = "$without" ]
	not_repaired
}

# Where there is a route to a host that does not answer.
# shellcheck disable=SC2016
in_silence=(sh -c 'ip route add 192.0.2.1 dev lo && exec "$@"' sh)

@test "no range and no port is left on the socket" {
	need ip
	leaves
	leaves blocking interrupted
}

# The kernel refuses to set it then, but does.
@test "nor on an MPTCP socket whose connect() is called again while it goes on" {
	need ip
	need_mptcp_here
	leaves mptcp again to 192.0.2.1 40004
}

@test "a range that the program set is the same afterwards, and its ports are used" {
	need_range tcp4
	need ip
	leaves own 40000 40005
	leaves own 40001 40005
	run shimmed in_ns 40000-40009 "$prevention" poll 20 many own 40002 40003 to 127.0.0.1 40009
	said "2 connected, then Cannot assign requested address"
}

@test "after a handler has jumped out of connect(), another thread sees no self-connection" {
	need ip
	need_range tcp4
	times=20
	through=("${in_silence[@]}")
	seen poll jumped blocking
}

# There, a call that was left counts as one that keeps its port, and the range has no port to spare:
# until it is known that nobody listens.
@test "nor, but for the first, without IP_LOCAL_PORT_RANGE" {
	need ip
	need_no_range
	run shimmed in_ns "${in_silence[@]}" "$prevention" poll 20 jumped blocking
	[[ $output =~ ^'seen: '[0-3]$ ]]
}

# keeps_range: so does a socket that is put under the number while the first one connects.
keeps_range() {
	run in_ns "$prevention" poll 1 left
	[ "${lines[0]}" = "range: 30000-30009" ] || machine_cannot "no socket has a range of its own here"
	run shimmed in_ns "$prevention" poll 1 left
	[ "${lines[0]}" = "range: 30000-30009" ]
}

@test "a socket that a handler puts under the number meanwhile keeps its own range" {
	export LD_PRELOAD=$build/tests/swap.so SWAP=range SWAP_AFTER=1 SWAP_BY=signal
	keeps_range
	GOES_ON=yes keeps_range
}

@test "so does one that another thread puts there" {
	export LD_PRELOAD=$build/tests/swap.so SWAP=range SWAP_AFTER=1
	keeps_range
	GOES_ON=yes keeps_range
}

@test "as many sockets can connect as without the library, to each destination" {
	need_range tcp4
	run in_ns 40000-40099 "$prevention" poll 200 many
	local without=$output
	said "99 connected, then Cannot assign requested address" \
		"99 connected, then Cannot assign requested address"
	run shimmed in_ns 40000-40099 "$prevention" poll 200 many
	# What the kernel does with an odd number of ports, also if the program sets the range.
	kernel_is_from 6.8 || output=${output//98 connected/99 connected}
	[ "$output" = "$without" ] || { diff <(echo "$without") <(echo "$output") >&2; false; }
}

@test "with SO_REUSEADDR, too, no two sockets get the same port, without IP_LOCAL_PORT_RANGE" {
	need_no_range
	run shimmed in_ns 40000-40999 "$prevention" poll 200 many opt 1 2
	said "200 connected, then Success" "200 connected, then Success"
}

# A port that is bound is nobody else's; these are no more than a sixteenth.
@test "nearly as many can, without IP_LOCAL_PORT_RANGE" {
	need_no_range
	run shimmed in_ns 40000-40099 "$prevention" poll 200 many
	[[ ${lines[0]} == '99 connected'* && ${lines[1]} == '9'[2-9]' connected'* ]]
}

# There the destination's port is as good as any. Nobody answers: all of them stay.
@test "as many sockets can connect to another host, and all ports are used up" {
	need ip
	# shellcheck disable=SC2016
	local elsewhere=(in_ns 40000-40099 sh -c 'ip route add 192.0.2.1 dev lo && exec "$@"' sh)
	run "${elsewhere[@]}" "$prevention" poll 200 fill to 192.0.2.1 40050
	local without=$output
	said "100 connected, then Cannot assign requested address"
	run shimmed "${elsewhere[@]}" "$prevention" poll 200 fill to 192.0.2.1 40050
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
