# SPDX-License-Identifier: MIT
# A socket to which more than one descriptor refers, in whatever process: after a repair they all
# show the same, and what they would have shown if the socket had never been self-connected. As in
# outcome.bats, every test compares three runs: to port 7, which is no source port, without the
# library; to port 40000, repaired; and to port 40000 without the library, which is self-connected
# (the control).

load ../lib/helpers

setup() {
	need_namespaces
}

shared() {
	in_ns "$build/tests/shared" "$@"
}

# alike KIND ADDR WORD...: reset in place, it is as it would have been, through every descriptor.
alike() {
	local kind=$1 addr=$2 t=$BATS_TEST_TMPDIR
	shift 2
	[[ $kind != mptcp* ]] || need_mptcp
	INJECT_SERVER=${SERVED:+$addr:7@1} shared "$kind" "$addr" 7 "$@" >"$t/plain"
	shared "$kind" "$addr" 40000 "$@" >"$t/control"
	grep -q "socket, the destination's port, connected" "$t/control"
	rm -f "$t/log"
	INJECT_SERVER=${SERVED:+$addr:40000@2} shimmed shared "$kind" "$addr" 40000 "$@" >"$t/repaired"
	diff "$t/plain" "$t/repaired"
	repaired "reset in place" "$(told "$t/repaired")" "$(at "$addr" 40000)"
}

# refused WORD...: and then a server can bind the port, whatever is still open; there is no TIME_WAIT.
refused() {
	for kind in "tcp4 127.0.0.1" "tcp6 ::1" "mptcp4 127.0.0.1" "mptcp6 ::1"; do
		# shellcheck disable=SC2086
		alike $kind "$@" bindable timewait
		grep -qx "bindable: ok" "$BATS_TEST_TMPDIR/repaired"
		grep -qx "timewait: 0" "$BATS_TEST_TMPDIR/repaired"
	done
}

# served WORD...: where a server comes up before the connection is retried.
served() {
	for kind in "tcp4 127.0.0.1" "mptcp4 127.0.0.1"; do
		# shellcheck disable=SC2086
		SERVED=1 LD_PRELOAD=$build/tests/inject.so alike $kind "$@"
		grep -q "^connect: \(ok\|EINPROGRESS\)" "$BATS_TEST_TMPDIR/repaired"
	done
}

@test "Duplicates made before connect() see the same refusal" {
	refused dup dup connect look error bindable close look
}

@test "Duplicates made before connect() see the same connection" {
	served dup dup connect look write close look
}

@test "Duplicates of a non-blocking socket see the same outcome" {
	refused nonblock dup connect look poll error look
	served nonblock dup connect poll error look write
}

@test "A child that inherited the socket sees the same refusal" {
	refused fork connect look there look there error bindable close there look
}

@test "A child that inherited the socket sees the same connection" {
	served fork connect look there look there write close there look there shutdown there write
}

@test "A child that connects a socket of its parent gives it the same outcome" {
	refused fork there connect look there look there bindable
	refused nonblock fork there connect poll look there look error there error
}

@test "What one process does to the connection, the other sees" {
	served fork connect look write there shutdown write look there look
	served pass connect look write there shutdown write look there look
}

@test "A process that was passed the socket sees the same refusal" {
	refused pass connect look there look there error bindable close there look
}

@test "A process that was passed the socket sees the same connection" {
	served pass connect look there look there write close there look there write
}

@test "A process that was passed the socket connects it for the first" {
	refused pass there connect look there look there bindable
}

@test "A socket on its way through a Unix socket is the same when it arrives" {
	refused send connect look receive look bindable close look
	served send connect receive look write
}

@test "A child, a duplicate and another process at once: none keeps the port" {
	refused dup fork pass connect look there look bindable close bindable there bindable there close
}

# ring HOW [LOW-HIGH]: connects to 127.0.0.1:40000 a socket that a ring has, and sends with that.
ring() {
	in_ns "${2:-40000-40001}" "$build/tests/ring" "$1"
}

need_ring() {
	local status=0
	ring "$1" 41000-41001 >/dev/null 2>&1 || status=$?
	[ "$status" != 125 ] || machine_cannot "this kernel lets nobody have an io_uring that is $1"
}

@test "A socket that an io_uring has is the same for that, whether its descriptor is open or closed" {
	local how
	for how in open closed; do
		need_ring $how
		run ring $how
		[ "$output" = "connect: ok, to itself"$'\n'"sent: 4" ]
		LD_PRELOAD=$build/tests/inject.so INJECT_SERVER=127.0.0.1:40000@2 run shimmed ring $how
		[ "$output" = "connect: ok"$'\n'"sent: 4" ]
		repaired "reset in place" connected
	done
}
