# SPDX-License-Identifier: MIT
# Every socket option that a program can set before connect() is the same after a repair as after
# the same outcome without one. The table of them is in options.c.

load ../lib/helpers

setup() {
	need_namespaces
	[ "$(id -u)" = 0 ] || cannot "many options need root"
}

options() {
	in_ns "$build/tests/options" "$@"
}

# carried KIND COPIES OUTCOME: no option gives the repair away, and each that the socket has was
# tried.
carried() {
	rm -f "$BATS_TEST_TMPDIR/log" # PIDs come again in another namespace
	run shimmed options run "$@"
	printf '%s\n' "$output"
	[ "$status" -eq 0 ]
	[ "${#lines[@]}" -gt 40 ]
}

served() {
	LD_PRELOAD=$build/tests/inject.so INJECT_SERVER=127.0.0.1:40000@2 carried "$1" "$2" served
}

@test "The table has every option of shim/reopen/options.c" {
	need comm
	sed -n 's/^\s*{\(SOL_SOCKET\|IPPROTO_[A-Z0-9]*\), \([0-9]*\)},.*/\1 \2/p' \
		"$top/shim/reopen/options.c" | sort >"$BATS_TEST_TMPDIR/shim"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/shim")" -gt 100 ]
	"$build/tests/options" list | cut -d' ' -f1,2 | sort >"$BATS_TEST_TMPDIR/table"
	run comm -23 "$BATS_TEST_TMPDIR/shim" "$BATS_TEST_TMPDIR/table"
	[ -z "$output" ]
}

@test "The table has every option that this kernel takes from a TCP socket" {
	run options unknown
	[ "$status" -eq 0 ]
	[ -z "$output" ]
}

@test "Without the library, a socket is self-connected whatever option it has" {
	for kind in tcp4 tcp6 mapped mptcp4 mptcp6; do
		[[ $kind != mptcp* ]] || need_mptcp
		run options run "$kind" one refused
		[ "${#lines[@]}" -gt 40 ]
		run grep -v ': self-connected$' <<<"$output"
		[ -z "$output" ]
	done
}

@test "A reopened IPv4 socket that is refused has its options" {
	carried tcp4 one refused
}

@test "A reopened IPv4 socket that is connected has its options" {
	served tcp4 one
}

@test "An IPv4 socket reset in place and refused has its options" {
	carried tcp4 two refused
}

@test "An IPv4 socket reset in place and connected has its options" {
	served tcp4 two
}

@test "A reopened IPv6 socket that is refused has its options" {
	carried tcp6 one refused
}

@test "An IPv6 socket reset in place and refused has its options" {
	carried tcp6 two refused
}

@test "A reopened IPv6 socket that an IPv4 address refuses has its options" {
	carried mapped one refused
}

@test "A reopened IPv6 socket that is connected to an IPv4 address has its options" {
	served mapped one
}

@test "An IPv6 socket reset in place and refused by an IPv4 address has its options" {
	carried mapped two refused
}

@test "An IPv6 socket reset in place and connected to an IPv4 address has its options" {
	served mapped two
}

@test "An MPTCP socket that is refused has its options" {
	need_mptcp
	carried mptcp4 one refused
	carried mptcp6 one refused
}

@test "An MPTCP socket that is connected has its options" {
	need_mptcp
	served mptcp4 one
}
