# SPDX-License-Identifier: MIT
#
# A pointer that can't be read gives EFAULT, never a crash: see pointers.c. Before Linux 6.3, for
# which see make check-kernels, a send may be opened apart.

load ../lib/helpers

setup() {
	need_namespaces
	pointers=$build/tests/pointers
}

@test "pointers that can't be read end as in the kernel" {
	run in_ns 1024-60999 "$pointers"
	[ "$output" = "all alike" ]
	run shimmed in_ns 1024-60999 "$pointers"
	[ "$output" = "all alike" ]
}

@test "pointers that can't be read end as in the kernel in a program with threads, too" {
	run shimmed in_ns 1024-60999 "$pointers" threads
	[ "$output" = "all alike" ]
}

@test "pointers that can't be read end as in the kernel on a stack of the program's own" {
	run shimmed in_ns 1024-60999 "$pointers" threads stack
	[ "$output" = "all alike" ]
}

@test "a preload that reads such a pointer itself is ended" {
	BROKEN=pointer LD_PRELOAD=$build/tests/broken.so run in_ns "$pointers"
	[ "$output" != "all alike" ]
}
