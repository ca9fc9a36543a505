#!/bin/sh
# SPDX-License-Identifier: MIT
# abi.sh musl|glibc-2.17|i386|aarch64|armhf|s390x: builds the library for that C library or machine, with
# warnings as errors, and runs the tests of the repair with programs that are built for it too.
# Those of musl and of the oldest glibc run with the library of this machine, because one file is
# for every C library.
# BUILD is where the native library and test programs are; what is built here goes below it.
#
# The foreign machines' compiler is clang: Debian's gcc for them can't be installed beside
# gcc-multilib, which i386 needs. The tests run in such a machine, with a kernel of its own, see
# tests/kernels/check.sh; but those that compile something (hostile/deepbind) run here, under qemu's
# user-mode emulation. So do those of i386 if the kernel does not run its programs. That emulation
# (7.2) passes most calls on to the kernel, but fails getsockopt() of SO_PEERNAME, setsockopt() of
# SO_BUF_LOCK, and both of IP_BIND_ADDRESS_NO_PORT and SO_NETNS_COOKIE, with ENOPROTOOPT, and has
# threads of its own, which show in /proc/self/task: so the library sees a kernel older than Linux
# 4.2.
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=tests/lib/needs.sh
. tests/lib/needs.sh

abi=$1
native=$(cd "${BUILD:-build}" && pwd)
build=$native/$abi
tests='repair/connect repair/arguments repair/fastopen repair/options hostile/deepbind'
programs='client arguments deliberate fastopen options deepbind'
emulator=
library=$build/libnoselfconn.so
goals="all $build/tests/inject.so"
single= # see single.c
compiler= # the need, if not all of cc
options=
guest= # what else runs in a machine of that kind
widths= # of time_t, besides the usual one

case $abi in
musl)
	# It has none of the kernel's headers: they are in the folders of glibc's. Its FD_SET() mixes
	# signs, and its ioctl() takes an int.
	cc="musl-gcc -idirafter /usr/include/$(gcc -print-multiarch) -idirafter /usr/include"
	options='-Wno-sign-conversion -Wno-overflow -Wno-sign-compare'
	tests="$tests repair/epoll repair/outcome repair/shared"
	programs="$programs epoll outcome shared ring"
	library=$native/libnoselfconn.so
	goals=all
	single=$build/tests/single.so:
	;;
glibc-2.17)
	if [ "$(uname -m)" != x86_64 ] || ! tests/lib/setup.sh npm || ! old=$(tests/lib/old-glibc.sh); then
		echo "skipped: there is no glibc 2.17 for this machine"
		exit
	fi
	# pthread_cancel() opens libgcc_s: the one that goes with it has to be there already.
	cc="gcc --sysroot=$old -B$old/usr/lib -L$old/usr/lib -L$old/lib"
	cc="$cc -Wl,--no-as-needed,$old/lib/libgcc_s.so.1"
	cc="$cc -Wl,--dynamic-linker=$old/lib/ld-2.17.so -Wl,-rpath,$old/lib"
	compiler=gcc
	tests="repair/connect repair/arguments repair/fastopen hostile/deepbind repair/epoll
		repair/outcome repair/prevention hostile/absent"
	programs='client arguments deliberate fastopen deepbind epoll outcome prevention threads'
	goals= # its headers are older than what the library is written for
	library=$native/libnoselfconn.so
	single=$build/tests/single.so:
	;;
i386)
	cc='gcc -m32'
	widths=64
	;;
aarch64 | armhf | s390x)
	target=$abi-linux-gnu
	[ "$abi" != armhf ] || target=arm-linux-gnueabihf
	cc="clang --target=$target"
	emulator="qemu-${target%%-*} -L /usr/$target"
	# Wrong addresses make qemu itself fail.
	tests='repair/connect repair/fastopen hostile/deepbind'
	programs='client deliberate fastopen deepbind'
	if [ "$abi" != armhf ]; then
		tests='hostile/deepbind'
		guest='netns arguments client-static options prompt'
	fi
	;;
*)
	echo "usage: abi.sh musl|glibc-2.17|i386|aarch64|armhf|s390x" >&2
	exit 2
	;;
esac
if [ "$abi" = i386 ]; then
	tests/lib/setup.sh i386 bats parallel strace
	if ! runs_i386; then
		emulator=qemu-i386
		tests='repair/connect repair/fastopen hostile/deepbind' # wrong addresses make qemu fail
	fi
else
	tests/lib/setup.sh "${compiler:-${cc%% -idirafter*}}" ${emulator:+"${emulator%% *}"} bats parallel strace
fi

# What the tests are to take for their BUILD: the native netns, the library and the preloads, and
# in place of each program a script that starts it with ABI_PRELOAD preloaded.
wrap() {
	mkdir -p "$build/wrapped/tests"
	ln -sf "$library" "$build/wrapped"
	ln -sf "$native/tests/netns" "$build/tests/inject.so" "$build/wrapped/tests"
	# It knows the system calls of this machine alone.
	[ "$library" = "$build/libnoselfconn.so" ] || ln -sf "$native/tests/lacking" "$build/wrapped/tests"
	for program in $programs; do
		{
			echo '#!/bin/sh'
			# shellcheck disable=SC2016 # for the script that is written
			if [ -n "$emulator" ]; then
				echo "exec $emulator" '-E LD_PRELOAD="$ABI_PRELOAD"' \
					"'$build/tests/$program'" '"$@"'
			else
				echo "LD_PRELOAD=$single"'$ABI_PRELOAD exec' "'$build/tests/$program'" '"$@"'
			fi
		} >"$build/wrapped/tests/$program"
		chmod +x "$build/wrapped/tests/$program"
	done
}

# check [OPTION]: builds all that is needed with that option, and runs the tests.
check() {
	rm -rf "$build"
	# shellcheck disable=SC2046,SC2086 # a list of words
	make -s BUILD="$build" CC="$cc${1:+ $1}" CFLAGS="-O2 -g -Werror $options" \
		$goals "$build/tests/single.so" $(printf "$build/tests/%s " $programs $guest)
	if [ "$library" != "$build/libnoselfconn.so" ]; then
		# For native programs too, which tests start with it: like the library, it names no C
		# library.
		cc -D_GNU_SOURCE -w -O2 -fPIC -shared -nostdlib -fno-stack-protector -U_FORTIFY_SOURCE \
			-o "$build/tests/inject.so" tests/preloads/inject.c
	fi
	wrap
	if [ -n "$emulator" ]; then
		export CI='' EMULATED=yes
	fi
	# shellcheck disable=SC2046,SC2086
	ABI=$abi ABI_CC=$cc BUILD=$build/wrapped tests/lib/run.sh $(printf 'tests/%s.bats ' $tests)
}

check
case $abi in
aarch64 | s390x) BUILD=$build tests/kernels/check.sh "$abi" ;;
esac
tests=repair/fastopen # where structures differ
[ -n "$emulator" ] || tests="$tests repair/options"
for width in $widths; do
	check "-D_TIME_BITS=$width"
done
