#!/usr/bin/env bats
# A short run of what `make soak` does for long: see tests/soak.c.

setup() {
	load helpers
	need_namespaces
}

soak() {
	NOSELFCONN_LOG=$BATS_TEST_TMPDIR/log in_ns "$1" "$build/tests/soak" "$2" 1 \
		"$BATS_TEST_TMPDIR/log" 2>/dev/null
}

@test "without the library, one of many connects from threads and processes meets itself" {
	run soak 40000-40099 100000
	[ "$status" = 1 ]
	[[ $output == *" connected to itself;"* ]]
}

@test "many connects from threads and processes: all refused, nothing lost, the ports bindable" {
	LD_PRELOAD=$library run soak 40000-40099 100000
	said "not refused: 0 (0 connected to itself; the last: Success)"
	said "ports not bindable after a repair: 0" "descriptors lost: 0"
	[ "$status" = 0 ]
	# Both ways of repair, often.
	[[ $output =~ repairs:\ ([0-9]+)\ reopened,\ ([0-9]+)\ reset ]]
	((BASH_REMATCH[1] > 10 && BASH_REMATCH[2] > 10))
}
