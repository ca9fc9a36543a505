# SPDX-License-Identifier: MIT
# What every test file loads. Run through `make test`, which builds what is used here.

top=${BATS_TEST_DIRNAME%/tests/*}
build=${BUILD:-$top/build}
library=$build/libnoselfconn.so
export LC_ALL=C # tests look for what programs say
client=$build/tests/client

declare -F bats_require_minimum_version >/dev/null || load ../lib/old-bats

# shellcheck source=tests/lib/needs.sh
. "$top/tests/lib/needs.sh"

# need NEED...: skips the test where one is missing; with CI=true that is a failure. See needs.sh
# for what may be one. setup.sh reads these lines too: they have literal words only.
need() {
	local need
	for need; do
		is_there "$need" || cannot "$need is not installed"
	done
}

# own_make ARG...: a build of its own, without the variables of the make that runs the tests; in
# the environment that the array of that name adds.
own_make() {
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL -u CC -u CFLAGS -u CPPFLAGS -u LDFLAGS \
		"${environment[@]}" make -C "$top" BUILD="$BATS_TEST_TMPDIR/build" "$@"
}

# cannot REASON: skips the test, but never when CI=true: what CI sets up could be set up better.
cannot() {
	if [ "${CI-}" = true ]; then
		echo "not to be skipped with CI=true: $1" >&2
		return 1
	fi
	machine_cannot "$1"
}

# machine_cannot REASON: skips the test, also when CI=true: nothing that is installed helps. If it
# is what a program said: in one line, not too long a one, and without colours.
machine_cannot() {
	local reason
	reason=$(tr '\n' ' ' <<<"$1" | sed $'s/\e\\[[0-9;]*[A-Za-z]//g; s/[[:cntrl:]]//g; s/ *$//')
	[ ${#reason} -le 120 ] || reason=${reason:0:117}...
	skip "$reason"
}

# If the C library does not tell whether a program has one thread, this preload does (single.c).
single=''
case $(getconf GNU_LIBC_VERSION 2>/dev/null) in
'glibc 2.'[12][0-9] | 'glibc 2.3'[01]) single=$build/tests/single.so ;;
esac

# in_ns [LOW-HIGH] COMMAND...: in a network namespace with that ephemeral port range, and with
# ABSENT, on a kernel that lacks something (lacking.c). If the test programs are those of another
# ABI (abi.sh), the library is handed to them as ABI_PRELOAD, past the native programs
# on the way.
in_ns() {
	local low=40000 high=40001 preload=${LD_PRELOAD-}
	case $1 in
	[0-9]*-[0-9]*) low=${1%-*} high=${1#*-}; shift ;;
	esac
	[ -z "${ABSENT+set}" ] || set -- "$build/tests/lacking" "$@"
	if [ -n "${ABI-}" ]; then
		ABI_PRELOAD=$preload LD_PRELOAD='' ${exec-} "$build/tests/netns" "$low" "$high" "$@"
	elif [ -n "$single" ]; then
		LD_PRELOAD=${preload:+$preload:}$single "$build/tests/netns" "$low" "$high" "$@"
	else
		${exec-} "$build/tests/netns" "$low" "$high" "$@"
	fi
}

# in_ns_at ADDRESSES COMMAND...: in a network namespace where lo has these addresses too. An IPv6
# address is tentative for a moment, on lo as well, if nothing says "nodad", and even then the
# kernel adds the route to it a moment later.
in_ns_at() {
	[ -n "$1" ] || { shift && in_ns "$@"; return; }
	# shellcheck disable=SC2016
	in_ns sh -c 'for address in $1; do
			case $address in *:*) nodad=nodad ;; *) nodad= ;; esac
			ip addr add "$address" dev lo $nodad || exit
			timeout 10 sh -c "until ip route get ${address%/*} 2>&1 | grep -q ^local; do :; done"
		done
		shift
		exec "$@"' sh "$@"
}

# with_addresses COMMAND...: 192.0.2.1 and fe80::1%v0 are this host's there, and not loopback's; v0
# has the index 77.
with_addresses() {
	# shellcheck disable=SC2016
	in_ns sh -c 'ip link add v0 index 77 type veth peer name v1 && ip link set v1 up &&
		ip link set v0 up && ip addr add 192.0.2.1/24 dev v0 &&
		ip addr add fe80::1/64 dev v0 nodad && exec "$@"' sh "$@"
}

need_addresses() {
	need ip
	with_addresses true 2>/dev/null || cannot "there is no veth, or no IPv6"
}

# Skips the tests of a file where the kernel gives us no namespace; for setup().
need_namespaces() {
	own_machine || in_ns true 2>/dev/null ||
		cannot "network namespaces need root, or user namespaces"
}

# Skips the test if there are no pseudo-terminals, as in a chroot without /dev/pts.
need_terminal() {
	(: <>/dev/ptmx) 2>/dev/null || machine_cannot "/dev/ptmx gives no pseudo-terminal"
}

# need_mptcp [REST]: skips the test, or what is left of it, if the kernel has no MPTCP, as Debian's
# 5.10. REST says what came of the rest.
need_mptcp() {
	"$client" mptcp4 2>/dev/null || cannot "the kernel has no MPTCP${1:+: $1}"
}

# kernel_is_from VERSION: it is that one or a later one.
kernel_is_from() {
	[ "$(printf '%s\n' "$1" "$(uname -r)" | sort -V | head -n 1)" = "$1" ]
}

# has_range KIND: such sockets have IP_LOCAL_PORT_RANGE (of TCP, Linux 6.3).
has_range() {
	"$client" "$1" opt 0 51 0 2>/dev/null
}

need_no_range() {
	! has_range tcp4 ||
		machine_cannot "the kernel has IP_LOCAL_PORT_RANGE: make check-kernels has one without"
}

# Sets i386 to what runs a command where programs of i386 can be run: nothing, or if the kernel
# does not, a namespace with a binfmt_misc of its own (Linux 6.7), which gives them to qemu.
set_i386() {
	i386=()
	! runs_i386 || return 0
	# shellcheck disable=SC2016
	i386=(unshare -rm sh -c 'mount -t binfmt_misc none /proc/sys/fs/binfmt_misc &&
		printf %s ":i386:M::\x7fELF\x01::$0:" >/proc/sys/fs/binfmt_misc/register &&
		exec "$@"' "$(command -v qemu-i386)")
	"${i386[@]}" true 2>/dev/null ||
		machine_cannot "the kernel runs no programs of i386, and has no binfmt_misc for us"
}

# shimmed COMMAND...: with the library, which reports to file $BATS_TEST_TMPDIR/log.
shimmed() {
	LD_PRELOAD=$library${LD_PRELOAD:+:$LD_PRELOAD}${single:+:$single} NOSELFCONN_LOG=$BATS_TEST_TMPDIR/log "$@"
}

# c_library_without SYMBOL...: makes library a copy that finds none of those symbols in the C
# library, because their names in it are spoilt.
c_library_without() {
	local symbol script=''
	for symbol; do
		script+="s/^$symbol\$/${symbol%?}-/;"
	done
	LC_ALL=C sed -z "$script" "$library" >"$BATS_TEST_TMPDIR/libnoselfconn.so"
	library=$BATS_TEST_TMPDIR/libnoselfconn.so
}

# Is this a machine of make check-kernels? There a processor is imitated, and all takes time.
own_machine() {
	[ "${OWN_MACHINE-}" = 1 ]
}

# some WORD...: all of these; on such a machine, the first and the last.
some() {
	! own_machine || set -- "$1" "${@: -1}"
	printf '%s\n' "$@"
}

# same FILE OTHER: they say the same. Few processes, because many tests ask it.
same() {
	local one other
	IFS= read -r -d '' one <"$1" || :
	IFS= read -r -d '' other <"$2" || :
	[ "$one" = "$other" ] || diff "$1" "$2"
}

# has FILE PATTERN: each line of it begins after a newline.
has() {
	local all
	IFS= read -r -d '' all <"$1" || :
	# shellcheck disable=SC2053 # a pattern
	[[ $'\n'$all == *$2* ]]
}

# repaired HOW [OUTCOME [AT]]: this is what the last line of the log says, whatever program and
# descriptor it names; OUTCOME and AT may be patterns.
repaired() {
	local how=$1 outcome=${2:-connection refused} at=${3:-127.0.0.1:40000} log=() last
	[ ! -e "$BATS_TEST_TMPDIR/log" ] || mapfile -t log <"$BATS_TEST_TMPDIR/log"
	last=${log[*]: -1}
	at=${at//\[/\\[}
	# shellcheck disable=SC2053,SC2027 # patterns; a regular expression would take much longer
	if [[ $last != "noselfconn: "*\[+([0-9])"]: fd "+([0-9])": self-connection at "$at": $how: "$outcome ]]; then
		printf 'last repair: %s; expected: at %s: %s: %s\n' "${last:-none}" "$at" "$how" "$outcome" >&2
		return 1
	fi
}

# told OUTPUT: the outcome that a report of the first connect() in this file has.
told() {
	local line
	while IFS= read -r line && [[ $line != ?('there ')'connect: '* ]]; do :; done <"$1"
	case ${line#*connect: } in
	ok) echo connected ;;
	EINPROGRESS) echo connecting ;;
	ECONNREFUSED) echo 'connection refused' ;;
	*) echo "${line#*connect: }" ;;
	esac
}

# at ADDRESS PORT: as a report names where a connect() to them was connected to itself.
at() {
	case $1 in
	0.0.0.0) echo "127.0.0.1:$2" ;;
	::) echo "[::1]:$2" ;;
	::ffff:*) echo "${1#::ffff:}:$2" ;;
	*:*) echo "[${1%\%*}]:$2" ;;
	*) echo "$1:$2" ;;
	esac
}

not_repaired() {
	[ ! -s "$BATS_TEST_TMPDIR/log" ] || { cat "$BATS_TEST_TMPDIR/log" >&2; return 1; }
}

# said LINE...: the output of `run` has these lines, in this order, one after another.
said() {
	local IFS=$'\n'
	local all=$*
	case $'\n'$output$'\n' in
	*$'\n'"$all"$'\n'*) ;;
	*) printf 'output:\n%s\nlacks:\n%s\n' "$output" "$all" >&2; return 1 ;;
	esac
}
