# SPDX-License-Identifier: MIT
# What a second preload does: the faults that it injects, which no kernel makes when it is asked to (a
# signal at that moment, a port lost to another socket), and that the two chain in either order.
# shellcheck disable=SC2030,SC2031 # each test is a subshell of its own

load ../lib/helpers

setup() {
	need_namespaces
	inject=$build/tests/inject.so
	export NOSELFCONN_LOG=$BATS_TEST_TMPDIR/log
}

# In a namespace: preloaded PRELOADS COMMAND..., with a list of preloads in the order of the search.
preloaded() {
	in_ns env LD_PRELOAD="$1${single:+:$single}" "${@:2}"
}

below() {
	preloaded "$library:$inject" "$@"
}

above() {
	preloaded "$inject:$library" "$@"
}

without() {
	preloaded "$inject" "$@"
}

@test "below another preload, and above it, a self-connection is repaired" {
	run without "$client" tcp4 connect 127.0.0.1 40000
	said "connect: ok"
	run below "$client" tcp4 connect 127.0.0.1 40000
	said "connect: ECONNREFUSED"
	repaired "reset in place" "connection refused"
	run above "$client" tcp4 connect 127.0.0.1 40000
	said "connect: ECONNREFUSED"
	repaired "reset in place" "connection refused"
	[ "$(wc -l <"$NOSELFCONN_LOG")" = 2 ]
}

# Interrupted

@test "an interrupted connect that goes on to connect to itself is repaired" {
	export INJECT_AFTER=4 # EINTR
	run without "$client" tcp4 connect 127.0.0.1 40000 names
	said "connect: EINTR" "local: 127.0.0.1 40000" "peer: 127.0.0.1 40000"
	run below "$client" tcp4 connect 127.0.0.1 40000 names timewait bindable 0.0.0.0 40000
	said "connect: ECONNREFUSED"
	said "peer: ENOTCONN" "timewait: 0" "bindable: ok"
	repaired "reset in place" "connection refused"
}

@test "an interrupted connect on a socket with a duplicate is repaired in place" {
	export INJECT_AFTER=4
	run without "$client" tcp4 dup connect 127.0.0.1 40000 names
	said "connect: EINTR" "local: 127.0.0.1 40000" "peer: 127.0.0.1 40000"
	run below "$client" tcp4 dup connect 127.0.0.1 40000 names
	said "connect: ECONNREFUSED"
	said "peer: ENOTCONN"
	repaired "reset in place" "connection refused"
}

@test "an interrupted connect to a server stays interrupted, and goes on" {
	export INJECT_AFTER=4
	local words=(serve 127.0.0.1 40001 tcp4 connect 127.0.0.1 40001 connect 127.0.0.1 40001)
	run without "$client" "${words[@]}"
	said "connect: EINTR" "connect: EISCONN"
	run below "$client" "${words[@]}"
	said "connect: EINTR" "connect: EISCONN"
	not_repaired
}

@test "an interrupted connect that the program meant to itself stays interrupted" {
	export INJECT_AFTER=4
	local words=(tcp4 bind 127.0.0.1 40000 connect 127.0.0.1 40000 connect 127.0.0.1 40000)
	run without "$client" "${words[@]}"
	said "connect: EINTR" "connect: EISCONN"
	run below "$client" "${words[@]}" names
	said "peer: 127.0.0.1 40000"
	not_repaired
}

# Spurious EADDRNOTAVAIL

unavailable() {
	export INJECT_ERRNO=99 INJECT_TIMES=$1 # EADDRNOTAVAIL
}

to_server=(serve 127.0.0.1 40001 tcp4 connect 127.0.0.1 40001)

@test "an address that is not available for a moment is tried again, twice" {
	local times
	for times in 1 2; do
		unavailable $times
		run without "$client" "${to_server[@]}"
		said "connect: EADDRNOTAVAIL"
		run below "$client" "${to_server[@]}" names
		said "connect: ok" "local: 127.0.0.1 40000" "peer: 127.0.0.1 40001"
	done
	not_repaired
}

@test "an address that is not available is not tried a third time" {
	unavailable 3
	run below "$client" "${to_server[@]}"
	said "connect: EADDRNOTAVAIL"
	# That was all three of them: the next one gets through.
	run below "$client" "${to_server[@]}" connect 127.0.0.1 40001
	said "connect: EADDRNOTAVAIL" "connect: ok"
}

@test "an address that is not available to a bound port is not tried again" {
	unavailable 1
	run below "$client" serve 127.0.0.1 40001 tcp4 bind 127.0.0.1 40000 \
		connect 127.0.0.1 40001 connect 127.0.0.1 40001
	said "connect: EADDRNOTAVAIL" "connect: ok"
}

@test "an address that is not available is tried for a socket bound to an address alone" {
	unavailable 2
	run below "$client" serve 127.0.0.1 40001 \
		tcp4 opt 0 24 1 bind 127.0.0.1 0 connect 127.0.0.1 40001
	said "connect: ok"
}

@test "an address that is not available for a moment, and then self-connected, is repaired" {
	unavailable 2
	run without "$client" tcp4 connect 127.0.0.1 40000 connect 127.0.0.1 40000 \
		connect 127.0.0.1 40000
	said "connect: EADDRNOTAVAIL" "connect: EADDRNOTAVAIL" "connect: ok"
	run below "$client" tcp4 errno connect 127.0.0.1 40000
	said "connect: ECONNREFUSED"
	repaired "reset in place" "connection refused"
}

@test "an address that is not available is tried as often as NOSELFCONN_RETRIES says, at most" {
	unavailable 1
	NOSELFCONN_RETRIES=0 run below "$client" "${to_server[@]}"
	said "connect: EADDRNOTAVAIL"
	NOSELFCONN_RETRIES=1 run below "$client" "${to_server[@]}"
	said "connect: ok"
	unavailable 3
	NOSELFCONN_RETRIES=9 run below "$client" "${to_server[@]}"
	said "connect: EADDRNOTAVAIL"
}

@test "with NOSELFCONN=off, an address that is not available is not tried again" {
	unavailable 1
	NOSELFCONN=off run below "$client" "${to_server[@]}"
	said "connect: EADDRNOTAVAIL"
}

@test "a retry that ends well leaves errno alone" {
	unavailable 2
	run below "$client" serve 127.0.0.1 40001 tcp4 errno connect 127.0.0.1 40001
	said "errno: untouched" "connect: ok"
}

@test "errors of the next preload are handed on as they are" {
	export INJECT_ERRNO=13 INJECT_TIMES=1 # EACCES
	run below "$client" "${to_server[@]}" connect 127.0.0.1 40001
	said "connect: EACCES" "connect: ok"
}

# Before its own constructor

@test "a connect from the constructor of another preload is repaired" {
	export INJECT_EARLY=127.0.0.1:40000
	run without "$client"
	said "early: connected"
	run below "$client"
	said "early: Connection refused"
	repaired "reset in place" "connection refused"
}

@test "before its own constructor, the library has read its configuration" {
	export INJECT_EARLY=127.0.0.1:40000
	NOSELFCONN=off run below "$client"
	said "early: connected"
	NOSELFCONN_RETRIES=0 run below "$client"
	said "early: Connection refused"
	repaired "aborted" "connection refused"
	NOSELFCONN_RETRIES=x run below "$client"
	said "early: Connection refused"
	[ "$(grep -c NOSELFCONN_RETRIES <<<"$output")" = 1 ]
}
