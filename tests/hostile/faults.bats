# SPDX-License-Identifier: MIT
# Whatever system call fails during a repair, what the program gets is right, or an honest error. No
# kernel fails them when it is asked to, so strace does it.

load ../lib/helpers

setup() {
	need strace
	need_namespaces
	can_inject || cannot "strace can't inject a fault here"
	serve=$build/tests/serve.so
}

# strace may be forbidden, or too old.
can_inject() {
	run in_ns strace -f -qq -o /dev/null -e trace=getppid \
		-e inject=getppid:error=EPERM:when=1..2 true
	[ "$status" = 0 ]
}

# Without the library, the program that is used here does connect to itself.
connects_to_itself() {
	run in_ns "$build/tests/fault" "$@"
	[ "$output" = "WRONG: self-connected" ]
}

# survives HOW OUTCOME PRELOADS WORD...: every fault; without one, the repair is of that kind.
survives() {
	local how=$1 outcome=$2
	shift 2
	run env BUILD="$build" "$build/tests/netns" 40000 40001 "$top/tests/hostile/faults.sh" \
		"$1${single:+:$single}" "${@:2}"
	echo "$output"
	[ "$status" = 0 ]
	[[ $output == *": self-connection at "*": $how: $outcome"$'\n'* ]]
}

@test "a fault in a repair: refused, or an error" {
	connects_to_itself
	survives "reset in place" "connection refused" "$library"
}

@test "a fault in a repair of a non-blocking socket: refused, or an error" {
	connects_to_itself nonblock
	survives "reset in place" connecting "$library" nonblock
}

@test "a fault in a repair, and a server has come up: connected to it, or an error" {
	connects_to_itself
	survives "reset in place" connected "$library:$serve"
}

@test "a fault in a repair of a non-blocking socket, and a server has come up" {
	connects_to_itself nonblock
	survives "reset in place" connecting "$library:$serve" nonblock
}

@test "a fault in a repair of a bound socket: refused, or an error, and no option is changed" {
	connects_to_itself address
	survives "reset in place" "connection refused" "$library" address
}

@test "a fault in a repair of a bound, non-blocking socket" {
	connects_to_itself address nonblock
	survives "reset in place" connecting "$library" address nonblock
}

@test "a fault in a repair of a bound socket, and a server has come up: connected to it, or an error" {
	connects_to_itself address
	survives "reset in place" connected "$library:$serve" address
}

@test "a fault in a repair of a bound, non-blocking socket, and a server has come up" {
	connects_to_itself address nonblock
	survives "reset in place" connecting "$library:$serve" address nonblock
}

@test "a fault in a repair of a socket with a duplicate" {
	connects_to_itself shared
	survives "reset in place" "connection refused" "$library" shared
}

@test "a fault in a repair of an MPTCP socket" {
	in_ns "$client" mptcp4 || cannot "no MPTCP here"
	connects_to_itself mptcp
	survives "reset in place" "connection refused" "$library" mptcp
}

# There is no report: a deliberate self-connection is no repair.
@test "a fault while a deliberate self-connection is recognised: the port stays the program's" {
	run env BUILD="$build" "$build/tests/netns" 40000 40001 "$top/tests/hostile/faults.sh" \
		"$library${single:+:$single}" port
	echo "$output"
	[ "$status" = 0 ]
}

@test "a fault while a deliberate, non-blocking self-connection is recognised" {
	run env BUILD="$build" "$build/tests/netns" 40000 40001 "$top/tests/hostile/faults.sh" \
		"$library${single:+:$single}" port nonblock
	echo "$output"
	[ "$status" = 0 ]
}

# What no shim can cure; and so it is seen that a self-connection would be found.
@test "where getsockname() never answers, the program is connected to itself" {
	run in_ns strace -f -qq -o /dev/null -E LD_PRELOAD="$library${single:+:$single}" -e trace=getsockname \
		-e inject=getsockname:error=EPERM:when=1..3 "$build/tests/fault"
	[ "$output" = "WRONG: self-connected" ]
}
