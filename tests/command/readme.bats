#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# README.md: what it says to paste.

load ../lib/helpers
bats_require_minimum_version 1.5.0

setup() {
	need_namespaces
	need unshare ip bash
	in_ns unshare -rn true 2>/dev/null || cannot "user namespaces are forbidden"
	tree=$BATS_TEST_TMPDIR/tree
	mkdir "$tree"
	ln -s "$top/scripts" "$tree/scripts"
	ln -s "$build" "$tree/build"
	cd "$tree"
}

# block NUMBER: the shell commands in it.
block() {
	awk -v wanted="$1" '/^```sh$/ { number++; inside = 1; next } /^```$/ { inside = 0 }
		inside && number == wanted' "$top/README.md"
}

@test "what is to be pasted first shows a self-connection" {
	run -0 in_ns bash -c "$(block 1)"
	[ "$output" = hello ]
}

@test "what is to be pasted then shows that noselfconn prevents it" {
	run -1 in_ns bash -c "make() { :; }
		$(block 1) >/dev/null
		$(block 2)"
	[[ $output = *'Connection refused'* && $output != *hello* ]]
}
