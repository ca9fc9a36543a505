# SPDX-License-Identifier: MIT
# What a program sees of a connect() that was repaired is what it would have seen without the
# library of one that was never self-connected: outcome.c tells all of it. Every test compares
# three runs: to port 7, which is no source port, without the library; to port 40000, repaired; and
# to port 40000 without the library, which is self-connected (the control). PORT=40001 changes that.

load ../lib/helpers

setup() {
	need_namespaces
}

outcome() {
	in_ns_at "$ADDRESSES" "$build/tests/outcome" "$@"
}

# alike HOW KIND ADDR WORD...: repaired in that way, it is as it would have been.
alike() {
	local how=$1 kind=$2 addr=$3 port=${PORT:-40000} t=$BATS_TEST_TMPDIR
	shift 3
	[[ $kind != mptcp* ]] || need_mptcp "the rest has passed"
	INJECT_SERVER=${SERVED:+$addr:7@1} outcome "$kind" "$addr" 7 "$@" >"$t/plain"
	outcome "$kind" "$addr" "$port" "$@" >"$t/control"
	has "$t/control" $'\nlocal: *, the destination\'s port'
	: >"$t/log"
	INJECT_SERVER=${SERVED:+$addr:$port@$((SERVED + 1))} \
		shimmed outcome "$kind" "$addr" "$port" "$@" >"$t/repaired"
	same "$t/plain" "$t/repaired"
	repaired "$how" "$(told "$t/repaired")" "$(at "$addr" "$port")"
}

# both_ways KIND ADDR WORD...: alone, and with another descriptor that is open.
both_ways() {
	own_machine || alike "reset in place" "$@"
	alike "reset in place" "${@:1:2}" dup "${@:3}"
}

# As both_ways and alike, where a server comes up before the connection is retried. SERVED is the
# number of the connect() that is self-connected.
served() {
	SERVED=${SERVED:-1} LD_PRELOAD=$build/tests/inject.so "$@"
}

# on ADDRESSES COMMAND...: lo has these addresses too.
on() {
	ADDRESSES=$1 "${@:2}"
}

@test "a refused connect() looks like any other" {
	both_ways tcp4 127.0.0.1 connect look error poll select read write shutdown look
	both_ways tcp6 ::1 connect look error poll select read write shutdown look
	both_ways tcp6 ::ffff:127.0.0.1 connect look error poll select read write shutdown look
}

@test "a refused connect() of an MPTCP socket looks like any other" {
	alike "reset in place" mptcp4 127.0.0.1 connect look error poll select read write look
	alike "reset in place" mptcp6 ::1 connect look error poll select read write look
}

@test "a connect() with a time limit that is refused looks like any other" {
	both_ways tcp4 127.0.0.1 timeout connect look error poll
}

@test "a connect() that is given up without a retry looks like any other refusal, but for its port" {
	for kind in "tcp4 127.0.0.1" "tcp6 ::1" "mptcp4 127.0.0.1"; do
		# shellcheck disable=SC2086
		set -- $kind
		[[ $1 != mptcp* ]] || need_mptcp "the rest has passed"
		run outcome "$@" 40000 connect look
		said "connect: ok" "local: $2, the destination's port"
		outcome "$@" 7 connect error poll select read write error >"$BATS_TEST_TMPDIR/plain"
		NOSELFCONN_RETRIES=0 shimmed outcome "$@" 40000 \
			connect error poll select read write error >"$BATS_TEST_TMPDIR/repaired"
		diff "$BATS_TEST_TMPDIR/plain" "$BATS_TEST_TMPDIR/repaired"
		repaired aborted "connection refused" "$(at "$2" 40000)"
	done
}

@test "a connect() that succeeds in the end looks like any other" {
	served both_ways tcp4 127.0.0.1 connect look error poll select read write connect look
	served both_ways tcp6 ::ffff:127.0.0.1 connect look error poll select read write connect look
}

@test "a refused non-blocking connect() shows in poll() and then in SO_ERROR" {
	both_ways tcp4 127.0.0.1 nonblock connect look poll look error poll read write
	both_ways tcp6 ::1 nonblock connect look poll look error poll read write
	alike "reset in place" mptcp4 127.0.0.1 nonblock connect poll look error poll read write
}

@test "a refused non-blocking connect() shows in select()" {
	both_ways tcp4 127.0.0.1 nonblock connect select look error select
}

@test "a refused non-blocking connect() shows in the second connect(), once" {
	both_ways tcp4 127.0.0.1 nonblock connect poll connect look error connect poll connect
	both_ways tcp6 ::1 nonblock connect poll connect look error connect poll connect
}

@test "a refused non-blocking connect() shows in read() and write()" {
	both_ways tcp4 127.0.0.1 nonblock connect poll look read read error
	both_ways tcp4 127.0.0.1 nonblock connect poll look write write error
}

@test "a non-blocking connect() that succeeds in the end looks like any other" {
	served both_ways tcp4 127.0.0.1 nonblock connect poll select look error connect connect read write
	served both_ways tcp6 ::ffff:127.0.0.1 nonblock connect poll select look connect connect read
	served alike "reset in place" mptcp4 127.0.0.1 nonblock connect poll look error connect connect
}

@test "an error of an earlier connect() that an MPTCP socket has not told yet is told later" {
	SERVED=2 served alike "reset in place" mptcp4 127.0.0.1 \
		nonblock connect to 8 poll unspec connect look poll error poll error
}

@test "a refused socket can be connected to the same destination again" {
	both_ways tcp4 127.0.0.1 connect look connect look connect look error
	both_ways tcp6 ::1 connect look connect look connect look error
	alike "reset in place" mptcp4 127.0.0.1 connect look connect look error
}

@test "a refused socket can be connected to another destination" {
	both_ways tcp4 127.0.0.1 serve 9 connect look connect to 9 look write error connect to 9
	both_ways tcp6 ::1 serve 9 connect look connect to 9 look write error connect to 9
	both_ways tcp4 127.0.0.1 connect look connect to 9 look write error
	alike "reset in place" mptcp6 ::1 serve 9 connect look connect to 9 look write error
}

@test "a refused non-blocking socket can be connected to another destination" {
	both_ways tcp4 127.0.0.1 serve 9 nonblock connect look poll error connect to 9 poll look error \
		connect to 9
	both_ways tcp4 127.0.0.1 serve 9 nonblock connect look poll connect to 9 poll error connect to 9
}

@test "a refused socket can listen" {
	both_ways tcp4 127.0.0.1 connect look listen look
}

@test "a refused or connected socket can be disconnected" {
	both_ways tcp4 127.0.0.1 connect look unspec look error connect look
	served both_ways tcp4 127.0.0.1 connect look unspec look error
}

@test "a server can bind the port after a refused connect(), while the socket is open and after" {
	both_ways tcp4 127.0.0.1 connect look bindable close bindable
	both_ways tcp6 ::1 connect look bindable close bindable
	alike "reset in place" mptcp4 127.0.0.1 connect look bindable close bindable
}

@test "the descriptor keeps its number, FD_CLOEXEC and O_NONBLOCK" {
	both_ways tcp4 127.0.0.1 above cloexec nonblock connect look
	both_ways tcp4 127.0.0.1 above cloexec connect look
	both_ways tcp6 ::1 above nonblock connect look
}

@test "a socket with O_ASYNC, F_SETOWN and F_SETSIG is reset in place and keeps them" {
	alike "reset in place" tcp4 127.0.0.1 async connect look
	alike "reset in place" tcp6 ::1 async nonblock connect poll look
}

@test "a socket with F_SETSIG or F_SETOWN alone is reset in place and keeps that" {
	alike "reset in place" tcp4 127.0.0.1 signo connect look
	alike "reset in place" tcp4 127.0.0.1 owner connect look
}

@test "a socket with O_ASYNC sends its signal of the outcome last" {
	alike "reset in place" tcp4 127.0.0.1 async nonblock connect poll signal look error
	served alike "reset in place" tcp4 127.0.0.1 async nonblock connect poll signal look error
}

@test "a socket of another user is reset in place and stays that user's" {
	[ "$(id -u)" = 0 ] || cannot "chown needs root"
	alike "reset in place" tcp4 127.0.0.1 chown connect look
}

@test "a socket bound to an address is reset in place and the retry leaves from it" {
	alike "reset in place" tcp4 127.0.0.5 late bind 127.0.0.5 connect look connect look
	served alike "reset in place" tcp4 127.0.0.5 late bind 127.0.0.5 connect look
	alike "reset in place" tcp6 ::1 late bind ::1 connect look connect look
	need_mptcp "the rest has passed"
	"$client" mptcp4 opt 0 24 1 2>/dev/null || cannot "IP_BIND_ADDRESS_NO_PORT can't be set over MPTCP"
	alike "reset in place" mptcp4 127.0.0.5 late bind 127.0.0.5 connect look
}

@test "a port that the kernel chose in bind() is given up, the address is not" {
	PORT=40001 alike "reset in place" tcp4 127.0.0.5 bind 127.0.0.5 connect look
	PORT=40001 served alike "reset in place" tcp4 127.0.0.5 bind 127.0.0.5 connect look
	PORT=40001 alike "reset in place" tcp6 ::1 bind ::1 nonblock connect poll look error
}

@test "the retry leaves from a secondary address that the program bound" {
	need ip
	on "10.1.2.3/24 10.1.2.4/24" \
		served alike "reset in place" tcp4 10.1.2.4 late bind 10.1.2.4 connect look
	on "10.1.2.3/24 10.1.2.4/24" \
		alike "reset in place" tcp4 10.1.2.4 late bind 10.1.2.4 nonblock connect poll look error
	on "fd00::1/64 fd00::2/64" \
		alike "reset in place" tcp6 fd00::2 late bind fd00::2 connect look
}

@test "the retry leaves from the address that the kernel chose, where the program bound none" {
	need ip
	on 10.1.2.3/24 served both_ways tcp4 10.1.2.3 connect look
	on 10.1.2.3/24 both_ways tcp4 10.1.2.3 connect look
}

@test "a socket bound to a device is reset in place, and the retry leaves by it" {
	[ "$(id -u)" = 0 ] || cannot "another device than lo may need root"
	served both_ways tcp4 127.0.0.1 device lo connect look
	both_ways tcp4 127.0.0.1 device lo connect look connect look
}

@test "a socket of a network namespace that the program left is reset in place" {
	alike "reset in place" tcp4 127.0.0.1 unshare connect look error
	served alike "reset in place" tcp4 127.0.0.1 nonblock unshare connect poll look error
}
