# The library as an object file, and how it is built.
# shellcheck disable=SC2030,SC2031 # each test is a subshell of its own

setup() {
	load ../lib/helpers
}

# own_make ARG...: a build of its own, without the variables of the make that runs the tests.
own_make() {
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL -u CC -u CFLAGS -u CPPFLAGS -u LDFLAGS \
		"${environment[@]}" make -C "$top" BUILD="$BATS_TEST_TMPDIR/build" "$@"
}

@test "the library exports what is meant to be interposed, and nothing else" {
	need nm
	run nm -D --defined-only "$library"
	[ "$(awk '{ print $NF }' <<<"$output" | sort)" = "$(printf '%s\n' __connect __sendmmsg64 \
		__sendmsg64 connect dlopen \
		sendmmsg sendmsg sendto | sort)" ]
}

@test "the library needs libc, and libdl at most" {
	need readelf
	run readelf -dW "$library"
	local needed
	needed=$(grep NEEDED <<<"$output")
	[[ $needed = *"[libc."* ]]
	run grep -v -e '\[libc\.' -e '\[libdl\.' <<<"$needed"
	[ -z "$output" ]
}

@test "the library is relocated at load, and read-only from then on" {
	need readelf
	run readelf -lWd "$library"
	[[ $output = *GNU_RELRO* ]]
	[[ $output = *BIND_NOW* || $output = *"Flags: NOW"* ]]
	[[ $output != *TEXTREL* ]]
}

@test "the library does not ask for a stack that can be executed" {
	need readelf
	run readelf -lW "$library"
	[ "$(awk '$1 == "GNU_STACK" { print $7 }' <<<"$output")" = RW ]
}

@test "make needs a C compiler, and builds a library with stack protectors and fortified calls" {
	need nm cc
	# Nothing but what is asked for, and what the compiler is made of.
	mkdir "$BATS_TEST_TMPDIR/bin"
	local program
	for program in cc as ld make sh mkdir; do
		ln -s "$(command -v $program)" "$BATS_TEST_TMPDIR/bin/$program"
	done
	environment=(PATH="$BATS_TEST_TMPDIR/bin")
	own_make

	run nm -D --undefined-only "$BATS_TEST_TMPDIR/build/libnoselfconn.so"
	[[ $output = *__stack_chk_fail* ]]
	[[ $(command -v ldd >/dev/null && ldd --version 2>&1) != *musl* ]] ||
		skip "musl has no fortified calls"
	grep '_chk\(@.*\)\?$' <<<"$output"
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

# honoured: a compilation has CC, CPPFLAGS and CFLAGS, and linking has CC, CFLAGS and LDFLAGS.
honoured() {
	local compile link
	compile=$(grep -- ' -c ' <<<"$output" | grep connect.c)
	link=$(grep -- '-shared' <<<"$output")
	[[ $compile = my-cc\ *-DMINE*-Omine* && $compile != *-Wl,--mine* ]]
	[[ $link = my-cc\ *-Omine*-Wl,--mine* ]]
}

@test "CC, CFLAGS, CPPFLAGS and LDFLAGS are honoured" {
	run own_make -n CC=my-cc CFLAGS=-Omine CPPFLAGS=-DMINE LDFLAGS=-Wl,--mine all
	honoured
}

@test "CC, CFLAGS, CPPFLAGS and LDFLAGS of the environment are honoured" {
	environment=(CC=my-cc CFLAGS=-Omine CPPFLAGS=-DMINE 'LDFLAGS=-Wl,--mine')
	run own_make -n all
	honoured
}
