# SPDX-License-Identifier: MIT
# What the tests use of bats 1.7, for older ones: Debian 11 and Ubuntu 22.04 have 1.2.1.

bats_require_minimum_version() {
	:
}

# They go when bats removes the directory of its run. A file's is handed on to its tests.
BATS_TEST_TMPDIR=${BATS_TEST_TMPDIR:-$(mktemp -d "$BATS_RUN_TMPDIR/test.XXXXXX")}
export BATS_FILE_TMPDIR=${BATS_FILE_TMPDIR:-$(mktemp -d "$BATS_RUN_TMPDIR/file.XXXXXX")}

declare -F any_run >/dev/null || eval "any_$(declare -f run)"

without_stderr() {
	"$@" 2>"$BATS_TEST_TMPDIR/stderr"
}

# run [-STATUS] [--separate-stderr] COMMAND...
run() {
	local expected=
	case $1 in
	-[0-9]*) expected=${1#-}; shift ;;
	esac
	if [ "$1" = --separate-stderr ]; then
		shift
		any_run without_stderr "$@"
		stderr=$(cat "$BATS_TEST_TMPDIR/stderr")
	else
		any_run "$@"
	fi
	[ "$status" = "${expected:-$status}" ] || {
		printf '%s\n' "exit status $status, not $expected:" "$output" >&2
		return 1
	}
}
