# SPDX-License-Identifier: MIT
#
# A pointer that can't be read gives EFAULT, never a crash: see pointers.c.

setup() {
	load ../lib/helpers
	need_namespaces
	pointers=$build/tests/pointers
}

@test "Pointers that can't be read end as in the kernel" {
	run in_ns 1024-60999 "$pointers"
	[ "$output" = "all alike" ]
	run shimmed in_ns 1024-60999 "$pointers"
	[ "$output" = "all alike" ]
}

@test "Pointers that can't be read end as in the kernel in a program with threads, too" {
	run shimmed in_ns 1024-60999 "$pointers" threads
	[ "$output" = "all alike" ]
}

@test "Pointers that can't be read end as in the kernel on a stack of the program's own" {
	run shimmed in_ns 1024-60999 "$pointers" threads stack
	[ "$output" = "all alike" ]
}

@test "Pointers that can't be read end as in the kernel where a send is opened apart" {
	ABSENT='' in_ns true || cannot "calls can't be made to fail by ptrace() here"
	for how in '' threads; do
		ABSENT='0:51' run shimmed in_ns 1024-60999 "$pointers" $how
		[ "$output" = "all alike" ]
	done
}

@test "A preload that reads such a pointer itself is ended" {
	BROKEN=pointer LD_PRELOAD=$build/tests/broken.so run in_ns "$pointers"
	[ "$output" != "all alike" ]
}
