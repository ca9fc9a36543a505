# SPDX-License-Identifier: MIT
# What only some kernels have: Yama, and programs of i386; and static programs, on machines of
# every kind. `make check-kernels` runs it on such.
# shellcheck disable=SC2086,SC2154 # words are lists; run sets output

load ../lib/helpers

setup() {
	load supervised
	need_supervisor
	connects='tcp4 connect 127.0.0.1 40000'
}

teardown() {
	[ -z "${scope-}" ] || echo "$scope" >"$yama"
	[ -z "${public-}" ] || rm -rf "$public"
}

# as_user_under SCOPE COMMAND...: as an ordinary user, in a folder with the supervisor and the client.
yama=/proc/sys/kernel/yama/ptrace_scope
as_user_under() {
	need setpriv
	[ "$(id -u)" = 0 ] || cannot "only root can become another user"
	setpriv --reuid=65534 true 2>/dev/null || cannot "setpriv can't change the user" # as BusyBox's
	[ -e $yama ] || machine_cannot "the kernel has no Yama"
	public=$(mktemp -d /tmp/noselfconn.XXXXXX)
	chmod 777 "$public"
	cp "$build/supervise" "$client" "$public"
	cd "$public"
	scope=$(cat $yama)
	echo "$1" >$yama
	shift
	run in_ns setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
}

@test "under Yama's ptrace_scope 1, the command and its children are protected" {
	as_user_under 1 ./supervise quiet sh -c "./client $connects; ./client $connects"
	said "connect: ECONNREFUSED" "connect: ECONNREFUSED"
}

@test "under Yama's ptrace_scope 1, orphans and daemons are protected" {
	as_user_under 1 sh -c "mkfifo fifo said
		./supervise quiet sh -c '(setsid sh -c \"read x <fifo; ./client $connects >said\" &)'
		echo go >fifo
		cat said"
	[ "$output" = "connect: ECONNREFUSED" ]
}

@test "under Yama's ptrace_scope 1, what has lost its supervisor is protected: the front is an ancestor, too" {
	# shellcheck disable=SC2016 # for that shell
	as_user_under 1 bash -c 'mkfifo fifo
		supervisor_of() { # it has a group of its own
			for stat in /proc/[0-9]*/stat; do
				! read -r pid _ _ parent group _ <$stat || [ $parent/$group != $1/$pid ] || echo $pid
			done 2>/dev/null
		}
		./supervise quiet sh -c "read x <fifo; ./client $*" &
		until supervisor=$(supervisor_of $!) && [ -n "$supervisor" ]; do :; done
		kill -KILL $supervisor
		while [ -e /proc/$supervisor ]; do :; done
		echo go >fifo
		wait $!' - $connects
	[ "$output" = "connect: ECONNREFUSED" ]
}

@test "under Yama's ptrace_scope 2, an ordinary user is warned" {
	as_user_under 2 ./supervise warn ./client $connects
	warned
}

# warned: in one line, and the client has run.
warned() {
	[[ ${lines[0]} = "noselfconn: ./client: not supervised: the sockets of a child can't be reached"*Yama* ]]
	[ "${lines[1]}" = "connect: ok" ]
	[ "${#lines[@]}" = 2 ]
}

# static_client NAME COMPILER: from now on the client is a static program. In a guest there is no
# compiler: see tests/kernels/kernels.mk.
static_client() {
	client=$build/tests/client-$1
	[ ! -x "$client" ] || return 0
	client=$BATS_TEST_TMPDIR/client
	$2 -static -w -D_GNU_SOURCE -I"$top/tests/lib" -o "$client" "$top/tests/lib/client.c" ||
		cannot "$2 links no static program"
}

@test "a static program, which no preload reaches" {
	static_client static cc
	refused tcp4 connect 127.0.0.1 40000
	refused_later tcp4 nonblock connect 127.0.0.1 40000
	refused tcp6 connect ::1 40000
}

@test "a program of i386 on a kernel that runs it, which may use socketcall()" {
	static_client i386 'gcc -m32'
	"$client" || machine_cannot "the kernel runs no programs of i386"
	refused tcp4 connect 127.0.0.1 40000
	refused_later tcp4 nonblock connect 127.0.0.1 40000
	refused tcp6 connect ::1 40000
}

@test "under Yama's ptrace_scope 3, from which there is no way back, an ordinary user and root are warned" {
	own_machine || machine_cannot "this machine's Yama is not ours to set"
	as_user_under 3 ./supervise warn ./client $connects
	warned
	run in_ns ./supervise warn ./client $connects
	warned
	scope=''
}
