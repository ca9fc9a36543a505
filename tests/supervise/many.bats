# SPDX-License-Identifier: MIT
# Many connects to closed ports.
# shellcheck disable=SC2086,SC2154 # words are a list; run sets output

setup() {
	load ../lib/helpers
	load supervised
	need_supervisor
}

@test "200,000 connects in the ordinary range: none is a self-connection" {
	run in_ns 40000-40063 "$build/tests/soak" 2000 4 2
	[[ $output =~ :\ [1-9][0-9]*\ self-connected ]]
	run in_ns 40000-40063 $supervise "$build/tests/soak" 20000 4 2
	[[ $output =~ :\ 0\ self-connected ]]
	run in_ns 32768-60999 $supervise "$build/tests/soak" 200000 4 2
	[[ $output =~ :\ 0\ self-connected ]]
}
