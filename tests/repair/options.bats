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

# How many are set on a socket together: processes are what takes time on such a machine.
together=1
! own_machine || together=10

# tried [REPAIRS]: the output tells of many options. A colon is behind each, and behind each repair.
tried() {
	local colons=${output//[!:]/}
	[ $((${#colons} - ${1-0})) -gt 40 ]
}

# carried KIND OUTCOME: no option gives the repair away, and each that the socket has was
# tried.
carried() {
	rm -f "$BATS_TEST_TMPDIR/log" # PIDs come again in another namespace
	run shimmed options run "$@" $together
	printf '%s\n' "$output"
	[ "$status" -eq 0 ]
	tried "${#lines[@]}"
}

served() {
	LD_PRELOAD=$build/tests/inject.so INJECT_SERVER=127.0.0.1:40000@2 carried "$1" served
}

@test "the table has every option of shim/replace/options.c" {
	need comm
	sed -n 's/^\s*{\(SOL_SOCKET\|IPPROTO_[A-Z0-9]*\), \([0-9]*\)},.*/\1 \2/p' \
		"$top/shim/replace/options.c" | sort >"$BATS_TEST_TMPDIR/shim"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/shim")" -gt 100 ]
	"$build/tests/options" list | cut -d' ' -f1,2 | sort >"$BATS_TEST_TMPDIR/table"
	run comm -23 "$BATS_TEST_TMPDIR/shim" "$BATS_TEST_TMPDIR/table"
	[ -z "$output" ]
}

@test "the table has every option that this kernel takes from a TCP socket" {
	run options unknown
	[ "$status" -eq 0 ]
	[ -z "$output" ]
}

@test "without the library, a socket is self-connected whatever option it has" {
	for kind in $(some tcp4 tcp6 mapped mptcp4 mptcp6); do
		[[ $kind != mptcp* ]] || need_mptcp "the rest has passed"
		run options run "$kind" refused $together
		tried
		run grep -v ': self-connected$' <<<"$output"
		[ -z "$output" ]
	done
}

@test "an IPv4 socket that is refused has its options" {
	carried tcp4 refused
}

@test "an IPv4 socket that is connected has its options" {
	served tcp4
}

@test "an IPv6 socket that is refused has its options" {
	carried tcp6 refused
}

@test "an IPv6 socket that an IPv4 address refuses has its options" {
	carried mapped refused
}

@test "an IPv6 socket that is connected to an IPv4 address has its options" {
	served mapped
}

@test "an MPTCP socket that is refused has its options" {
	need_mptcp
	carried mptcp4 refused
	carried mptcp6 refused
}

@test "an MPTCP socket that is connected has its options" {
	need_mptcp
	served mptcp4
}

# No kernel refuses that to a socket of TCP, but a sandbox may.
@test "a socket that replaces one that can't be disconnected has its options" {
	[ -z "${ABI-}" ] || [ -e "$build/tests/lacking" ] || machine_cannot "ptrace() is of another ABI"
	ABSENT='' in_ns true || cannot "calls can't be made to fail by ptrace() here"
	ABSENT='' ABSENT_DISCONNECT=all carried tcp6 replaced
	own_machine || ABSENT='' ABSENT_DISCONNECT=all carried tcp4 replaced
}
