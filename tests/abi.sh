#!/bin/sh
# abi.sh musl|i386|aarch64|s390x: builds the library for that C library or machine, with
# warnings as errors, and runs the tests of the repair with a client that is built for it too.
# BUILD is where the native test programs are; what is built here goes below it.
#
# The foreign machines' compiler is clang: Debian's gcc for them can't be installed beside
# gcc-multilib, which i386 needs. Their programs run under qemu's user-mode emulation, which
# passes most calls on to this machine's kernel, but not these (qemu 7.2):
#  - getsockopt() of SO_PEERNAME, setsockopt() of SO_BUF_LOCK, both of
#    IP_BIND_ADDRESS_NO_PORT and SO_NETNS_COOKIE: ENOPROTOOPT;
#  - it has threads of its own, which show in /proc/self/task.
# Because of the latter two the library never reopens a socket there.
set -eu
cd "$(dirname "$0")/.."

abi=$1
native=$(cd "${BUILD:-build}" && pwd)
build=$native/$abi
tests=${TESTS:-tests/connect.bats tests/abi.bats}
emulator=
widths= # of time_t, besides the usual one

case $abi in
musl)
	cc=musl-gcc
	;;
i386)
	cc='gcc -m32'
	widths=64
	;;
aarch64 | s390x)
	cc="clang --target=$abi-linux-gnu"
	emulator="qemu-$abi -L /usr/$abi-linux-gnu"
	;;
*)
	echo "usage: abi.sh musl|i386|aarch64|s390x" >&2
	exit 2
	;;
esac
tests/setup.sh "$cc" ${emulator:+"${emulator%% *}"} bats parallel

# The client that the tests start: it preloads what is in ABI_PRELOAD.
write_wrapper() {
	# shellcheck disable=SC2016 # for the script that is written
	if [ -n "$emulator" ]; then
		echo '#!/bin/sh'
		echo "exec $emulator"' -E LD_PRELOAD="$ABI_PRELOAD"' "'$build/tests/client'" '"$@"'
	else
		echo '#!/bin/sh'
		echo 'LD_PRELOAD=$ABI_PRELOAD exec' "'$build/tests/client'" '"$@"'
	fi >"$build/client"
	chmod +x "$build/client"
}

# build_for [OPTION]: the library and the client, compiled with that option.
build_for() {
	make -s BUILD="$build" CC="$cc${1:+ $1}" CFLAGS='-O2 -g -Werror' \
		all "$build/tests/client" "$build/tests/inject.so" "$build/tests/absent.so"
	write_wrapper
}

run_tests() {
	export BUILD="$build" CLIENT="$build/client" NETNS="$native/tests/netns"
	export PRELOAD=ABI_PRELOAD
	if [ -n "$emulator" ]; then
		export CI='' REOPENED='reset in place'
	fi
	# shellcheck disable=SC2086 # a list of words
	bats --jobs "${JOBS:-$(nproc)}" --print-output-on-failure $tests
}

build_for
run_tests
for width in $widths; do
	rm -rf "$build"
	build_for "-D_TIME_BITS=$width"
	run_tests
done
