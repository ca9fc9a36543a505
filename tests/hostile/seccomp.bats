# SPDX-License-Identifier: MIT
#
# Seccomp filters that end the process for everything they do not expect: what
# libnoselfconn(7) lists is enough, and none of it is too much. See filtered.c.
# shellcheck disable=SC2086,SC2030,SC2031 # lists of words; each test is a subshell

load ../lib/helpers

setup() {
	need_namespaces
	filtered=$build/tests/filtered
	unset NOSELFCONN_VERBOSE NOSELFCONN_LOG READS SETS
}

# list TIER...: what the manual lists there.
list() {
	local tier
	for tier; do
		sed -n "/^\.\\\\\" seccomp: $tier\$/,/^\.El/p" "$top/man/libnoselfconn.7" | sed 1d |
			sed -n '/^\.\\"/q; s/^\.Fn \([a-z0-9_]*\).*/\1/p; /^\.Dv/{s/^\.Dv//; s/[,.;]//g; p}'
	done | tr '\n' ' '
}

# What is repaired in programs with one thread: what is set, and what filtered.c does.
repairs_of_connect() {
	local tcp
	for tcp in tcp4 tcp6 mptcp4; do
		in_ns "$build/tests/client" $tcp 2>/dev/null || continue
		printf "/$tcp %s\n" connect "nonblock connect" "address connect" "port connect" \
			"full connect" "nonblock port again" "settings connect" "device connect"
		printf "NOSELFCONN_RETRIES=0/$tcp %s\n" connect "port connect"
	done
	printf '%s\n' "ABSENT=1:28/tcp4 connect" "ABSENT= ABSENT_DISCONNECT=all/tcp4 connect" \
		"ABSENT= ABSENT_DISCONNECT=all/tcp6 nonblock connect"
}

repairs_of_sends_and_threads() {
	local tcp
	for tcp in tcp4 tcp6 mptcp4; do
		in_ns "$build/tests/client" $tcp 2>/dev/null || continue
		printf "/$tcp %s\n" "fastopen connect" sendto sendmsg sendmmsg "nonblock sendto" large \
			"threads large"
		printf "MOVE_RANGE=yes/$tcp %s\n" "threads connect" "threads sendmsg"
		echo "NOSELFCONN_RETRIES=0/$tcp nonblock sendto"
	done
}

# The calls in which a self-connection is prevented. If the range is not known because it can't be
# read, the lowest of its ports is not always avoided.
preventions() {
	printf '/tcp4 threads %s\n' connect sendmsg
	echo "ABSENT=1:28/tcp4 threads sendto"
}

preventions_for_sure() {
	printf '/tcp4 threads %s\n' "known connect" "known sendto" "known sendmsg" "known sendmmsg" \
		"nowhere connect" "known nowhere connect" "known later connect"
	echo "ABSENT=1:28/tcp4 threads known sendto"
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
		*\ nowhere\ *:ENETUNREACH | *\ port\ *:self-connected | *:ECONNREFUSED) ;;
		*nonblock*:'connected, or connecting') ;;
		*) echo "$call: $said" >&2; return 1 ;;
		esac
	done
}

# needed VARIABLE NAME...: one of the calls of stdin ends the process if the filter lacks a name of
# those in the variable. Some options are not set on a kernel that lacks them.
needed() {
	local variable=$1 all=" ${!1} " calls name call
	mapfile -t calls
	for name in "${@:2}"; do
		export "$variable=${all// $name / }"
		for call in "${calls[@]}"; do
			[ "$(came_of "$call")" != killed ] || continue 2
		done
		[ "$(in_ns "$filtered" tcp6 "$name")" = ENOPROTOOPT ] || { echo "not needed: $name" >&2; return 1; }
	done
}

# What no kernel lacks that make check-kernels can boot, but sandboxes: SO_PEERNAME (1:28), and
# connect() with AF_UNSPEC.
can_lack() {
	ABSENT='' in_ns true || cannot "calls can't be made to fail by ptrace() here"
}

# What it does then depends on the options that the program has set.
replaced=ABSENT_DISCONNECT

own="connect sendto sendmsg sendmmsg"

@test "behind such a filter, a program without the library connects to itself" {
	local call
	for call in connect sendto sendmsg sendmmsg; do
		ALLOW=$own run in_ns "$filtered" tcp4 $call
		[ "$output" = self-connected ]
	done
}

@test "a filter that does not expect getsockname() ends the process" {
	[ -n "$(list always)" ]
	ALLOW=$own run came_of "/tcp4 connect"
	[ "$output" = killed ]
}

# By which the library asks whether an address that is on no stack can be read.
@test "a filter that refuses rt_sigprocmask() keeps no self-connection from being repaired" {
	local refuse=(in_ns "$build/tests/refuse" rt_sigprocmask -- env)
	run "${refuse[@]}" "$build/tests/threads" static
	[ "$output" = connected ]
	run "${refuse[@]}" LD_PRELOAD="$library${single:+:$single}" "$build/tests/threads" static
	[ "$output" = ECONNREFUSED ]
}

@test "where nothing is repaired, what is listed for every call is enough" {
	export ALLOW="$own $(list always)"
	LD_PRELOAD=$library run in_ns 50000-50001 "$filtered" tcp4 connect
	[ "$output" = ECONNREFUSED ]
	LD_PRELOAD=$library run in_ns 50000-50001 "$filtered" tcp4 nonblock connect
	[ "$output" = "connected, or connecting" ]
}

@test "where a self-connection is prevented, what is listed for that is enough" {
	can_lack
	export ALLOW="$own $(list always prevention)"
	export READS="$(list "prevention reads")" SETS="$(list "prevention sets")"
	preventions_for_sure | suffices
}

# needed_here TIER: what is listed there, but for what only a kernel without IP_LOCAL_PORT_RANGE
# needs, if this one has it: guest.sh runs these tests on one without, too.
needed_here() {
	local name later=''
	! has_range tcp4 || later="bind SO_ERROR IP_BIND_ADDRESS_NO_PORT"
	for name in $(list "$1"); do
		[[ " $later " == *" $name "* ]] || echo "$name"
	done
}

@test "all that is listed for that is needed" {
	can_lack
	export ALLOW="$own $(list always prevention)"
	preventions_for_sure | needed ALLOW $(needed_here prevention)
	ALLOW="$own $(list always prevention)"
	export READS="$(list "prevention reads")"
	preventions_for_sure | needed READS $(needed_here "prevention reads")
	unset READS
	export SETS="$(list "prevention sets")"
	preventions_for_sure | needed SETS $(needed_here "prevention sets")
}

@test "in a repair, what is listed for it is enough" {
	can_lack
	export ALLOW="$own $(list always repair)"
	repairs_of_connect | suffices
	export READS="$(list "repair reads")" SETS="$(list "repair sets")"
	repairs_of_connect | grep -v "$replaced" | suffices
}

@test "in a repair in a program with threads, or of a send, that and what prevents one is enough" {
	can_lack
	export ALLOW="$own $(list always prevention repair)"
	export READS="$(list "prevention reads" "repair reads")"
	export SETS="$(list "prevention sets" "repair sets")"
	{ repairs_of_sends_and_threads; preventions; } | suffices
}

@test "all that is listed for a repair is needed" {
	can_lack
	local all="$own $(list always prevention repair)"
	export ALLOW=$all
	{ repairs_of_connect; repairs_of_sends_and_threads | grep sendmsg; } | needed ALLOW $(list repair)
	ALLOW=$all
	export READS="$(list "repair reads")"
	repairs_of_connect | grep -v "$replaced" | needed READS $READS
	unset READS
	export SETS="$(list "repair sets")"
	repairs_of_connect | grep -v "$replaced" | needed SETS $SETS
}

@test "in a repair that is reported, what is listed for that is enough" {
	export ALLOW="$own $(list always repair reports)"
	export NOSELFCONN_VERBOSE=1 NOSELFCONN_LOG=$BATS_TEST_TMPDIR/log
	suffices <<<"/tcp4 connect"
	grep "self-connection at" "$NOSELFCONN_LOG"
	NOSELFCONN_LOG='' run in_ns "$build/tests/callers" broken-stderr \
		env LD_PRELOAD="$library" "$filtered" tcp4 connect
	[ "$output" = ECONNREFUSED ]
}

@test "all that is listed for a report is needed, and is not listed for a repair" {
	export NOSELFCONN_VERBOSE=1 NOSELFCONN_LOG=$BATS_TEST_TMPDIR/log
	export ALLOW="$own $(list always repair reports)"
	# That one only if nobody reads.
	needed ALLOW $(list reports | tr ' ' '\n' | grep -v rt_sigtimedwait) <<<"/tcp4 connect"
	local name
	for name in $(list reports); do
		[[ " $(list repair) " != *" $name "* ]]
	done
}
