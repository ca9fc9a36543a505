# SPDX-License-Identifier: MIT
# Many connects.
# shellcheck disable=SC2086,SC2154 # words are a list; run sets output

load ../lib/helpers

setup() {
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

# waits: two thousand threads wait for a server, and another one is served: what it says is $1.
waits() {
	local words=$1
	shift
	run in_ns timeout -s KILL 60 "$@" "$build/tests/waiting" 2000
	[ "$output" = "$(printf 'waiting: 2000\n%s\nits parent: 0 more descriptors, little memory' "$words")" ]
	[ "$status" = 0 ]
	! pgrep -f "[s]upervise quiet $build/tests/waiting"
}

@test "while two thousand connects wait, another one is served, and nothing is held for them" {
	need pgrep
	waits "self-connected: 1"
	waits "refused: 1" $supervise
}
