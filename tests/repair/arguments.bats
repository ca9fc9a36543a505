# SPDX-License-Identifier: MIT
# What a program passes to connect(), right or wrong, has the outcome that it has without the library.

load ../lib/helpers

setup() {
	need_namespaces
}

@test "every wrong argument has the same result, errno and effect as without the library" {
	# No destination is in this range, so that no connection is one to itself.
	run in_ns 41000-42000 "$build/tests/arguments"
	[ "$status" = 0 ]
	[ "${#lines[@]}" -gt 1000 ]
	local without=$output
	run shimmed in_ns 41000-42000 "$build/tests/arguments"
	diff <(echo "$without") <(echo "$output") >&2
	not_repaired
}

@test "an address that the kernel accepts, whatever its shape, is not connected to itself" {
	run in_ns "$build/tests/arguments" itself
	[ "${#lines[@]}" -gt 4 ]
	[ "$(grep -c ': connected$' <<<"$output")" = "${#lines[@]}" ]
	local attempts=${#lines[@]}
	run shimmed in_ns "$build/tests/arguments" itself
	[ "$(grep -c ': Connection refused$' <<<"$output")" = "$attempts" ]
	[ "$(grep -c ": reset in place: " "$BATS_TEST_TMPDIR/log")" = "$attempts" ]
}
