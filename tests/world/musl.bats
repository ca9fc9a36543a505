# SPDX-License-Identifier: MIT
# One build of the library is for every C library: that of this machine is loaded by programs of
# musl too, and works there. (tests/lib/abi.sh musl runs the tests of the repair in such programs.)

setup() {
	load ../lib/helpers
	need_namespaces
	need musl-gcc
	musl_client=$BATS_TEST_TMPDIR/client
	musl-gcc -std=gnu11 -D_GNU_SOURCE -I "$top/tests/lib" -o "$musl_client" "$top/tests/lib/client.c"
}

connects=(tcp4 connect 127.0.0.1 40000 names)

self_connected() {
	said "connect: ok" "local: 127.0.0.1 40000" "peer: 127.0.0.1 40000"
}

refused() {
	said "connect: ECONNREFUSED"
	said "peer: ENOTCONN"
}

@test "a program of musl is refused in a system that has no other C library" {
	local root=$BATS_TEST_TMPDIR/root
	mkdir -p "$root/lib" "$root$BATS_TEST_TMPDIR" "$root${library%/*}"
	cp -L /lib/ld-musl-*.so.1 "$root/lib" # which is the C library, too
	cp "$musl_client" "$root$BATS_TEST_TMPDIR"
	cp "$library" "$root$library"
	run in_ns chroot "$root" "$musl_client" "${connects[@]}"
	self_connected
	run shimmed in_ns chroot "$root" "$musl_client" "${connects[@]}"
	refused
}

@test "one LD_PRELOAD serves programs of glibc and of musl" {
	# shellcheck disable=SC2016 # for the shell that is started
	local both='client=$1 musl_client=$2; shift 2; "$client" "$@" && "$musl_client" "$@"'
	run in_ns sh -c "$both" sh "$client" "$musl_client" "${connects[@]}"
	[ "$(grep -c '^connect: ok' <<<"$output")" = 1 ]
	self_connected
	run shimmed in_ns sh -c "$both" sh "$client" "$musl_client" "${connects[@]}"
	[ "$(grep -c '^connect: ECONNREFUSED' <<<"$output")" = 2 ]
}

# musl-gcc has none of the kernel's headers: the system's are in the folders of glibc's.
@test "a library that was built with musl is for programs of glibc, too" {
	local headers="-idirafter /usr/include -idirafter /usr/include/$(cc -print-multiarch)"
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL -u CFLAGS -u CPPFLAGS -u LDFLAGS \
		make -s -C "$top" BUILD="$BATS_TEST_TMPDIR/build" CC=musl-gcc CPPFLAGS="$headers" \
		"$BATS_TEST_TMPDIR/build/libnoselfconn.so"
	library=$BATS_TEST_TMPDIR/build/libnoselfconn.so
	run in_ns "$client" "${connects[@]}"
	self_connected
	run shimmed in_ns "$client" "${connects[@]}"
	refused
}

# On a machine of 32 bits musl's time_t is wider than a long, and with it its names for options.
@test "a library that was built with musl on such a machine uses the options that every kernel has" {
	local headers="-idirafter /usr/include -idirafter /usr/include/$(cc -print-multiarch)" file
	file=$(musl-gcc -M -xc - <<<'#include <sys/socket.h>' | grep -o '/[^ ]*/sys/socket.h')
	mkdir "$BATS_TEST_TMPDIR/sys"
	sed 's/__LONG_MAX == 0x7fffffff/1/' "$file" >"$BATS_TEST_TMPDIR/sys/socket.h"
	# shellcheck disable=SC2086
	musl-gcc -fsyntax-only -I "$BATS_TEST_TMPDIR" -I "$top/shim" $headers -xc - <<-'end'
		#include "base/kernel.h"
		_Static_assert(SO_SNDTIMEO == 67 && SO_TIMESTAMPING == 65, "those of musl");
		_Static_assert(SEND_TIMEOUT == 21 && TIMESTAMPING == 37, "those of every kernel");
	end
}
