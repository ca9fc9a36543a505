# SPDX-License-Identifier: MIT
# Random sequences of socket calls, with connect() made by the kernel alone and through the
# library: see differ.c. The long run of the same is `make fuzz`.
load ../lib/helpers

differ=$build/tests/differ

setup() {
	need_namespaces
}

# found DEFECT [threads]: with it, the sequences differ.
found() {
	local preload=$build/tests/broken.so${library:+:$library}
	BROKEN=$1 LD_PRELOAD=$preload run "$differ" 1 2000 "${@:2}"
	[ "$status" -eq 1 ]
	[[ $output == "sequence "*" differs; to run it again: differ "* ]]
}

@test "random sequences show the same through the library as without it" {
	shimmed "$differ" 1 4000 >"$BATS_TEST_TMPDIR/out"
	grep -E '^4000 sequences, .* repairs: [1-9][0-9]* reset in place' \
		"$BATS_TEST_TMPDIR/out"
}

@test "random sequences show the same in a program with two threads, and none sees a self-connection" {
	shimmed "$differ" 1 2000 threads >"$BATS_TEST_TMPDIR/out"
	grep '^2000 sequences, .* repairs: 0 reset in place' "$BATS_TEST_TMPDIR/out"
}

@test "without the library, the same sequences do differ: self-connections" {
	run "$differ" 1 4000
	[ "$status" -eq 1 ]
	grep -E 'here: .* local ([^ ]*):E[^ ]* peer \1:4000[0-9]' <<<"$output"
}

@test "a sequence that differs is shortened to the steps that matter" {
	run "$differ" 1 4000
	[ "$status" -eq 1 ]
	[ "$(grep -c '^ *[0-9]*\. ' <<<"$output")" -le 15 ]
}

@test "a sequence that differs can be run again by its number" {
	run "$differ" 1 4000
	number=$(sed -n 's/.*to run it again: differ //p;q' <<<"$output")
	run "$differ" "$number"
	[ "$status" -eq 1 ]
	[[ $output == "sequence $number differs"* ]]
}

@test "a preload that touches errno on success is found" {
	found errno
}

@test "a preload that reads the address before the kernel does is found" {
	found pointer
}

@test "a preload that reads a message before the kernel does is found" {
	found message
}

@test "a preload that takes a pending error is found" {
	found outcome
}

@test "a preload that changes a socket option is found" {
	found option
}

@test "a preload that changes the file status flags is found" {
	found flags
}

@test "a preload that leaks a descriptor is found" {
	found leak
}

@test "a preload with which another thread sees a self-connection is found" {
	found late threads
	[[ $output == *"seen connected to itself"* ]]
}
