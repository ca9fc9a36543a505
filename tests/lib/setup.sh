#!/bin/sh
# SPDX-License-Identifier: MIT
# setup.sh NEED|TESTS...: makes sure that all these are there (see needs.sh), and whatever the
# tests need; TESTS is a .bats file or a folder of them, in which lines such as "need curl nginx"
# say so, or "other libx.so" where other preloads are about. What is missing comes from the
# distribution's packages, if we are root and there is apt-get; else it is named, and the exit status
# is 1. What is large is not installed for tests, unless ALL=1 asks for it: the tests that need it are
# skipped.
set -eu
# shellcheck source=tests/lib/needs.sh
. "${0%/*}/needs.sh"

# say TEXT: on a terminal's width.
say() {
	echo "$1" | fold -s -w 80 >&2
}

# needs_of TESTS: as words of the shell.
needs_of() {
	grep -rhE --include='*.bats' '^[[:space:]]*(need [^"$]*|other [^"$ ]*\.so[^"$ ]*)$' "$1" |
		sed 's/^[[:space:]]*[a-z]* //'
}

# add NEED...: to the missing, if it is.
add() {
	for need; do
		if ! is_there "$need"; then
			missing="$missing $need"
			packages="$packages $(packages_of "$need")"
		fi
	done
}

# add_wanted NEED...: the same, less what is large.
add_wanted() {
	for wanted; do
		case $wanted in
		catatonit | clang | gdb | go | java | javac | mariadb | npm:* | podman* | qemu-* | rustc) [ "${ALL-}" != 1 ] || add "$wanted" ;;
		i386) [ "$(uname -m)" != x86_64 ] || add i386 ;;
		*) add "$wanted" ;;
		esac
	done
}

look() {
	missing='' packages=''
	for word; do
		case $word in
		*.bats | tests | tests/*) eval "add_wanted $(needs_of "$word" | tr '\n' ' ')" ;;
		*) add "$word" ;;
		esac
	done
}

# known PACKAGE...: those of them that the distribution has.
known() {
	apt-cache policy "$@" | sed -n 's/^\([^ ]*\):$/\1/; t name; /Candidate: [^(]/{g;p}; b; :name; h'
}

# How much it is: three lines of apt-get's.
sizes() {
	LC_ALL=C apt-get install --assume-no --no-install-recommends "$@" 2>/dev/null |
		grep -E '^([0-9]+ upgraded|Need to get|After this operation)' || :
}

# fetch PACKAGE...: on a terminal, with all that apt-get has to say; in a log, some lines of it show
# where it is.
fetch() {
	set -- install -y --no-install-recommends -o DPkg::Lock::Timeout=300 "$@"
	if [ -t 2 ]; then
		apt-get "$@"
	else
		{ apt-get -q -o Dpkg::Use-Pty=0 "$@" || echo failed; } | (
			n=0
			while read -r line; do
				case $line in
				Get:* | 'Unpacking '* | 'Setting up '*) n=$((n + 1)) && [ $((n % 20)) != 0 ] || echo "$line" >&2 ;;
				failed) exit 1 ;;
				esac
			done
		)
	fi
}

# install PACKAGE...: without their services, because the tests run their own.
install() {
	export DEBIAN_FRONTEND=noninteractive
	policy=/usr/sbin/policy-rc.d
	if [ ! -e $policy ]; then
		trap 'rm -f $policy' EXIT
		trap 'exit 1' INT TERM
		printf '#!/bin/sh\nexit 101\n' >$policy
		chmod +x $policy
	fi
	there=$(known "$@")
	if [ "$(echo "$there" | wc -l)" -lt $# ]; then
		apt-get update -qq >/dev/null
		there=$(known "$@")
	fi
	# shellcheck disable=SC2046 # a list of words
	set -- $(echo "$there" | sort -u)
	[ $# -gt 0 ] || return 0
	say "installing: $*"
	sizes "$@" >&2
	fetch "$@" || { apt-get update -qq && fetch "$@"; }
}

# install_npm NEED...: those of them that are packages of npm.
install_npm() {
	for need; do
		case $need in npm:*) "${0%/*}/npm.sh" "${need#npm:}" || : ;; esac
	done
}

look "$@"
[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
	say "missing:$missing (Debian packages:$packages)"
	exit 1
fi
# shellcheck disable=SC2086 # a list of words
install $packages
look "$@" # i386 takes two steps: whether the kernel runs it shows when the compiler is there
# shellcheck disable=SC2086
[ -z "$missing" ] || { install $packages && install_npm $missing; }
look "$@"
[ -z "$missing" ] || {
	say "not in this distribution:$missing"
	exit 1
}
