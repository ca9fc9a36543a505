#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# A short run of what `make soak` does for long: see soak.c.

load ../lib/helpers

setup() {
	need_namespaces
}

# soak RANGE COUNT THREADS PROCESSES
soak() {
	in_ns "$1" "$build/tests/soak" "$2" "$3" "$4" 2>/dev/null
}

@test "without the library, one of many connects from threads and processes meets itself" {
	run soak 40000-40063 20000 2 2
	[ "$status" -eq 1 ]
	[[ $output =~ :\ [1-9][0-9]*\ self-connected ]]
}

@test "many connects from the threads of a process: all refused, nothing lost, the ports bindable" {
	run shimmed soak 40000-40063 20000 8 1
	[ "$status" -eq 0 ]
	[[ $output =~ \ 0\ reset\ in\ place ]]
}

@test "the same in a range that is not known: all refused, nothing lost, the ports bindable" {
	MOVE_RANGE=yes run shimmed soak 40000-40063 20000 8 1
	[ "$status" -eq 0 ]
	[[ $output =~ \ [1-9][0-9]*\ reset\ in\ place ]]
}

@test "many connects from processes: all refused, nothing lost, the ports bindable" {
	run shimmed soak 40000-40063 20000 1 4
	[ "$status" -eq 0 ]
	[[ $output =~ \ [1-9][0-9]*\ reset\ in\ place ]]
}
