#!/bin/sh
# SPDX-License-Identifier: MIT
# initramfs.sh FILE: writes an initramfs that has the tests, what they run and what was built, all
# at the same paths as here, with BusyBox for what a system has besides. BUILD is where it was
# built. 32-bit programs come along if they were built into BUILD/i386.
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

mkdir -p "$root/usr/bin" "$root/usr/sbin" "$root/etc" "$root/root" "$root/tmp"
ln -s usr/bin "$root/bin"
ln -s usr/sbin "$root/sbin"
copy "$(command -v busybox)"
[ -e "$root/bin/busybox" ] || ln -s "$(command -v busybox)" "$root/bin/busybox"
for applet in $(busybox --list); do
	[ "$applet" = busybox ] || ln -s busybox "$root/bin/$applet"
done
echo 'root:x:0:0:root:/root:/bin/sh
nobody:x:65534:65534:nobody:/:/bin/sh' >"$root/etc/passwd"
echo '127.0.0.1 localhost' >"$root/etc/hosts"

# BusyBox's shell would prefer its own programs to those of the PATH.
for program in sh bash bats strace ip nft comm setpriv; do
	path=$(command -v $program)
	rm -f "$root/bin/$program"
	copy "$path"
done
for part in /usr/lib/bats-core /usr/libexec/bats-core /usr/lib/bats; do
	[ ! -d $part ] || copy $part
done

copy "$top/tests" "$top/scripts" "$top/shim"
for program in "$build"/*.so "$build"/start "$build"/supervise "$build"/tests/*; do
	[ ! -f "$program" ] || copy "$program"
done
if [ -d "$build/i386" ]; then
	copy "$build/i386"
	copy /lib/ld-linux.so.2 /lib32/libc.so.6 /lib32/libdl.so.2 /lib32/libpthread.so.0
fi

(cd "$root" && find . | busybox cpio -o -H newc 2>/dev/null) >"$output"
