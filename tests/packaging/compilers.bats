# SPDX-License-Identifier: MIT
# The library, whatever compiler makes it.

setup() {
	load ../lib/helpers
}

@test "make needs nothing but a C compiler, and says where the library is" {
	need cc
	# Nothing but what is asked for, and what the compiler is made of.
	mkdir "$BATS_TEST_TMPDIR/bin"
	local program
	for program in cc as ld make sh mkdir; do
		ln -s "$(command -v $program)" "$BATS_TEST_TMPDIR/bin/$program"
	done
	environment=(PATH="$BATS_TEST_TMPDIR/bin")
	run own_make
	[[ $output = *"$BATS_TEST_TMPDIR/build/libnoselfconn.so: for LD_PRELOAD"* ]]
	[ -f "$BATS_TEST_TMPDIR/build/libnoselfconn.so" ]
}

@test "the library is built with gcc, and there is no warning" {
	need gcc
	own_make CC=gcc CFLAGS='-O2 -Werror'
	[ -f "$BATS_TEST_TMPDIR/build/libnoselfconn.so" ]
}

@test "the library is built with clang, and there is no warning" {
	need clang
	own_make CC=clang CFLAGS='-O2 -Werror'
	[ -f "$BATS_TEST_TMPDIR/build/libnoselfconn.so" ]
}

# undefined LIBRARY: what it takes from others, as shim/symbols lists it.
undefined() {
	nm -D --undefined-only "$1" | sed -e 's/^ *U //' -e 's/^ *[wv] /weak /' | sort
}

# stub NAME...: a library of those alone, for the linker to look for symbols in.
stub() {
	printf 'void %s(void);\n' "$@"
	printf 'void %s(void) {}\n' "$@"
}

# linked CC CFLAGS STUB: the library, compiled so, can be linked if only those symbols are there.
linked() {
	"$1" -w -x c -ffreestanding -fPIC -shared -nostdlib -o "$BATS_TEST_TMPDIR/stub.so" - <<<"$3"
	rm -rf "$BATS_TEST_TMPDIR/build"
	own_make CC="$1" CFLAGS="$2" LDFLAGS="-nostdlib -Wl,-z,defs,--no-as-needed $BATS_TEST_TMPDIR/stub.so" \
		"$BATS_TEST_TMPDIR/build/libnoselfconn.so"
}

# What a compiler may bring in: memcpy() for a structure, stack checks, 64-bit division.
taken_by() {
	local flags names
	mapfile -t names < <(sed '/^#/d; s/^weak //' "$top/shim/symbols")
	for flags in -O0 -O2 -Os -O3 '-O2 -flto' '-O2 -fstack-protector-all -D_FORTIFY_SOURCE=2'; do
		linked "$1" "$flags" "$(stub "${names[@]}")"
		diff <(undefined "$BATS_TEST_TMPDIR/build/libnoselfconn.so") \
			<(grep -v '^#' "$top/shim/symbols" | sort)
	done
}

@test "however gcc compiles it, the library takes nothing more" {
	need nm gcc
	taken_by gcc
}

@test "however clang compiles it, the library takes nothing more" {
	need nm clang
	taken_by clang
}

@test "the library can't be linked if one of those symbols is missing" {
	need cc
	local names
	mapfile -t names < <(sed '/^#/d; s/^weak //; /^poll$/d' "$top/shim/symbols")
	run linked cc -O2 "$(stub "${names[@]}")"
	[ "$status" != 0 ]
	[[ $output = *"undefined reference to"*poll* ]]
}
