#!/bin/bash
# SPDX-License-Identifier: MIT
# check.sh quick|all: runs tests on kernels of Debian's, each in a machine of its own, and shows
# what came of each test as bats does. BUILD is where things were built. A kernel that can't be had
# is skipped, with the reason.
set -u
cd "$(dirname "$0")/../.." || exit
here=tests/kernels
export BUILD=${BUILD:-$PWD/build}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP

# A line for each machine: its kernel, how many processors, and what of guest.sh runs there.
machines() {
	if [ "$1" = quick ]; then
		echo 5.10 1 ways
		return
	fi
	for line in 5.10 6.1 6.12 newest; do
		echo "$line 1 repair"
		echo "$line 2 threads"
		echo "$line 2 supervised"
		echo "$line 1 i386"
	done
}

# machine LINE PROCESSORS PART: in TAP, what happened there.
machine() {
	local kernel name out version
	out=$(mktemp "$work/out.XXXXXX")
	name="Linux $1, $2 processor$([ "$2" = 1 ] || echo s)"
	if ! kernel=$(flock "$work/$1.lock" $here/fetch.sh "$1" 2>"$out"); then
		echo "ok 1 $name: $3 # skip $(cat "$out")"
		return
	fi
	version=$(ls "$kernel/lib/modules")
	name="Linux ${version%-cloud-*}, ${name#*, }, $3"
	BOOT_LOG=$out.log MODULES="$(sed -n 's/^# modules: //p' $here/guest.sh)" \
		$here/boot.sh "$kernel" "$2" "$work/initramfs" \
		sh "$PWD/$here/guest.sh" "$PWD" "$BUILD" "$3" >"$out" 2>&1 ||
		echo "not ok 1 the machine runs to its end, which it did with status $?" |
			cat - <(tail -n 20 "$out.log" | sed 's/^/# /') >>"$out"
	sed "s/^\(ok\|not ok\) [0-9]* /&$name: /" "$out"
}

# Builds for i386 what guest.sh runs of it, if the compiler can.
i386() {
	tests/lib/setup.sh 'gcc -m32' >&2 || return
	make -s BUILD="$BUILD/i386" CC='gcc -m32' "$BUILD"/i386/{libnoselfconn.so,tests/{inject.so,client,arguments,fastopen}}
}

# What of the machines is missing concerns them all.
cannot() {
	echo "ok 1 tests on other kernels # skip $*"
	exit 0
}

run() {
	tests/lib/setup.sh qemu-system-x86_64 busybox modprobe bats strace ip nft setpriv comm >&2 ||
		cannot "this machine lacks what they need"
	[ "$1" = quick ] || i386
	$here/initramfs.sh "$work/initramfs" || exit
	export -f machine
	export here work
	# shellcheck disable=SC2016 # that is the other shell's
	machines "$1" | xargs -P "${JOBS:-$(nproc)}" -L 1 bash -c \
		'machine "$@" >"$work/said.$$"; flock "$work" cat "$work/said.$$"' bash
}

run "${1:-all}" | awk '/^(not )?ok / { sub(/ok [0-9]+/, "ok " ++n) } { print; fflush() }' |
	awk -f tests/lib/summary.awk
