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
	[[ $kind != mptcp* ]] || need_mptcp "the rest has passed"
	INJECT_SERVER=${SERVED:+$addr:7@1} shared "$kind" "$addr" 7 "$@" >"$t/plain"
	shared "$kind" "$addr" 40000 "$@" >"$t/control"
	has "$t/control" "socket, the destination's port, connected"
	: >"$t/log"
	INJECT_SERVER=${SERVED:+$addr:40000@2} shimmed shared "$kind" "$addr" 40000 "$@" >"$t/repaired"
	same "$t/plain" "$t/repaired"
	repaired "reset in place" "$(told "$t/repaired")" "$(at "$addr" 40000)"
}

# refused WORD...: and then a server can bind the port, whatever is still open; there is no TIME_WAIT.
refused() {
	mapfile -t kinds < <(some "tcp4 127.0.0.1" "tcp6 ::1" "mptcp4 127.0.0.1" "mptcp6 ::1")
	for kind in "${kinds[@]}"; do
		# shellcheck disable=SC2086
		alike $kind "$@" bindable timewait
		has "$BATS_TEST_TMPDIR/repaired" $'\nbindable: ok\n'
		has "$BATS_TEST_TMPDIR/repaired" $'\ntimewait: 0\n'
	done
}

# served WORD...: where a server comes up before the connection is retried.
served() {
	for kind in "tcp4 127.0.0.1" "mptcp4 127.0.0.1"; do
		# shellcheck disable=SC2086
		SERVED=1 LD_PRELOAD=$build/tests/inject.so alike $kind "$@"
		has "$BATS_TEST_TMPDIR/repaired" $'\nconnect: @(ok|EINPROGRESS)'
	done
}

# Whoever else has it, and wherever, goes on having what the program has.
@test "a repaired socket is the same socket" {
	local words=(tcp4 inode connect 127.0.0.1 40000 inode)
	run in_ns "$client" "${words[@]}"
	said "connect: ok"
	run shimmed in_ns "$client" "${words[@]}"
	said "connect: ECONNREFUSED" "${lines[0]}"
	[[ ${lines[0]} == "inode: "[1-9]* ]]
	repaired "reset in place"
}

@test "duplicates made before connect() see the same refusal" {
	refused dup dup connect look error bindable close look
}

@test "duplicates made before connect() see the same connection" {
	served dup dup connect look write close look
}

@test "duplicates of a non-blocking socket see the same outcome" {
	refused nonblock dup connect look poll error look
	served nonblock dup connect poll error look write
}

@test "a child that inherited the socket sees the same refusal" {
	refused fork connect look there look there error bindable close there look
}

@test "a child that inherited the socket sees the same connection" {
	served fork connect look there look there write close there look there shutdown there write
}

@test "a child that connects a socket of its parent gives it the same outcome" {
	refused fork there connect look there look there bindable
	refused nonblock fork there connect poll look there look error there error
}

@test "what one process does to the connection, the other sees" {
	served fork connect look write there shutdown write look there look
	served pass connect look write there shutdown write look there look
}

@test "a process that was passed the socket sees the same refusal" {
	refused pass connect look there look there error bindable close there look
}

@test "a process that was passed the socket sees the same connection" {
	served pass connect look there look there write close there look there write
}

@test "a process that was passed the socket connects it for the first" {
	refused pass there connect look there look there bindable
}

@test "a socket on its way through a Unix socket is the same when it arrives" {
	refused send connect look receive look bindable close look
	served send connect receive look write
}

@test "a child, a duplicate and another process at once: none keeps the port" {
	refused dup fork pass connect look there look bindable close bindable there bindable there close
}

@test "a child whose first thread has ended sees the same" {
	refused leader connect look there look there error bindable close there look
	served leader connect look there look there write close there look
}

@test "a child whose second thread alone has the socket sees the same" {
	refused table connect look there look there error bindable close there look
	served table connect look there look there write close there look
}

@test "a socket on its way to another process is the same when it arrives" {
	refused post connect look there take there look bindable close there look
	served post connect look there take there look there write
}

@test "a process that others may not look at sees the same" {
	# With this capability, root may.
	local setpriv=(setpriv --bounding-set=-sys_ptrace)
	in_ns "${setpriv[@]}" true || machine_cannot "setpriv can't drop a capability here"
	shared() {
		in_ns "${setpriv[@]}" "$build/tests/shared" "$@"
	}
	refused fork there hide connect look there look there error bindable close there look
}

@test "what chmod() and chown() did to a socket, fstat() goes on showing" {
	refused mode connect look
	shared tcp4 127.0.0.1 7 group | grep -q ok || machine_cannot "there is no second group here"
	refused group connect look
}

# ring HOW...: connects to 127.0.0.1:40000 a socket that a ring has, and sends with that.
ring() {
	in_ns "$build/tests/ring" "$@"
}

# ring_alike HOW...: that ring sends what it should, on whatever connection there is.
ring_alike() {
	local status=0
	ring "$@" >/dev/null 2>&1 || status=$?
	[ "$status" != 125 ] || machine_cannot "this kernel lets nobody have an io_uring: $*"
	run ring "$@"
	[ "$output" = "connect: ok, to itself"$'\n'"sent: 4" ]
	LD_PRELOAD=$build/tests/inject.so INJECT_SERVER=127.0.0.1:40000@2 run shimmed ring "$@"
	[ "$output" = "connect: ok"$'\n'"sent: 4" ]
	repaired "reset in place" connected
}

@test "a socket that an io_uring has is the same for that" {
	ring_alike open
}

@test "a socket that an io_uring without a descriptor has is the same for that" {
	ring_alike closed
}

@test "a socket that an io_uring without a descriptor and a mapping has is the same for that" {
	ring_alike none
}

@test "a socket that an io_uring of another process has is the same for that" {
	ring_alike open there
	ring_alike closed there
}
