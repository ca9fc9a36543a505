#!/bin/sh
# SPDX-License-Identifier: MIT
# guest.sh TOP BUILD PART: what check.sh runs inside a machine.
# modules: veth
cd "$1" || exit
BUILD=$2
export BUILD

# What a kernel lacks makes a repair a reset in place: SO_BUF_LOCK and SO_NETNS_COOKIE came with
# Linux 5.14.
case $(uname -r) in
5.10.*) REOPENED='reset in place' && export REOPENED ;;
esac

# tests NAME...: those files of tests/repair.
tests() {
	for name; do
		set -- "$@" "tests/repair/$name.bats"
		shift
	done
	bash tests/kernels/run.bash "$@"
}

case $3 in
ways) tests connect ;;
repair) tests connect arguments fastopen options outcome ;;
threads) tests epoll shared ;;
supervise) bash tests/kernels/run.bash tests/supervise/connects.bats tests/supervise/kernels.bats ;;
esac
