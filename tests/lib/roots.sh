#!/bin/sh
# SPDX-License-Identifier: MIT
# roots.sh quick|all SUITE...: in root directories of other Debian releases, which have other C
# libraries and compilers, runs
#  - `make check`, and the tests of the compilers, with warnings as errors: what is built there works
#    there; if quick, that is only built, not run;
#  - the tests of the repair, in programs that were built there, with the library that was built
#    here (in BUILD).
# debootstrap makes them. They are kept in ~/.cache/noselfconn/roots: remove one to have it made
# anew. ROOTS_MIRROR is where the packages come from; else it is where apt gets them. Debian's
# mirrors have bullseye (glibc 2.31, gcc 10) as their oldest release. A root that can't be made is
# skipped, with the reason.
set -eu
cd "$(dirname "$0")/../.."

build=${BUILD:-build}
roots=${XDG_CACHE_HOME:-$HOME/.cache}/noselfconn/roots
packages=gcc,libc6-dev,make,bats,parallel,strace,binutils,iproute2,netcat-openbsd,curl,python3
packages=$packages,busybox,mksh,zsh,bash-completion,musl-tools
tests='tests/repair tests/hostile/callers.bats tests/hostile/absent.bats tests/world/preloaded.bats
	tests/world/musl.bats'
export JOBS="${JOBS:-$(nproc)}"

# The first mirror of Debian in apt's settings. Without its lists apt does not know what is what.
mirror() {
	known() {
		# shellcheck disable=SC2016 # for apt-get
		apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' \
			'Label: Debian' 2>/dev/null | grep -m 1 .
	}
	known || { apt-get update -qq >/dev/null 2>&1; known; }
}

# made SUITE: its root is there, or is made.
made() {
	[ ! -d "$roots/$1" ] || return 0
	from=${ROOTS_MIRROR:-$(mirror)} || {
		echo "apt knows of no mirror of Debian"
		return 1
	}
	echo "making $roots/$1: about 700 MB"
	mkdir -p "$roots"
	rm -rf "$roots/$1.new"
	debootstrap --variant=minbase --include=$packages "$1" "$roots/$1.new" "$from" \
		>"$roots/$1.log" 2>&1 || {
		tail -n 1 "$roots/$1.log"
		return 1
	}
	rm -f "$roots/$1.new"/var/cache/apt/archives/*.deb
	mv "$roots/$1.new" "$roots/$1"
}

# in_root SUITE COMMAND...: in the folder of the tree there. With pivot_root, because the kernel
# lets nobody who is in a chroot make a user namespace.
in_root() {
	root=$roots/$1
	shift
	# shellcheck disable=SC2016 # for the shells that are started
	unshare --mount sh -c 'set -e
		cd "$1"
		shift
		mount --make-rprivate /
		mount --rbind . .
		cd "$PWD"
		mount -t proc proc proc
		mount --rbind /dev dev
		pivot_root . mnt
		exec chroot . /usr/bin/env -i PATH="$PATH" HOME=/root LC_ALL=C JOBS="$JOBS" \
			sh -c "umount -l /mnt && cd /noselfconn && exec \"\$@\"" sh "$@"' sh "$root" "$@"
}

# passes SUITE
passes() {
	rm -rf "$roots/$1/noselfconn"
	mkdir "$roots/$1/noselfconn"
	tar -cf - --exclude=./.git --exclude=./build --exclude="./$build" . |
		tar -xf - -C "$roots/$1/noselfconn"
	# shellcheck disable=SC2086 # a list of words
	in_root "$1" make -s $goals CFLAGS='-O2 -g -Werror' \
		TESTS='tests/repair tests/command tests/packaging/compilers.bats'
	built=$?
	echo "the tests of the repair, with the library that was built outside:"
	cp "$build/libnoselfconn.so" "$roots/$1/noselfconn/build" || return
	# shellcheck disable=SC2086 # a list of words
	in_root "$1" tests/lib/run.sh $tests && return $built
}

goals=check
if [ "$1" = quick ]; then
	goals='all test-programs'
fi
shift
if [ "$(id -u)" != 0 ]; then
	echo "roots: skipped: only root can enter a root directory"
	exit
elif ! tests/lib/setup.sh debootstrap unshare; then
	echo "roots: skipped: they can't be made"
	exit
fi
passed='' failed='' skipped=''
for suite; do
	echo "== $suite"
	if ! made "$suite"; then
		skipped="$skipped $suite"
	elif passes "$suite"; then
		passed="$passed $suite"
	else
		failed="$failed $suite"
	fi
done
echo "roots: passed:${passed:- none}; failed:${failed:- none}; skipped:${skipped:- none}"
[ -z "$failed" ]
