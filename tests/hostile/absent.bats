# SPDX-License-Identifier: MIT
# What shim/symbols calls weak may be absent from the program's C library, and nothing else
# changes. Before glibc 2.34, dlsym() is absent from programs without libdl.

load ../lib/helpers

setup() {
	need_namespaces
	mapfile -t weak < <(sed -n 's/^weak //p' "$top/shim/symbols")
}

# refused: a program that connects to itself without the library, doesn't with it.
refused() {
	run in_ns "$client" tcp4 connect 127.0.0.1 40000 names
	said "connect: ok" "local: 127.0.0.1 40000" "peer: 127.0.0.1 40000"
	run shimmed in_ns "$client" tcp4 connect 127.0.0.1 40000 names
	said "connect: ECONNREFUSED"
	said "peer: ENOTCONN"
}

@test "any one of them may be absent" {
	need nm
	local symbol of_all=$library
	[ "${#weak[@]}" -gt 1 ]
	for symbol in "${weak[@]}"; do
		library=$of_all
		nm -D "$library" | grep " w $symbol$"
		c_library_without "$symbol"
		nm -D "$library" | grep " w ${symbol%?}-$"
		refused
	done
}

@test "all of them may be absent" {
	c_library_without "${weak[@]}"
	refused
}

@test "without dlsym(), a self-connection is repaired as otherwise" {
	c_library_without dlsym
	refused
	repaired "reset in place"
}

# cancelled CALL [PROGRAM]: a thread that waits in it can be cancelled, without the library and with
# it.
cancelled() {
	local words=(timeout 20 "${2:-$build/tests/threads}" cancel-waiting "$1")
	run in_ns 40000-40255 "${words[@]}"
	[ "$output" = cancelled ]
	run shimmed in_ns 40000-40255 "${words[@]}"
	[ "$output" = cancelled ]
}

@test "without dlsym(), a thread can be cancelled while it waits in connect()" {
	c_library_without dlsym
	cancelled connect
}

@test "without dlsym(), a thread can be cancelled while it waits in a send" {
	c_library_without dlsym
	cancelled sendto
	cancelled sendmsg
	cancelled sendmmsg
}

@test "with dlsym(), a thread can be cancelled while it waits" {
	cancelled connect
	cancelled sendto
	cancelled sendmsg
	cancelled sendmmsg
}

# Before glibc 2.34. They are started as they are: single.so would bring libdl.
@test "the same for programs of a C library whose dlsym() is in libdl, and without libdl" {
	need cc ldd nm
	local program libraries libc
	ABI='' single=''
	for program in client threads; do
		# shellcheck disable=SC2086 # words
		${ABI_CC:-cc} -std=gnu11 -D_GNU_SOURCE -w -I "$top/tests/lib" -pthread -Wl,--as-needed \
			-o "$BATS_TEST_TMPDIR/$program" "$top"/tests/*/$program.c
	done
	client=$BATS_TEST_TMPDIR/client
	libraries=$(ldd "$client")
	libc=$(sed -n 's/.*libc\.so\.6 => \([^ ]*\).*/\1/p' <<<"$libraries")
	[ -n "$libc" ] || machine_cannot "the C library is not glibc"
	! nm -D "$libc" | grep -q ' dlsym' || machine_cannot "the C library has dlsym() itself"
	[[ $libraries != *libdl* ]]
	refused
	cancelled connect "$BATS_TEST_TMPDIR/threads"
	cancelled sendmsg "$BATS_TEST_TMPDIR/threads"
}
