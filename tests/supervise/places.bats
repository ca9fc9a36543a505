# SPDX-License-Identifier: MIT
# Where a supervisor runs: other kernels, containers, users, namespaces, and under debuggers. The
# controls are in connects.bats: unsupervised, the client connects to itself.
# shellcheck disable=SC2016,SC2086,SC2154 # for inner shells; words are lists; run sets output

load ../lib/helpers

setup() {
	load supervised
	need_supervisor
	cd "$BATS_TEST_TMPDIR" || return
	connects="$client tcp4 connect 127.0.0.1 40000"
	refuse=$build/tests/refuse
}

# said_only LINE: that is all.
said_only() {
	[ "$output" = "$1" ] || { printf 'instead of: %s\nit said: %s\n' "$1" "$output" >&2; return 1; }
}

is_refused() {
	said_only "connect: ECONNREFUSED"
}

# warns WORDS REFUSED...: where that is refused, the command runs, with one line that has WORDS.
warns() {
	local words=$1
	shift
	run in_ns "$@" "$build/supervise" warn $connects
	[ "$status" = 0 ]
	[[ ${lines[0]} = "noselfconn: $client: not supervised: "*"$words"* ]]
	[ "${lines[1]}" = "connect: ok" ]
	[ "${#lines[@]}" = 2 ]
	run in_ns "$@" "$build/supervise" quiet $connects
	said_only "connect: ok"
	run in_ns "$@" "$build/supervise" strict $connects
	[ "$status" = 125 ]
	[[ $output = *"noselfconn: $client: not run (--strict)" && $output != *connect* ]]
}

@test "without /proc" {
	run in_ns sh -c 'mount -t tmpfs none /proc && exec "$@"' - $supervise $connects
	is_refused
}

@test "without /proc, the threads of a process" {
	need python3
	in_thread=(python3 -c 'import socket, threading
def connect():
	try: socket.create_connection(("127.0.0.1", 40000)); print("connected")
	except OSError as e: print(e.strerror)
thread = threading.Thread(target=connect); thread.start(); thread.join()')
	run in_ns "${in_thread[@]}"
	said_only connected
	run in_ns sh -c 'mount -t tmpfs none /proc && exec "$@"' - $supervise "${in_thread[@]}"
	said_only "Connection refused"
}

@test "threads, which have no pidfd before Linux 6.9" {
	run in_ns "$build/tests/soak" "${TIMES:-1000}" 4 1
	[[ $output =~ :\ [1-9][0-9]*\ self-connected ]]
	run in_ns $supervise "$build/tests/soak" "${TIMES:-1000}" 4 1
	[[ $output =~ :\ 0\ self-connected ]]
}

threads_have_pidfds() {
	kernel_is_from 6.9
}

@test "a thread that has descriptors of its own, or whose process has lost its first thread" {
	threads_have_pidfds || machine_cannot "the kernel has no pidfd of a thread"
	for how in own leaderless; do
		run in_ns "$build/tests/tables" $how
		said_only "self-connected: 1"
		run in_ns $supervise "$build/tests/tables" $how
		said_only "refused: 1"
	done
}

@test "before Linux 6.9, such a thread is not protected, but its call does not fail" {
	! threads_have_pidfds || machine_cannot "the kernel has pidfds of threads: make check-kernels has one without"
	for how in own leaderless; do
		run in_ns $supervise "$build/tests/tables" $how
		said_only "self-connected: 1"
	done
}

@test "a container that refuses pidfd_getfd(), as Docker's default profile does, is warned about" {
	warns "sockets" "$refuse" docker --
}

@test "a container that refuses process_vm_readv() is warned about" {
	warns "memory" "$refuse" process_vm_readv --
}

@test "a container that refuses seccomp() is warned about" {
	warns "seccomp" "$refuse" seccomp --
}

@test "a command that another program supervises already is warned about" {
	warns "another program" "$refuse" listener --
}

@test "an emulator of another machine, which has no seccomp(), is warned about" {
	need i386 qemu-i386
	make -s -C "$top" BUILD="$PWD" CC='gcc -m32' CFLAGS=-w LDFLAGS=-static "$PWD/supervise"
	run timeout -s KILL 20 qemu-i386 ./supervise warn echo runs
	[ "${lines[0]}" = "noselfconn: echo: not supervised: seccomp(2) gives no listener here: Function not implemented" ]
	[ "${lines[1]}" = runs ]
}

@test "no more processes: that is warned about" {
	need setpriv
	[ "$(id -u)" = 0 ] || cannot "only root can become a user without processes"
	public
	run setpriv --reuid=64321 --clear-groups bash -c 'ulimit -u 1; exec "$@"' - ./supervise warn ./client errno
	[ "$status" = 0 ]
	[[ $output = "noselfconn: ./client: not supervised: "*processes* ]]
}

@test "in another supervisor, the command takes the place of the inner one" {
	run in_ns "$build/supervise" quiet "$build/supervise" verbose sh -c 'pgrep -c supervise; exec "$@"' - $connects
	said "noselfconn: sh: supervised already" 3 "connect: ECONNREFUSED"
}

# public: goes to a folder that every user may read, with the programs in it.
public() {
	public=$(mktemp -d /tmp/noselfconn.XXXXXX)
	chmod 755 "$public"
	cp "$build/supervise" "$client" "$build/tests/netns" "$public"
	cd "$public" || return
}

teardown() {
	[ -z "${public-}" ] || rm -rf "$public"
}

# as_user COMMAND...
as_user() {
	need setpriv
	[ "$(id -u)" = 0 ] || cannot "only root can become another user"
	public
	run in_ns setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
}

@test "as an ordinary user, with no_new_privs" {
	as_user ./supervise quiet sh -c './client "$@"; grep NoNewPrivs /proc/self/status' - ${connects#* }
	said "connect: ECONNREFUSED" "NoNewPrivs:	1"
}

@test "as root, without no_new_privs, so that set-user-ID programs have their privilege" {
	[ "$(id -u)" = 0 ] || cannot "we are not root"
	run $supervise grep NoNewPrivs /proc/self/status
	said_only "NoNewPrivs:	0"
}

@test "a child that becomes another user" {
	need setpriv
	[ "$(id -u)" = 0 ] || cannot "only root can become another user"
	public
	run in_ns ./supervise quiet setpriv --reuid=65534 --clear-groups ./client ${connects#* }
	is_refused
}

@test "an ordinary user's program that can't be read is not reached, and runs as ever" {
	public
	chmod 711 client
	as_user ./supervise quiet "$public/client" ${connects#* }
	said_only "connect: ok"
}

@test "a child in another network namespace, with a range of its own" {
	run in_ns 50000-50001 $supervise "$build/tests/netns" 40000 40001 $connects
	is_refused
	run in_ns 40000-40001 $supervise "$build/tests/netns" 50000 50001 "$client" \
		tcp4 connect 127.0.0.1 50000 connect 127.0.0.1 40000
	said "connect: ECONNREFUSED" "connect: ECONNREFUSED"
	# Before Linux 6.3, of two ports the supervisor gets but this one in such a namespace.
	has_range tcp4 || return 0
	run in_ns 40000-40001 $supervise "$build/tests/netns" 50000 50001 "$client" tcp4 connect 127.0.0.1 50001
	is_refused
}

@test "a child in a user namespace, also of an ordinary user" {
	need unshare
	in_ns unshare -U true || machine_cannot "there are no user namespaces"
	run in_ns $supervise unshare -Ur $connects
	is_refused
	as_user ./supervise quiet unshare -Ur ./client ${connects#* }
	is_refused
}

@test "a child of an ordinary user in network and user namespaces of its own" {
	in_ns unshare -U true || machine_cannot "there are no user namespaces"
	as_user ./supervise quiet ./netns 50000 50001 ./client tcp4 connect 127.0.0.1 50000
	is_refused
}

@test "a child in a PID namespace" {
	need unshare
	run in_ns $supervise unshare -pf $connects
	is_refused
}

@test "strace, inside and outside" {
	need strace
	run in_ns $supervise strace -f -o log $connects
	is_refused
	run in_ns strace -f -o log $supervise $connects
	is_refused
	grep -q ECONNREFUSED log
}

@test "gdb, inside and attached" {
	need gdb
	run in_ns $supervise gdb -q -batch -ex run --args $connects
	said "connect: ECONNREFUSED"
	mkfifo fifo
	run in_ns timeout 60 bash -c '
		$0 sh -c "echo \$\$ >pid; read x <fifo; exec $1" &
		until [ -s pid ]; do read -r -t 0.01 <> <(:); done
		gdb -q -batch -ex "set confirm off" -p $(cat pid) -ex "shell echo go >fifo &" -ex continue 2>&1' \
		"$supervise" "$connects"
	said "connect: ECONNREFUSED"
}

@test "a program with filters of its own" {
	run in_ns $supervise "$refuse" docker -- $connects
	is_refused
}

@test "with few descriptors" {
	run in_ns bash -c 'ulimit -Sn 12 && exec "$@"' - $supervise sh -c 'ulimit -n; exec "$@"' - $connects
	said 12 "connect: ECONNREFUSED"
}

@test "before Linux 5.9, without close_range(), is warned about" {
	warns "Linux 5.9" "$refuse" close_range --
}
