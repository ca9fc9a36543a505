#!/bin/sh
# SPDX-License-Identifier: MIT
# guest.sh TOP BUILD PART: what check.sh runs inside a machine.
# modules: veth dummy vrf smc nft_chain_nat nft_nat
cd "$1/tests" || exit
BUILD=$2 OWN_MACHINE=1
export BUILD OWN_MACHINE

# What a kernel lacks makes a repair a reset in place: SO_BUF_LOCK and SO_NETNS_COOKIE came with
# Linux 5.14. Without the first, a reset leaves SO_SNDBUF as the connection had it.
options=repair/options.bats
case $(uname -r) in
5.10.*)
	REOPENED='reset in place' options=''
	export REOPENED
	;;
esac

# tests FILE...
tests() {
	bash kernels/run.bash "$@"
}

# Programs of i386, the native netns, and what else helpers.bash makes of ABI.
i386() {
	mkdir -p /tmp/i386/tests
	ln -s "$BUILD/i386/libnoselfconn.so" /tmp/i386
	ln -s "$BUILD/tests/netns" "$BUILD/i386/tests/inject.so" /tmp/i386/tests
	for program in client arguments fastopen; do
		# shellcheck disable=SC2016 # for the script that is written
		printf '#!/bin/sh\nLD_PRELOAD=$ABI_PRELOAD exec %s "$@"\n' "$BUILD/i386/tests/$program" \
			>/tmp/i386/tests/$program
		chmod +x /tmp/i386/tests/$program
	done
	ABI=i386 BUILD=/tmp/i386
	export ABI
}

case $3 in
ways) tests repair/connect.bats ;;
repair) tests kernels/facts.bats kernels/modules.bats repair/connect.bats repair/arguments.bats \
	repair/fastopen.bats repair/outcome.bats $options ;;
threads) tests repair/epoll.bats repair/shared.bats ;;
supervised) OMIT=200,000 tests kernels/yama.bats supervise/connects.bats supervise/kernels.bats ;;
i386) [ ! -e "$BUILD/i386/libnoselfconn.so" ] || { i386 && tests repair/connect.bats repair/fastopen.bats; } ;;
esac
