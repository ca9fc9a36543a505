# SPDX-License-Identifier: MIT
# The library as an object file, and how it is built.
# shellcheck disable=SC2030,SC2031 # each test is a subshell of its own

setup() {
	load ../lib/helpers
}

@test "the library exports what is meant to be interposed, and nothing else" {
	need nm
	run nm -D --defined-only "$library"
	[ "$(awk '{ print $NF }' <<<"$output" | sort)" = "$(printf '%s\n' __connect __sendmmsg64 \
		__sendmsg64 connect dlopen \
		sendmmsg sendmsg sendto | sort)" ]
}

@test "the library names no other library, and no version of a symbol" {
	need readelf
	run readelf -dVW "$library"
	[ "$status" = 0 ]
	[[ $output != *NEEDED* && $output != *"Version needs"* ]]
	# Nothing links to it, so its own name has no version.
	[[ $output = *'soname: [libnoselfconn.so]'* ]]
}

# undefined LIBRARY: what it takes from others, as shim/symbols lists it.
undefined() {
	nm -D --undefined-only "$1" | sed -e 's/^ *U //' -e 's/^ *[wv] /weak /' | sort
}

@test "the library takes what shim/symbols lists from the C library, and nothing else" {
	need nm
	# On machines for which there are no system calls of our own, syscall(2), too.
	diff <(undefined "$library" | grep -vx syscall) <(grep -v '^#' "$top/shim/symbols" | sort)
}

@test "the library is relocated at load, and read-only from then on" {
	need readelf
	run readelf -lWd "$library"
	[[ $output = *GNU_RELRO* ]]
	[[ $output = *BIND_NOW* || $output = *"Flags: NOW"* ]]
	[[ $output != *TEXTREL* ]]
}

@test "the library is compiled for control-flow integrity and against stack clashes" {
	need readelf
	run readelf -nW "$library"
	case $(uname -m) in
	x86_64) [[ $output = *IBT*SHSTK* ]] ;;
	aarch64) [[ $output = *BTI*PAC* ]] ;;
	esac
	run own_make -n
	[[ $output = *-fstack-clash-protection* ]] || machine_cannot "the compiler has no such option"
}

# Oldest machines don't have its instructions.
@test "on i386 the library is compiled without control-flow integrity" {
	need "gcc -m32"
	run own_make -n CC='gcc -m32'
	[[ $output = *'-c -o'* && $output != *-fcf-protection* ]]
}

@test "the library has one page for its data" {
	need readelf
	local load relro
	# Where the last segment ends, and what of it is read-only after relocation.
	load=$(readelf -lW "$library" | awk '$1 == "LOAD" { at = $3 "+" $6 } END { print at }')
	relro=$(readelf -lW "$library" | awk '$1 == "GNU_RELRO" { print $3 "+" $6 }')
	((load > relro && load - relro <= 4096))
}

@test "the library does not ask for a stack that can be executed" {
	need readelf
	run readelf -lW "$library"
	[ "$(awk '$1 == "GNU_STACK" { print $7 }' <<<"$output")" = RW ]
}

# costs PRELOAD: the relocations, system calls and pages (the fewest of 20 runs) of the start of a
# program with it.
costs() {
	[ -z "$(LD_PRELOAD="$1" env 2>&1 >/dev/null)" ] # else the loader has not found it
	relocations=$(readelf -rW "$1" | grep -c ' R_')
	calls=$(strace -E LD_PRELOAD="$1" true 2>&1 | wc -l)
	pages=$(LD_PRELOAD="$1" python3 -c 'if True:
		import os
		def pages():
			process = os.posix_spawnp("true", ["true"], os.environ)
			return os.wait4(process, 0)[2].ru_minflt
		print(min(pages() for _ in range(20)))')
	echo "$1: $relocations relocations, $calls system calls, $pages pages"
}

@test "a program starts as fast as with a preload that forwards one function" {
	need cc readelf strace python3
	cc -w -O2 -fPIC -shared -o "$BATS_TEST_TMPDIR/forward.so" -x c - -ldl <<-'EOF'
		#include <sys/socket.h>
		void *dlsym(void *, const char *);
		static int (*next)(int, const struct sockaddr *, socklen_t);
		__attribute__((constructor)) static void find(void) { next = dlsym((void *)-1L, "connect"); }
		int connect(int fd, const struct sockaddr *addr, socklen_t len) { return next(fd, addr, len); }
	EOF
	costs "$BATS_TEST_TMPDIR/forward.so"
	local most_relocations=$((relocations + 5)) most_calls=$calls most_pages=$((pages + 1))
	costs "$library"
	[ "$relocations" -le "$most_relocations" ]
	[ "$calls" -le "$most_calls" ]
	[ "$pages" -le "$most_pages" ]
}

# first_version SYMBOL: of glibc, that has it: it has one for each time that it changed.
first_version() {
	objdump -T "$libc" | awk -v name="$1" '$NF == name { print $(NF - 1) }' |
		sed -n 's/[()]//g; s/^GLIBC_\([0-9.]*\)$/\1/p' | sort -V | head -n 1
}

@test "glibc has had since 2.17 what must not be missing" {
	need objdump
	local libc symbol first
	libc=$(ldd "$client" | sed -n 's/.*libc\.so\.6 => \([^ ]*\).*/\1/p')
	[ -n "$libc" ] || machine_cannot "the C library is not glibc"
	# Or since there has been one for this machine, which connect() tells.
	first=$(printf '%s\n' 2.17 "$(first_version connect)" | sort -V | tail -n 1)
	for symbol in $(grep -v -e '^#' -e '^weak ' "$top/shim/symbols"); do
		echo "$symbol: $(first_version "$symbol")"
		[ -n "$(first_version "$symbol")" ]
		printf '%s\n' "$(first_version "$symbol")" "$first" | sort -VC
	done
	[ -n "$symbol" ]
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
