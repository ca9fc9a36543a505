#!/bin/sh
# SPDX-License-Identifier: MIT
# run.sh TESTS...: runs these .bats files, and those in these folders, as many at a time as JOBS
# says, with bats's own lines of what came of each. Then what failed, why tests were skipped, and
# in the last line how many passed. Exit status 1 if one failed, or none could test a repair.
set -u

command -v bats >/dev/null || { echo 'The tests need bats.' >&2; exit 1; }
jobs=${JOBS:-$(nproc)}
command -v parallel >/dev/null || jobs=1
# Several files at a time, but not several tests of a file: bats then waits more than it runs.
options=
for option in --print-output-on-failure --no-parallelize-within-files; do
	! bats --help | grep -q -e "$option" || options="$options $option" # not before bats 1.5
done
# Otherwise GNU parallel shows nothing of a file of tests until all of it has run.
export PARALLEL=--line-buffer
results=$(mktemp) || exit
trap 'rm -f "$results"' EXIT
trap 'exit 1' INT TERM
# Not straight to awk: Debian's, mawk, shows nothing until it has read 4 KiB.
# shellcheck disable=SC2086 # lists of words
bats --tap --recursive --jobs "$jobs" $options ${BATS_FLAGS-} "$@" | tee "$results"
awk -f "${0%/*}/summary.awk" "$results"
