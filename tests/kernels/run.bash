#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# run.bash FILE.bats...: runs their tests as bats does, and says so in TAP, but starts no program
# for each: that is what takes time where a processor is imitated. What is here of bats is what
# these files use: setup(), teardown(), load, run, skip, $status, $output and $lines. If ONLY is set,
# tests without that in their names are left out.
# shellcheck disable=SC2034 # for the tests

names=()

load() {
	# shellcheck disable=SC1090
	source "$BATS_TEST_DIRNAME/$1.bash"
}

bats_require_minimum_version() {
	:
}

skip() {
	echo "$*" >"$work/$number/skip"
	exit 0
}

# lines_of OUTPUT: sets lines. A here-string would be a file, or a pipe.
lines_of() {
	local IFS=$'\n' -
	set -f
	# shellcheck disable=SC2206 # words are lines
	lines=($1)
}

run() {
	local errexit=$- wanted=''
	case $1 in -[0-9]*) wanted=${1#-}; shift ;; esac
	case "$1 ${2-}" in 'in_ns '* | 'shimmed in_ns') local exec=exec ;; esac # see in_ns
	set +e
	output=$(trap - ERR && "$@" 2>&1)
	status=$?
	case $errexit in *e*) set -e ;; esac
	lines_of "$output"
	[ -z "$wanted" ] || [ "$status" = "$wanted" ]
}

# try FUNCTION: in a process of its own.
try() {
	(
		export BATS_TEST_TMPDIR=$work/$number/tmp BATS_TEST_NUMBER=$number
		status=0 output='' lines=()
		set -eE
		trap 'echo "failed: line $LINENO: $BASH_COMMAND"' ERR
		! declare -F teardown >/dev/null || trap teardown EXIT
		! declare -F setup >/dev/null || setup
		"$1"
	) >"$work/$number/said" 2>&1
}

# one NAME FUNCTION
one() {
	local status
	[[ $1 == *"${ONLY-}"* ]] || return 0
	number=$((number + 1))
	try "$2"
	status=$?
	if [ $status != 0 ]; then
		echo "not ok $number $1"
		sed 's/^/# /' "$work/$number/said"
	elif [ -e "$work/$number/skip" ]; then
		echo "ok $number $1 # skip $(<"$work/$number/skip")"
	else
		echo "ok $number $1"
	fi
}

# What bats makes of a file: each test a function, test_1 and so on, and their names.
tests_of() {
	awk '/^@test "/ {
			name = $0
			sub(/^@test /, "", name)
			sub(/ \{$/, "", name)
			names = names "\n" name
			print "test_" ++n "() {"
			next
		}
		{ print }
		END { print "names=(" names "\n)" }' "$1"
}

number=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for file; do
	BATS_TEST_FILENAME=$(readlink -f "$file")
	BATS_TEST_DIRNAME=${BATS_TEST_FILENAME%/*}
	unset -f setup teardown
	# Not through a pipe, which bash reads a byte or a line at a time.
	tests_of "$file" >"$work/tests"
	# shellcheck disable=SC1091
	source "$work/tests"
	directories=()
	for i in "${!names[@]}"; do
		directories+=("$work/$((number + i + 1))/tmp")
	done
	mkdir -p "${directories[@]}"
	for i in "${!names[@]}"; do
		one "${names[i]}" "test_$((i + 1))"
	done
done
