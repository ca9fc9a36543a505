#!/bin/sh
# SPDX-License-Identifier: MIT
# guest.sh TOP BUILD PART: what check.sh runs inside a machine. PART may also be a .bats file,
# relative to tests.
# modules: veth dummy nft_chain_nat nft_nat
# modules: vrf smc tls sctp ip_vs ip_vs_rr sch_netem dccp_ipv4 l2tp_ip rds_tcp vsock_loopback tipc kcm
cd "$1/tests" || exit
# How often prevention.bats and others try, and how long fastopen.bats waits: here processors are imitated.
BUILD=$2 OWN_MACHINE=1 TIMES=200 LIMIT=60
export BUILD OWN_MACHINE TIMES LIMIT
"$BUILD/tests/prompt"

# modules_to NAME: loads those that are not, up to that one. Each makes a namespace dearer.
modules_to() {
	for module in /modules/*; do
		[ ! -e "$module" ] || { insmod "$module" && rm "$module"; }
		case $module in *-"$1".ko) break ;; esac
	done
}

# tests FILE...
tests() {
	bash kernels/run.bash "$@"
}

# What needs a kernel without IP_LOCAL_PORT_RANGE and SO_BUF_LOCK.
without_range() {
	ONLY='is listed for that is' tests hostile/seccomp.bats
	ONLY="the other one" tests hostile/kernels.bats
}

# Programs of i386, if there are any, the native netns, and what else helpers.bash makes of ABI. They
# take a quarter of the time: on the oldest kernel and the newest only.
i386() {
	[ -e "$BUILD/i386/libnoselfconn.so" ] || return 0
	case $(uname -r) in 6.1.* | 6.12.*) return ;; esac
	mkdir -p /tmp/i386/tests
	ln -s "$BUILD/i386/libnoselfconn.so" /tmp/i386
	ln -s "$BUILD/tests/netns" "$BUILD/i386/tests/inject.so" /tmp/i386/tests
	for program in client arguments deliberate fastopen; do
		# shellcheck disable=SC2016 # for the script that is written
		printf '#!/bin/sh\nLD_PRELOAD=$ABI_PRELOAD exec %s "$@"\n' "$BUILD/i386/tests/$program" \
			>/tmp/i386/tests/$program
		chmod +x /tmp/i386/tests/$program
	done
	ABI=i386 BUILD=/tmp/i386 tests "$@" | sed 's/^\(ok\|not ok\) [0-9]* /&i386: /'
}

modules_to nft_nat
case $3 in
quick-one) tests repair/connect.bats repair/fastopen.bats ;;
quick-two)
	tests repair/prevention.bats repair/guard.bats hostile/pointers.bats supervise/connects.bats
	ONLY='has no descriptor of' tests hostile/callers.bats
	without_range
	;;
one)
	tests repair/connect.bats repair/arguments.bats repair/fastopen.bats repair/outcome.bats repair/options.bats
	tests repair/epoll.bats repair/shared.bats kernels/yama.bats
	i386 repair/connect.bats repair/fastopen.bats
	modules_to kcm
	tests kernels/facts.bats kernels/modules.bats
	;;
two) # what threads and other processes may interfere with
	tests repair/prevention.bats repair/guard.bats hostile/pointers.bats supervise/connects.bats
	# Dear here, and on newer kernels the same as elsewhere.
	case $(uname -r) in
	5.10.*)
		FAULTS=one ONLY='bound socket: refused' tests hostile/faults.bats
		ONLY='has no descriptor of' tests hostile/callers.bats
		without_range
		;;
	esac
	# From Linux 6.9 on, a thread has a pidfd, as here.
	case $(uname -r) in 5.10.* | 6.1.*) tests supervise/hard.bats supervise/places.bats ;; esac
	# Last: it sets ptrace_scope to 3, from which there is no way back.
	tests supervise/kernels.bats
	;;
foreign)
	tests repair/connect.bats repair/fastopen.bats supervise/kernels.bats
	# s390x is four times as slow.
	[ "$(uname -m)" = s390x ] || tests repair/arguments.bats repair/options.bats
	;;
*.bats)
	modules_to kcm
	tests "$3"
	;;
esac
