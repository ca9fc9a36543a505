# SPDX-License-Identifier: MIT
# What the library leans on, seen on the kernel that runs these tests, and with make check-kernels
# on others. No test here has the library.

load ../lib/helpers

setup() {
	load vrf
	need_namespaces
}

# kinds COMMAND...: run with each kind of socket, its wildcard address and loopback's.
kinds() {
	"$@" tcp4 0.0.0.0 127.0.0.1
	"$@" tcp6 :: ::1
	"$@" tcp6 :: ::ffff:127.0.0.1
	need_mptcp "the rest has passed"
	"$@" mptcp4 0.0.0.0 127.0.0.1
	"$@" mptcp6 :: ::1
}

# In a namespace with one port, so that it is known which one bind() chooses.
one_port() {
	run in_ns 40000-40000 "$client" "$@"
}

# A socket of IPv6, to no address of this host, with a port.
guard=(tcp6 opt 41 26 1 opt 41 78 1 opt 1 2 1 bind 100::1)

given_back_when_refused() {
	one_port "$1" bind "$2" 0 connect "$3" 7 bindable "$2" 40000 bind "$2" 5000
	said "bind: ok" "connect: ECONNREFUSED" "bindable: ok" "bind: ok"
	one_port "$1" nonblock bind "$2" 0 connect "$3" 7 wait error bindable "$2" 40000
	said "error: ECONNREFUSED" "bindable: ok"
}

@test "the port that bind() chose is given back when the connect() is refused" {
	kinds given_back_when_refused
}

kept_before_the_first_segment() {
	local unreachable=192.0.2.1
	[ "$2" != :: ] || unreachable=2001:db8::1
	one_port "$1" bind "$2" 0 connect "$unreachable" 7 bindable "$2" 40000 \
		unspec bindable "$2" 40000 bind "$2" 5000
	said "connect: ENETUNREACH" "bindable: EADDRINUSE" "unspec: ok" "bindable: EADDRINUSE" "bind: EINVAL"
	one_port "$1" bind "$2" 0 unspec bindable "$2" 40000
	said "unspec: ok" "bindable: EADDRINUSE"
}

@test "the port that bind() chose is kept if no segment was sent, and AF_UNSPEC does not give it back" {
	kinds kept_before_the_first_segment
}

given_back_after_a_segment() {
	one_port "$1" nonblock bind "$2" 0 connect "$3" 7 unspec bindable "$2" 40000 bind "$2" 5000
	said "unspec: ok" "bindable: ok" "bind: ok"
}

@test "AF_UNSPEC gives the port that bind() chose back once a segment was sent" {
	kinds given_back_after_a_segment
}

kept_away_by_a_guard() {
	run in_ns "$client" "$1" connect "$3" 40000 names
	said "local: $3 40000" "peer: $3 40000"
	run in_ns "$client" "${guard[@]}" 40000 "$1" connect "$3" 40000
	said "bind: ok" "connect: ECONNREFUSED"
}

@test "a guard of IPv6 keeps connect() of every kind from choosing its port" {
	kinds kept_away_by_a_guard
}

@test "beside a guard of IPv6, a server without SO_REUSEADDR can bind every address but ::" {
	run in_ns "$client" "${guard[@]}" 40000 bindable 0.0.0.0 40000 bindable 127.0.0.1 40000 \
		bindable ::1 40000 bindable :: 40000
	said "bindable: ok" "bindable: ok" "bindable: ok" "bindable: EADDRINUSE"
}

# beside_bound_guard: what a connect() in a VRF says beside a guard that is bound to its device.
beside_bound_guard() {
	# shellcheck disable=SC2016
	in_vrf sh -c '"$1" tcp6 opt 1 62 $red opt 41 26 1 opt 41 78 1 opt 1 2 1 bind 100::1 40000 \
		tcp4 opt 1 62 $red connect 192.0.2.1 40000' sh "$client"
}

@test "in a VRF, only a guard that is bound to its device keeps the port away" {
	need ip
	need_vrf
	# shellcheck disable=SC2016
	run in_vrf sh -c '"$@" tcp4 opt 1 62 $red connect 192.0.2.1 40000 names' sh \
		"$client" "${guard[@]}" 40000
	said "local: 192.0.2.1 40000" "peer: 192.0.2.1 40000"
	run beside_bound_guard
	said "connect: ECONNREFUSED"
}

@test "a socket of SMC that fell back to TCP says so only by the name of its protocol" {
	in_ns "$client" smc4 2>/dev/null || machine_cannot "the kernel has no SMC"
	run in_ns "$client" smc4 get 1 38 kind connect 127.0.0.1 40000 get 1 38 kind names
	said "get: 0" "kind: SMC" "connect: ok" "get: 6" "kind: SMC" \
		"local: 127.0.0.1 40000" "peer: 127.0.0.1 40000"
}

# What the manual's table says of a kernel: each row has a function here, which says yes or no, or
# "-" if there is nothing to see. What a row means, the tests above and those of repair/ show.

# can WORD...: the client can, as far as its options go.
can() {
	"$client" "$@" >/dev/null 2>&1 && echo yes || echo no
}

# of_mptcp WORD...: with a socket of MPTCP, the client can.
of_mptcp() {
	if "$client" mptcp4 2>/dev/null; then can mptcp4 "$@"; else echo -; fi
}

range_of_tcp() {
	can tcp4 opt 0 51 0
}

range_of_mptcp() {
	of_mptcp opt 0 51 0
}

no_port_of_mptcp() {
	of_mptcp opt 0 24 1
}

unspec_of_mptcp() {
	"$client" mptcp4 2>/dev/null || { echo -; return; }
	in_ns "$client" mptcp4 connect 127.0.0.1 40000 unspec | grep -q '^unspec: ok' && echo yes || echo no
}

send_buffer() {
	local sizes
	sizes=$(shimmed in_ns "$client" tcp4 dup get 1 7 connect 127.0.0.1 40000 get 1 7 | grep '^get')
	[ "$(sort -u <<<"$sizes" | wc -l)" = 1 ] && echo yes || echo no
}

guard() {
	in_ns "$client" "${guard[@]}" 40000 tcp4 connect 127.0.0.1 40000 | grep -q ECONNREFUSED && echo yes || echo no
}

guard_in_vrf() {
	in_vrf true 2>/dev/null || { echo -; return; }
	beside_bound_guard | grep -q ECONNREFUSED && echo yes || echo no
}

smc() {
	in_ns "$client" smc4 2>/dev/null || { echo -; return; }
	shimmed in_ns "$client" smc4 connect 127.0.0.1 40000 kind | grep -qx 'kind: SMC' && echo yes || echo no
}

supervisor() {
	in_ns "$build/supervise" strict "$client" tcp4 connect 127.0.0.1 40000 2>/dev/null |
		grep -q ECONNREFUSED && echo yes || echo no
}

# What a repair in a program with threads asks for besides, and gets.
rest() {
	local trace=$BATS_TEST_TMPDIR/trace what
	MOVE_RANGE=yes NOSELFCONN_VERBOSE=1 in_ns strace -f -o "$trace" -E LD_PRELOAD="$library" \
		-e trace=getsockopt,close_range,statx "$build/tests/threads" crowd 1 10 >/dev/null 2>&1
	for what in SO_PEERNAME SO_COOKIE SO_BINDTOIFINDEX TCP_INFO 'close_range(' 'statx('; do
		grep -F "$what" "$trace" | grep -q ' = 0$' || { echo no; return; }
	done
	echo yes
}

# The table, a line for each row: the function, and what is said of each kernel.
rows() {
	awk '/^\.\\" seen: / { row = $3; next }
		/^\.It .* Ta / && row {
			count = split($0, cells, " Ta ")
			for (i = 2; i <= count; i++)
				row = row " " cells[i]
			print row
		}
		{ row = "" }' "$top/man/libnoselfconn.7"
}

@test "the table of the manual is right about this kernel" {
	need strace
	local columns version column row said
	columns=$(sed -n 's/^\.It Linux Ta //p' "$top/man/libnoselfconn.7" | sed 's/ Ta / /g')
	version=$(uname -r | cut -d. -f1,2)
	column=$(tr ' ' '\n' <<<"$columns" | grep -nx "$version" | cut -d: -f1) ||
		machine_cannot "the manual has no column for Linux $version"
	rows >"$BATS_TEST_TMPDIR/rows"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/rows")" = 10 ]
	while read -r row said; do
		said=$(cut -d' ' -f"$column" <<<"$said")
		echo "$row: $said" >>"$BATS_TEST_TMPDIR/manual"
		echo "$row: $($row)" >>"$BATS_TEST_TMPDIR/seen"
	done <"$BATS_TEST_TMPDIR/rows"
	diff "$BATS_TEST_TMPDIR/manual" "$BATS_TEST_TMPDIR/seen"
}
