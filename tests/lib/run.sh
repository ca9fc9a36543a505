#!/bin/sh
# SPDX-License-Identifier: MIT
# run.sh TESTS...: runs these .bats files, and those in these folders, as many at a time as JOBS
# says, with bats's own lines of what came of each. Then what failed, why tests were skipped, and
# in the last line how many passed. Exit status 1 if one failed, or none could test a repair.
set -u

command -v bats >/dev/null || { echo 'The tests need bats.' >&2; exit 1; }
for path in "$PWD" "${BUILD-}" "${TMPDIR-}"; do
	case $path in
	*[[:space:]\;:\'\"\$\&\\]*)
		echo "The tests need a path that LD_PRELOAD can name, without blanks: $path" >&2
		exit 1
		;;
	esac
done
# What the user has set for other programs.
unset LD_PRELOAD NOSELFCONN NOSELFCONN_LOG NOSELFCONN_RETRIES NOSELFCONN_VERBOSE BASH_ENV POSIXLY_CORRECT \
	http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY \
	DESTDIR PREFIX BINDIR LIBDIR LIBEXECDIR MANDIR BASHCOMPDIR ZSHCOMPDIR INSTALL
jobs=${JOBS:-$(nproc)}
command -v parallel >/dev/null || jobs=1
# Not before bats 1.5.
knows() {
	bats --help | grep -q -e "$1"
}
options=
! knows --print-output-on-failure || options=--print-output-on-failure
# Several files at a time, but not several tests of a file: bats then waits more than it runs.
[ "$jobs" = 1 ] || ! knows --no-parallelize-within-files || options="$options --no-parallelize-within-files"
# Otherwise GNU parallel shows nothing of a file of tests until all of it has run.
export PARALLEL=--line-buffer
results=$(mktemp) || exit
trap 'rm -f "$results"' EXIT
trap 'exit 1' INT TERM
# Not straight to awk: Debian's, mawk, shows nothing until it has read 4 KiB.
# shellcheck disable=SC2086 # lists of words
bats --tap --recursive --jobs "$jobs" $options ${BATS_FLAGS-} "$@" | tee "$results"
awk -f "${0%/*}/summary.awk" "$results"
