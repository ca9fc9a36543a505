# SPDX-License-Identifier: MIT
# The supervisor where Yama says who may look into whose processes, for root and for another user
# who makes a user namespace. On a machine of others Yama is as they set it: this is for make
# check-kernels. Without a user namespace: supervise/kernels.bats.

load ../lib/helpers

setup() {
	scope=/proc/sys/kernel/yama/ptrace_scope
	own_machine || machine_cannot "this machine's Yama is not ours to set"
	[ -e $scope ] || machine_cannot "the kernel has no Yama"
	before=$(cat $scope)
}

teardown() {
	[ -z "${before-}" ] || echo "$before" >$scope
}

# refused SCOPE COMMAND...: there, a client that the command runs is connected to itself, and
# supervised it is refused, later too if it does not block.
refused() {
	echo "$1" >$scope
	shift
	run "$@" "$build/tests/netns" 40000 40001 "$client" tcp4 connect 127.0.0.1 40000 names
	said "connect: ok" "local: 127.0.0.1 40000" "peer: 127.0.0.1 40000"
	set -- "$@" "$build/tests/netns" 40000 40001 "$build/supervise" quiet "$client"
	run "$@" tcp4 connect 127.0.0.1 40000 timewait
	said "connect: ECONNREFUSED" "timewait: 0"
	run "$@" tcp6 nonblock connect ::1 40000 wait error
	said "connect: EINPROGRESS" "error: ECONNREFUSED"
}

nobody=(setpriv --reuid 65534 --regid 65534 --clear-groups)

@test "with ptrace_scope 0, root's commands are supervised" {
	refused 0
}

@test "with ptrace_scope 1, root's commands are supervised" {
	refused 1
}

@test "with ptrace_scope 2, root's commands are supervised" {
	refused 2
}

@test "with ptrace_scope 0, another user's are in a user namespace" {
	refused 0 "${nobody[@]}"
}

@test "with ptrace_scope 1, another user's are in a user namespace" {
	refused 1 "${nobody[@]}"
}

@test "with ptrace_scope 2, another user's are in a user namespace" {
	refused 2 "${nobody[@]}"
}
