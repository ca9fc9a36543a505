#!/bin/bash
# SPDX-License-Identifier: MIT
# faults.sh PRELOADS WORD...: every system call that the library makes in one run of the program
# fault (see fault.c for the words) fails once, with each errno it is likely to have. The calls are
# taken from a trace, so that one added later is covered too. Says what came of it, the report of a
# repair without a fault, one line for each run that came out wrong, and a line of numbers; exit
# status 1 if any did.
#
# FAULTS=all: every errno for every call; one: the first of each, and fewer calls. BUILD is the
# build directory; to be run in a network namespace and, so that there is little in /proc to look
# through, a PID namespace of its own.
set -euo pipefail

preloads=$1
shift
words=("$@")
dir=$(mktemp -d)
trap 'rm -r "$dir"' EXIT
export NOSELFCONN_LOG=$dir/log
: >"$dir/log"

# Without those that say something about the socket that is not so: ENOTCONN of SO_PEERNAME,
# EISCONN of connect().
errnos_of() {
	if [ "${FAULTS-}" = all ]; then
		echo EPERM ENOENT EINTR EIO EAGAIN ENOMEM EACCES EBADF EBUSY EINVAL EMFILE \
			ENFILE ENOBUFS ENOSYS
		return
	fi
	case $1 in
	socket) echo EPERM EMFILE ENFILE ENOBUFS EACCES ;;
	connect) echo EPERM EINTR EAGAIN EADDRNOTAVAIL ENETUNREACH EALREADY ;;
	bind) echo EPERM EADDRINUSE EACCES EADDRNOTAVAIL EINVAL ;;
	fcntl) echo EPERM EMFILE EINVAL EINTR ;;
	dup | dup2 | dup3) echo EPERM EBUSY EINTR EBADF EMFILE ;;
	open*) echo EPERM EMFILE ENOENT EACCES EINTR ;;
	getdents* | readlink*) echo EPERM ENOENT EACCES ;;
	*stat*) echo EPERM EACCES ENOMEM ;;
	getsockopt | rt_sigprocmask) echo EPERM ;;
	setsockopt) echo EPERM ENOMEM ;;
	getsockname | getpeername) echo EPERM ENOBUFS ;;
	close) echo EINTR EIO ;;
	write) echo EPERM EPIPE ENOSPC EAGAIN EINTR ;;
	*) echo EPERM EINTR EINVAL ENOMEM ;;
	esac
}

# run NAME ERRNO TIMES CALL...: one line for each CALL.
run() {
	local name=$1 errno=$2 times=$3 may_leak='' when
	shift 3
	# The first process, which starts the others, must not get that far.
	when=$((${!#} + $(sed -n "s/^$name //p" "$dir/firsts" | grep . || echo 0)))
	[ "$name" = close ] && may_leak=may-leak
	timeout 60 strace -f -qq -o /dev/null -E LD_PRELOAD="$preloads" -e trace="$name" \
		-e inject="$name:error=$errno:when=$when..$((when + times - 1))" \
		"$BUILD/tests/fault" "${words[@]}" $may_leak error "$errno" \
		each "$(number_of "$name")" "$when" "$runs" "$@"
}

# Of many calls of one kind (the options, all treated alike) some are enough for every day.
some() {
	local first=12 last=16
	[ "${FAULTS-}" != one ] || first=4 last=4
	if [ "${FAULTS-}" = all ]; then
		cat
	else
		awk -v first=$first -v last=$last '{ line[NR] = $0 }
			END { for (i = 1; i <= NR; i++)
				if (i <= first || i > NR - last || i % 24 == 0) print line[i] }'
	fi
}

number_of() {
	sed -n "s/^$1: //p" "$dir/numbers"
}

# The calls between the marks, as "NAME COUNT", the process's COUNTth of that NAME.
strace -f -n -o "$dir/trace" -E LD_PRELOAD="$preloads" "$BUILD/tests/fault" "${words[@]}" \
	>"$dir/out"
if [ "$(cat "$dir/out")" != right ]; then
	echo "without a fault: $(cat "$dir/out")"
	exit 1
fi
head -n 1 "$dir/log"
sed -E -n 's/^([0-9]+) +\[ *[0-9]+\] ([a-z0-9_]+)\((.*)/\1 \2 \3/p' "$dir/trace" | awk '
	NR == 1 { first = $1 }
	{ n[$1 " " $2]++ }
	/ write -1, "end"/ { inside = 0 }
	/ write -1, "aside"/ { aside = 1 }
	inside && !aside { print $2, n[$1 " " $2] }
	/ write -1, "back"/ { aside = 0 }
	/ write -1, "begin"/ { inside = 1 }
	END {
		for (key in n) if (split(key, k, " ") && k[1] == first)
			print k[2], n[key] >"'"$dir/firsts"'"
	}' >"$dir/calls"
names=$(cut -d ' ' -f 1 "$dir/calls" | sort -u)
sed -E -n 's/^[0-9]+ +\[ *([0-9]+)\] ([a-z0-9_]+)\(.*/\2: \1/p' "$dir/trace" | sort -u >"$dir/numbers"

runs=0
# try NAME ERRNO TIMES: the call that is to fail and those after it, TIMES in all.
try() {
	run "$@" "${calls[@]}" >"$dir/out"
	[ "$(wc -l <"$dir/out")" = ${#calls[@]} ] || echo "WRONG: not every run ended" >>"$dir/out"
	nl -w 1 -s ': ' "$dir/out" | sed "s/^/$1, $2, /"
	runs=$((runs + ${#calls[@]}))
}

for name in $names; do
	mapfile -t calls < <(sed -n "s/^$name //p" "$dir/calls" | some)
	errnos=$(errnos_of "$name")
	[ "${FAULTS-}" != one ] || errnos=${errnos%% *}
	for errno in $errnos; do
		try "$name" "$errno" 1
	done
	# Undoing a connection is tried twice. Where it can't be undone at all, a duplicate keeps
	# it, and there is no telling that the program bound its port.
	if [ "$name" = connect ] && [[ " ${words[*]} " != *" "@(shared|port)" "* ]]; then
		try "$name" EPERM 2
	fi
done >"$dir/results"

grep ': WRONG: ' "$dir/results" || true
awk -F ': ' '{ n[$2]++ } END {
	printf "%d faults: %d right, %d refused, %d errors, %d wrong\n",
		NR, n["right"], n["refused"], n["error"], n["WRONG"]
	exit NR == 0 || n["WRONG"] > 0 }' "$dir/results"
