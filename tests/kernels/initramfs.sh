#!/bin/sh
# SPDX-License-Identifier: MIT
# initramfs.sh FILE: writes an initramfs that has the tests, what they run and what was built, all
# at the same paths as here, with BusyBox for what a system has besides. BUILD is where it was
# built. ARCH is Debian's name of the machine, amd64 unless it is set: if that is not this machine,
# what is in it besides is few static programs. 32-bit programs come along if they were built into
# BUILD/i386.
set -eu
cd "$(dirname "$0")/../.."
top=$(pwd)
build=$(cd "${BUILD:-build}" && pwd)
output=$1

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
trap 'exit 1' INT TERM HUP

# copy FILE...: to the same place, and what a program is linked with.
copy() {
	for file; do
		[ ! -e "$root/$file" ] || continue
		mkdir -p "$root/${file%/*}"
		cp -RL "$file" "$root/$file"
		[ -d "$file" ] || copy_libraries "$file"
	done
}

copy_libraries() {
	for library in $(ldd "$1" 2>/dev/null | grep -o '/[^ ]*'); do
		[ -e "$root/$library" ] || { mkdir -p "$root/${library%/*}" && cp -L "$library" "$root/$library"; }
	done
}

programs_of_this_machine() {
	for program in busybox sh bash strace ip tc nft ipvsadm comm setpriv timeout ps pgrep unshare; do
		path=$(command -v $program)
		copy "$path"
		[ -e "$root/bin/$program" ] || ln -s "$path" "$root/bin/$program"
	done
	copy "$(readlink -f "$(gcc -print-file-name=libgcc_s.so.1)")" # for pthread_exit()
	if [ -d "$build/i386" ]; then
		copy "$build/i386"
		copy /lib/ld-linux.so.2 /lib32/libc.so.6 /lib32/libdl.so.2 /lib32/libpthread.so.0
	fi
}

# programs_of MACHINE: BusyBox and bash from their packages, and the C library of its compiler.
programs_of() {
	programs=$(tests/kernels/fetch.sh programs)
	cp "$programs/busybox" "$root/bin/busybox"
	cp "$programs/bash-static" "$root/bin/bash"
	mkdir "$root/lib"
	for library in /usr/"$1"-linux-gnu/lib/ld*.so.? \
		/usr/"$1"-linux-gnu/lib/lib[cdgp]*.so.[0126]; do
		cp -L "$library" "$root/lib"
	done
}

mkdir -p "$root/usr/bin" "$root/usr/sbin" "$root/etc" "$root/root" "$root/tmp"
ln -s usr/bin "$root/bin"
ln -s usr/sbin "$root/sbin"
echo 'root:x:0:0:root:/root:/bin/sh
nobody:x:65534:65534:nobody:/:/bin/sh' >"$root/etc/passwd"
echo '127.0.0.1 localhost' >"$root/etc/hosts"

case ${ARCH:-amd64} in
arm64) programs_of aarch64 ;;
s390x) programs_of s390x ;;
*) programs_of_this_machine ;;
esac
copy "$top/tests" "$top/scripts" "$top/shim" "$top/man"
for program in "$build"/*.so "$build"/start "$build"/supervise "$build"/tests/*; do
	[ ! -f "$program" ] || copy "$program"
done
# Most tests start it, and often.
[ ! -e "$build/tests/netns-static" ] || mv "$root/$build/tests/netns-static" "$root/$build/tests/netns"

(cd "$root" && find . | busybox cpio -o -H newc 2>/dev/null) >"$output"
