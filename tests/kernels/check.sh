#!/bin/bash
# SPDX-License-Identifier: MIT
# check.sh quick|all|aarch64|s390x: runs tests on kernels of Debian's, each in a machine of its own,
# and shows what came of each test as bats does. BUILD is where things were built, for that machine.
# A kernel that can't be had is skipped, with the reason.
set -u
cd "$(dirname "$0")/../.." || exit
here=tests/kernels
export BUILD=${BUILD:-$PWD/build}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP

# A line for each machine: its architecture and kernel, how many processors, and what of guest.sh
# runs there.
machines() {
	case $1 in
	quick)
		echo amd64 5.10 2 quick-two
		echo amd64 5.10 1 quick-one
		;;
	aarch64) echo arm64 6.1 1 foreign ;;
	s390x) echo s390x 6.1 1 foreign ;;
	all) for line in newest 5.10 6.12 6.1; do # what takes longest first
		echo "amd64 $line 2 two"
		echo "amd64 $line 1 one"
	done ;;
	esac
}

# machine ARCHITECTURE LINE PROCESSORS PART: in TAP, what happened there.
machine() {
	export ARCH=$1
	local kernel out name
	out=$(mktemp "$work/out.XXXXXX")
	if ! kernel=$(flock "$work/lock" $here/fetch.sh "$2" 2>"$out"); then
		echo "ok 1 Linux $2 for $1: $4 # skip $(cat "$out")"
		return
	fi
	name="Linux $(ls "$kernel/lib/modules"), $3 processor$([ "$3" = 1 ] || echo s)"
	MODULES="$(sed -n 's/^# modules: //p' $here/guest.sh)" \
		$here/boot.sh "$kernel" "$3" "$work/initramfs" \
		sh "$PWD/$here/guest.sh" "$PWD" "$BUILD" "$4" >"$out" 2>&1 ||
		echo "not ok 1 the machine runs to its end, which it did with status $?" >>"$out"
	sed "s/^\(ok\|not ok\) [0-9]* /&$name: /" "$out"
}

# Builds for i386 what guest.sh runs of it, if the compiler can.
i386() {
	tests/lib/setup.sh 'gcc -m32' >&2 || return
	make -s BUILD="$BUILD/i386" CC='gcc -m32' "$BUILD"/i386/{libnoselfconn.so,tests/{inject.so,client,arguments,deliberate,fastopen}}
}

# What of the machines is missing concerns them all.
cannot() {
	echo "ok 1 tests on other kernels # skip $*"
	exit 0
}

run() {
	case $1 in
	aarch64) ARCH=arm64 needs=qemu-system-aarch64 ;;
	s390x) ARCH=s390x needs=qemu-system-s390x ;;
	*) ARCH=amd64 needs='qemu-system-x86_64 strace ip tc nft ipvsadm setpriv comm ps pgrep unshare' ;;
	esac
	export ARCH
	# shellcheck disable=SC2086 # words
	tests/lib/setup.sh busybox modprobe $needs >&2 || cannot "this machine lacks what they need"
	[ "$1" != all ] || i386
	$here/initramfs.sh "$work/initramfs" || exit
	export -f machine
	export here work
	# With two processors no more than there are here: one that waits for another that does not run
	# takes all its time. Those with one take what is left. Both in one pipeline, because SIGINT
	# does not end what is in the background.
	{
		machines "$1" | grep ' 1 ' | at_once 19 "${JOBS:-$(nproc)}" >&3 |
			{ machines "$1" | grep ' 2 ' | at_once 0 $((${JOBS:-$(nproc)} / 2)); }
	} 3>&1
}

# at_once NICENESS NUMBER: runs so many machines at a time, but at least one.
at_once() {
	# shellcheck disable=SC2016 # that is the other shell's
	nice -n "$1" xargs -r -P "$(($2 > 1 ? $2 : 1))" -L 1 bash -c \
		'machine "$@" >"$work/said.$$"; flock "$work" cat "$work/said.$$"' bash
}

# The tests of all machines, in one series. Not with awk: Debian's, mawk, shows nothing until it has
# read 4 KiB.
numbered() {
	local line n=0
	while IFS= read -r line; do
		[[ ! $line =~ ^(ok|not ok)\ [0-9]+(.*) ]] || line="${BASH_REMATCH[1]} $((++n))${BASH_REMATCH[2]}"
		printf '%s\n' "$line"
	done
}

run "${1:-all}" | numbered | tee "$work/results"
awk -v optional="$([ "${CI-}" = true ] || echo 1)" -f tests/lib/summary.awk "$work/results"
