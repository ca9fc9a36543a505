# SPDX-License-Identifier: MIT
# What epoll tells of a repaired connect() is what it tells of one that was never self-connected;
# as in outcome.bats, every test compares three runs: to port 7, which is no source port, without
# the library; to port 40000, repaired; and to port 40000 without the library, which is
# self-connected (the control).

load ../lib/helpers

setup() {
	need_namespaces
}

epoll() {
	in_ns "$build/tests/epoll" "$@"
}

# alike HOW KIND ADDR WORD...: repaired in that way, it is as it would have been. The control ends
# after its connect(), because what it would wait for may never come.
alike() {
	local how=$1 kind=$2 addr=$3 t=$BATS_TEST_TMPDIR begin=() word
	shift 3
	[[ $kind != mptcp* ]] || need_mptcp "the rest has passed"
	INJECT_SERVER=${SERVED:+$addr:7@1} epoll "$kind" "$addr" 7 "$@" >"$t/plain"
	for word; do
		begin+=("$word")
		[ "$word" != connect ] || break
	done
	run epoll "$kind" "$addr" 40000 "${begin[@]}" look
	said "look: connected to itself"
	: >"$t/log"
	INJECT_SERVER=${SERVED:+$addr:40000@2} shimmed epoll "$kind" "$addr" 40000 "$@" >"$t/repaired"
	same "$t/plain" "$t/repaired"
	repaired "$how" "$(told "$t/repaired")" "$(at "$addr" 40000)"
	has "$t/repaired" $'\nwait: [1-9]* for 0xfeed0000beef'
}

# watched WORD...: of a socket in a set, which is reset in place: refused and connected, IPv4 and
# IPv6, TCP and MPTCP.
watched() {
	unwatched "$@"
	alike "reset in place" mptcp4 127.0.0.1 "$@"
	own_machine || SERVED=1 LD_PRELOAD=$build/tests/inject.so alike "reset in place" mptcp4 127.0.0.1 "$@"
}

# unwatched WORD...: of a socket in no set.
unwatched() {
	alike "reset in place" tcp4 127.0.0.1 "$@"
	own_machine || alike "reset in place" tcp6 ::1 "$@"
	SERVED=1 LD_PRELOAD=$build/tests/inject.so alike "reset in place" tcp4 127.0.0.1 "$@"
}

@test "a level-triggered set that has the socket before connect() is told, again and again" {
	watched new level add 0 connect wait 0 peek 0 error peek 0
}

@test "an edge-triggered set that has the socket before connect() is told once" {
	watched new edge add 0 connect wait 0 peek 0 error peek 0
}

@test "an edge-triggered set whose first events were read before connect() is told once" {
	watched new edge add 0 peek 0 connect wait 0 peek 0 error
}

@test "a one-shot set is told once, and again when it is rearmed" {
	watched new oneshot add 0 connect wait 0 peek 0 rearm 0 wait 0 peek 0 error
}

@test "a one-shot set that has fired before connect() is told nothing until it is rearmed" {
	watched new oneshot add 0 peek 0 connect peek 0 rearm 0 wait 0 peek 0 error
}

@test "an exclusive registration is told" {
	watched new exclusive add 0 connect wait 0 peek 0 error peek 0
}

@test "two sets that have the socket are both told" {
	watched new new level add 0 edge add 1 connect wait 0 wait 1 peek 0 peek 1 error
}

@test "a set in a set is told" {
	watched new new level add 0 nest 0 1 connect wait 1 wait 0 peek 1 error peek 1
}

@test "an edge-triggered registration in a nested set is told once" {
	watched new new new edge add 0 nest 0 1 nest 1 2 connect wait 2 wait 1 wait 0 peek 2 error
}

@test "a registration outlives a connect() that failed, for the next" {
	for kind in "tcp4 127.0.0.1" "tcp6 ::1" "mptcp4 127.0.0.1"; do
		# shellcheck disable=SC2086
		alike "reset in place" $kind new edge add 0 connect wait 0 error connect wait 0 error
	done
	watched new level add 0 connect wait 0 error connect wait 0 error remove 0
}

@test "a socket that was removed from a set before connect() can be added again" {
	unwatched new level add 0 remove 0 connect add 0 wait 0 peek 0 error remove 0
}

@test "a set that gets the socket after connect() is told, level-triggered" {
	unwatched new connect level add 0 wait 0 peek 0 error peek 0
}

@test "a set that gets the socket after connect() is told, edge-triggered" {
	unwatched new connect edge add 0 wait 0 peek 0 error peek 0
}

@test "a set that gets the socket after connect() is told, one-shot and exclusive" {
	unwatched new connect oneshot add 0 wait 0 peek 0 rearm 0 wait 0 error
	unwatched new connect exclusive add 0 wait 0 peek 0 error
}

@test "a nested set that gets the socket after connect() is told" {
	unwatched new new nest 0 1 connect level add 0 wait 1 wait 0 error
}

@test "a set inherited from the parent, which watches the socket, is told in the child" {
	watched new level add 0 fork connect wait 0 peek 0 error
}

@test "a closed socket is in no set any more" {
	watched new level add 0 connect wait 0 close peek 0
	unwatched new connect level add 0 wait 0 close peek 0
}
