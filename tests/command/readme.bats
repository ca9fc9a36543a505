#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# README.md: what it says to paste.

load ../lib/helpers
bats_require_minimum_version 1.5.0

setup() {
	need_namespaces
	need unshare ip bash
	unshare -rn true 2>/dev/null || cannot "user namespaces are forbidden, as they are in a chroot"
	tree=$BATS_TEST_TMPDIR/tree
	mkdir "$tree"
	ln -s "$top/scripts" "$tree/scripts"
	ln -s "$build" "$tree/build"
	cd "$tree"
}

# block NUMBER: the shell commands in it; without -r if there are no user namespaces, as in a chroot.
block() {
	local unshare='unshare -rn'
	unshare -rn true 2>/dev/null || unshare='unshare -n'
	awk -v wanted="$1" '/^```sh$/ { number++; inside = 1; next } /^```$/ { inside = 0 }
		inside && number == wanted' "$top/README.md" | sed "s/unshare -rn/$unshare/"
}

@test "what is to be pasted first shows a self-connection" {
	run -0 bash -c "$(block 1)"
	[ "$output" = hello ]
}

@test "what is to be pasted then shows that noselfconn prevents it" {
	run -1 bash -c "make() { :; }
		$(block 1) >/dev/null
		$(block 2)"
	[[ $output = *'Connection refused'* && $output != *hello* ]]
}
