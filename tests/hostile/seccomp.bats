# SPDX-License-Identifier: MIT
#
# Seccomp filters that end the process for everything they do not expect: what
# libnoselfconn(7) lists is enough, and none of it is too much. See filtered.c.
# shellcheck disable=SC2086,SC2030,SC2031 # lists of words; each test is a subshell

setup() {
	load ../lib/helpers
	need_namespaces
	filtered=$build/tests/filtered
	unset NOSELFCONN_VERBOSE NOSELFCONN_LOG OPTIONS
}

# list TIER...: what the manual lists there.
list() {
	local tier
	for tier; do
		sed -n "/^\.\\\\\" seccomp: $tier\$/,/^\.El/p" "$top/man/libnoselfconn.7" | sed 1d |
			sed -n '/^\.\\"/q; s/^\.Fn \([a-z0-9_]*\).*/\1/p; /^\.Dv/{s/^\.Dv//; s/,//g; p}'
	done | tr '\n' ' '
}

# The calls in which something is repaired: what is set, and what filtered.c does.
repairs() {
	local tcp
	for tcp in tcp4 tcp6 mptcp4; do
		in_ns "$build/tests/client" $tcp 2>/dev/null || continue
		printf "/$tcp %s\n" connect "nonblock connect" "address connect" "port connect" \
			"full connect" "nonblock port again" "fastopen connect" sendto sendmsg sendmmsg \
			"nonblock sendto" large "threads large"
		printf "MOVE_RANGE=yes/$tcp %s\n" "threads connect" "threads sendmsg"
		printf "NOSELFCONN_RETRIES=0/$tcp %s\n" connect "port connect" "nonblock sendto"
	done
	printf '%s\n' "ABSENT=1:28/tcp4 connect" "ABSENT= ABSENT_DISCONNECT=all/tcp4 connect" \
		"ABSENT= ABSENT_DISCONNECT=all/tcp6 nonblock connect"
}

# The calls in which a self-connection is prevented.
preventions() {
	local words
	for words in connect sendmsg "known connect" "known sendto" "known sendmsg" "known sendmmsg"; do
		printf '%s\n' "/tcp4 threads $words" "ABSENT=0:51/tcp4 threads $words"
	done
	echo "ABSENT=1:28/tcp4 threads sendto"
}

# came_of CALL: what filtered.c says of it with the library.
came_of() (
	# shellcheck disable=SC2163 # the words are assignments
	[ -z "${1%%/*}" ] || export ${1%%/*}
	LD_PRELOAD=$library in_ns timeout 20 "$filtered" ${1#*/} 2>>"$BATS_TEST_TMPDIR/err"
)

# suffices: behind the filter, every call of stdin does what it should.
suffices() {
	local call said
	while read -r call; do
		said=$(came_of "$call")
		case $call:$said in
		*\ port\ *:self-connected | *:ECONNREFUSED) ;;
		*nonblock*:'connected, or connecting') ;;
		*) echo "$call: $said" >&2; return 1 ;;
		esac
	done
}

# needs NAME: one of the calls of file $calls ends the process if the filter lacks that.
needs() {
	local call
	while read -r call; do
		[ "$(came_of "$call")" != killed ] || return 0
	done <"$calls"
	echo "never needed: $1" >&2
	return 1
}

own="connect sendto sendmsg sendmmsg"

@test "Behind such a filter, a program without the library connects to itself" {
	local call
	for call in connect sendto sendmsg sendmmsg; do
		ALLOW=$own run in_ns "$filtered" tcp4 $call
		[ "$output" = self-connected ]
	done
}

@test "A filter that does not expect getsockname() ends the process" {
	[ -n "$(list always)" ]
	ALLOW=$own run came_of "/tcp4 connect"
	[ "$output" = killed ]
}

@test "Where nothing is repaired, what is listed for every call is enough" {
	export ALLOW="$own $(list always)"
	LD_PRELOAD=$library run in_ns 50000-50001 "$filtered" tcp4 connect
	[ "$output" = ECONNREFUSED ]
	LD_PRELOAD=$library run in_ns 50000-50001 "$filtered" tcp4 nonblock connect
	[ "$output" = "connected, or connecting" ]
}

# If the range can't be read, the lowest of its ports is not always avoided.
@test "Where a self-connection is prevented, what is listed for that is enough" {
	ABSENT='' in_ns true || cannot "calls can't be made to fail by ptrace() here"
	export ALLOW="$own $(list always prevention)"
	preventions | grep known | grep -v ABSENT=0:51 | suffices
}

@test "In a repair, what is listed for it is enough" {
	ABSENT='' in_ns true || cannot "calls can't be made to fail by ptrace() here"
	export ALLOW="$own $(list always prevention repair)"
	{ repairs; preventions; } | suffices
}

@test "In a repair that is reported, what is listed for that is enough" {
	export ALLOW="$own $(list always prevention repair reports)"
	export NOSELFCONN_VERBOSE=1 NOSELFCONN_LOG=$BATS_TEST_TMPDIR/log
	suffices <<<"/tcp4 connect"
	grep "self-connection at" "$NOSELFCONN_LOG"
	NOSELFCONN_LOG='' run in_ns "$build/tests/callers" broken-stderr \
		env LD_PRELOAD="$library" "$filtered" tcp4 connect
	[ "$output" = ECONNREFUSED ]
}

@test "Of getsockopt() and setsockopt(), the options that are listed are enough" {
	local replaced=ABSENT_DISCONNECT # whatever the program may have set
	export ALLOW="$own $(list always prevention repair)" OPTIONS="$(list options)"
	{ repairs; preventions; } | grep -v -e $replaced -e ABSENT=0:51 | suffices
}

@test "Every system call that is listed for a repair is needed in one" {
	ABSENT='' in_ns true || cannot "calls can't be made to fail by ptrace() here"
	local name all
	calls=$BATS_TEST_TMPDIR/calls
	repairs | grep -v mptcp | tac >"$calls"
	all=" $own $(list always repair) "
	for name in $(list repair); do
		[ "$name" != connect ] && [ "$name" != sendto ] || continue # the program's own, too
		[ "$name" != getpeername ] || echo "/tcp4 nonblock port again" >"$calls"
		ALLOW=${all// $name / } needs "$name"
		repairs | grep -v mptcp | tac >"$calls"
	done
}

@test "Every system call that is listed for a report is needed in one" {
	local name all
	export NOSELFCONN_VERBOSE=1 NOSELFCONN_LOG=$BATS_TEST_TMPDIR/log
	calls=$BATS_TEST_TMPDIR/calls
	echo "/tcp4 connect" >"$calls"
	all=" $own $(list always repair reports) "
	for name in $(list reports); do
		[ "$name" != rt_sigtimedwait ] || continue # only if nobody reads
		ALLOW=${all// $name / } needs "$name"
	done
}
