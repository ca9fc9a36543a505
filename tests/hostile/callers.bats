# SPDX-License-Identifier: MIT
# connect() from unusual places, and if something is missing: whatever the program does
# meanwhile, it is not connected to itself, and nothing of it or of the library's gets lost.
# That connect() works in constructors, before the library's own, is in injected.bats.
# shellcheck disable=SC2016,SC2030,SC2031 # code for other shells; each test is a subshell

load ../lib/helpers

setup() {
	need_namespaces
	callers=$build/tests/callers
	signals=$build/tests/signals
	threads=$build/tests/threads
	serve=$build/tests/serve.so
	swap=$build/tests/swap.so
	unset NOSELFCONN_VERBOSE
}

range=40000-40001

# self_connects COMMAND...: without the library, it does connect to itself.
self_connects() {
	run timeout 300 "$build/tests/netns" "${range%-*}" "${range#*-}" "$@"
	[[ $output == *self-connected* ]] || { echo "without the library: $output" >&2; return 1; }
}

# says TEXT COMMAND...: with the library, the command says this, and nothing else; then the port
# is free, with nothing in TIME_WAIT.
says() {
	local text=$1
	shift
	run shimmed timeout 300 "$build/tests/netns" "${range%-*}" "${range#*-}" sh -c '
		"$@"
		status=$?
		[ $status = 0 ] || echo "exit status $status"
		unset LD_PRELOAD SERVE_FULL
		exec "$0" timewait bindable 127.0.0.1 40000 bindable 0.0.0.0 40000' "$client" "$@"
	echo "$output"
	[ "$output" = "$text"$'\n'"timewait: 0"$'\n'"bindable: ok"$'\n'"bindable: ok" ]
}

# heals TEXT COMMAND...: both.
heals() {
	self_connects "${@:2}"
	says "$@"
}

# --- Places

@test "connect() in a signal handler, on an alternate stack of the recommended size" {
	heals "refused: 1" "$callers" handler
	repaired "reset in place"
}

# on_small_stack: libnoselfconn(7) says how many bytes a repair takes. Here these are all that there
# is. Only on x86-64, because other machines have larger frames.
on_small_stack() {
	[ "$(uname -m)" = x86_64 ] && [ -z "${ABI-}" ] || machine_cannot "only for x86-64"
	local stack
	stack=$(awk '/^On x86-64, .* KiB of stack\.$/ { print $(NF - 3) * 1024 }' "$top/man/libnoselfconn.7")
	# The dynamic linker takes more to look up a function.
	export LD_BIND_NOW=1 NOSELFCONN_VERBOSE=1
	self_connects "$callers" stack "$stack"
	run shimmed in_ns "$callers" stack "$stack"
	repaired "reset in place"
	[[ ${lines[0]} == *": reset in place: connection refused" ]]
	[ "${lines[1]}" = "refused: 1" ]
	# The test can see it.
	run shimmed in_ns "$callers" stack 1024
	[ "$status" = 139 ]
}

@test "connect() on a small stack, as a coroutine has one; the repair is reported" {
	on_small_stack
}

@test "the same in a program with threads" {
	MOVE_RANGE=yes on_small_stack
}

# As libsigsegv does it. The repair meets the page while signals are blocked.
@test "connect() on a stack that a handler of SIGSEGV makes larger" {
	export LD_BIND_NOW=1
	self_connects "$callers" growing 1024
	run shimmed in_ns "$callers" growing 1024
	[ "$output" = "refused: 1" ]
	repaired "reset in place"
	MOVE_RANGE=yes run shimmed in_ns "$callers" growing 1024
	[ "$output" = "refused: 1" ]
	repaired "reset in place"
}

@test "connect() in an atexit() handler" {
	heals "refused: 1" "$callers" atexit
	repaired "reset in place"
}

@test "connect() in a vfork() child, on a socket of its own" {
	heals refused "$callers" vfork
	repaired "reset in place"
}

@test "connect() in a vfork() child, on its parent's socket: reset for both" {
	heals refused "$callers" vfork-shared
	repaired "reset in place"
}

# Sets slow, whose folder is slow_files.
need_slow() {
	slow_files=$BATS_TEST_TMPDIR/slow
	slow=$build/tests/slow
	mkdir "$slow_files"
	in_ns "$slow" closing "$slow_files" >/dev/null || machine_cannot "there is no FUSE"
}

@test "connect() with a file open on a file system that takes its time" {
	need_slow
	self_connects "$slow" closing "$slow_files"
	says "refused: 2" "$slow" closing "$slow_files"
	not_repaired
	MOVE_RANGE=yes says "refused: 2" "$slow" closing "$slow_files"
	repaired "reset in place"
}

# slow_log TEXT WORD: a line is written slowly to a log there (see slow.c).
slow_log() {
	need_slow
	run in_ns "$slow" "$2" "$slow_files"
	[ "$status" != 125 ] || machine_cannot "the kernel has no message queues"
	self_connects "$slow" "$2" "$slow_files"
	MOVE_RANGE=yes says "$1" env NOSELFCONN_LOG="$slow_files/log" "$slow" "$2" "$slow_files"
}

@test "a program with threads never has the log open, and writing it takes no mq_notify() away" {
	slow_log $'the log is not open\nrefused: 1\nnotified' log
}

@test "a child does not wait for what its parent's thread still closes" {
	slow_log $'refused: 2\nthe log is not open\nrefused: 1\nnotified' both
}

@test "if the program is killed while the library reads the range, nothing is left" {
	run shimmed in_ns timeout 60 "$threads" killed
	[ "$output" = "nothing is left" ]
}

@test "connect() whose address another thread unmaps while it waits" {
	need ip
	# shellcheck disable=SC2016
	local elsewhere=(in_ns sh -c 'ip route add 192.0.2.1 dev lo && exec "$@"' sh)
	run "${elsewhere[@]}" timeout 60 "$threads" unmapped
	[ "$output" = EINTR ]
	run shimmed "${elsewhere[@]}" timeout 60 "$threads" unmapped
	[ "$output" = EINTR ]
}

@test "connect() in a program that waits for a message in a queue" {
	run in_ns "$threads" queue
	[ "$status" != 125 ] || machine_cannot "the kernel has no message queues"
	self_connects "$threads" queue
	says $'notified\nrefused: 2' "$threads" queue
	not_repaired
	# As the manual says of a repair.
	MOVE_RANGE=yes says $'not notified\nrefused: 2' "$threads" queue
	repaired "reset in place"
}

# --- Signals

@test "a storm of signals without SA_RESTART does not disturb a repair" {
	heals "refused: 300"$'\n'"never interrupted" "$signals" storm interrupt 300
}

@test "a storm of signals with SA_RESTART does not disturb a repair" {
	heals "refused: 300"$'\n'"never interrupted" "$signals" storm restart 300
}

# A signal that the kernel raises for what the thread itself does ends the process if it is blocked,
# and those of the C library make its other threads wait.
# These are ILL TRAP BUS FPE SEGV SYS, the two of the C library, and KILL and STOP.
@test "a repair blocks all signals but those that must never be blocked" {
	export LD_PRELOAD=$build/tests/meanwhile.so MEANWHILE='echo unblocked: $UNBLOCKED'
	heals "unblocked: 4 5 7 8 9 11 19 31 32 33"$'\n'"refused: 1" "$callers"
}

# The caller waits for a thread of the library's.
@test "in a program with threads, a handler of such a signal is called in a repair, too" {
	export MOVE_RANGE=yes LD_PRELOAD=$build/tests/caller.so
	self_connects "$signals" handled return
	says "refused: 2"$'\n'handled "$signals" handled return
	repaired "reset in place"
}

@test "it may leave connect() with siglongjmp()" {
	export MOVE_RANGE=yes LD_PRELOAD=$build/tests/caller.so
	self_connects "$signals" handled jump
	says "refused: 1"$'\n'handled "$signals" handled jump
}

@test "a handler that jumps out of connect() leaves no descriptor, mask or cancel state behind" {
	heals "jumped: 300" "$signals" jump 300
}

# With one thread, as the manual says.
@test "in a program with threads, no handler of SIGIO sees a self-connection" {
	self_connects "$signals" told 2
	says "refused: 1"$'\n'"seen by a handler: 0" "$signals" told 2
	not_repaired
	[ -n "${ABI-}" ] || says "refused: 1"$'\n'"seen by a handler: 1" "$signals" told 1
}

@test "a signal without SA_RESTART interrupts connect() while it waits after a repair" {
	export SERVE_FULL=1 LD_PRELOAD=$serve
	self_connects "$signals" wait interrupt
	run shimmed timeout 300 "$build/tests/netns" 40000 40001 "$signals" wait interrupt
	[ "$output" = "interrupted: 1" ]
	repaired "reset in place" interrupted
}

@test "a signal with SA_RESTART does not interrupt connect() while it waits after a repair" {
	export SERVE_FULL=1 LD_PRELOAD=$serve
	self_connects "$signals" wait restart
	run shimmed timeout 300 "$build/tests/netns" 40000 40001 "$signals" wait restart
	[ "$output" = "connected: 1" ]
	repaired "reset in place" connected
}

@test "a connect() whose SO_SNDTIMEO ends while it waits after a repair goes on" {
	local words=(tcp4 patience 100 connect 127.0.0.1 40000)
	export SERVE_FULL=1 LD_PRELOAD=$serve
	# The control: the server that does not answer is there at the second connect().
	run in_ns 41000-41001 "$client" tcp4 connect 127.0.0.1 40000 "${words[@]}"
	[ "$output" = "connect: ECONNREFUSED"$'\n'"connect: EINPROGRESS" ]
	run in_ns "$client" "${words[@]}"
	[ "$output" = "connect: ok" ]
	run shimmed in_ns "$client" "${words[@]}"
	[ "$output" = "connect: EINPROGRESS" ]
	repaired "reset in place" connecting
}

# --- Threads

@test "a hundred threads connect to one closed port" {
	range=40000-40255
	heals "refused: 2000" "$threads" crowd 100 20
	not_repaired
}

@test "a hundred threads connect to one closed port, in a range that is not known" {
	export range=40000-40255 MOVE_RANGE=yes
	heals "refused: 2000" "$threads" crowd 100 20
	repaired "reset in place"
}

@test "a thread with the smallest stack connects, and the repair is reported" {
	export MOVE_RANGE=yes
	self_connects "$threads" small
	run env NOSELFCONN_VERBOSE=1 LD_PRELOAD="$library" "$build/tests/netns" 40000 40001 \
		"$threads" small
	[ "${lines[1]}" = "refused: 1" ]
	[[ ${lines[0]} == *": reset in place: connection refused" ]]
}

@test "no descriptor is lost when a thread is cancelled" {
	export MOVE_RANGE=yes
	heals "cancelled: 300" "$threads" cancel deferred 300
}

@test "no descriptor is lost when a thread is cancelled asynchronously" {
	export MOVE_RANGE=yes
	heals "cancelled: 300" "$threads" cancel asynchronous 300
}

@test "a thread that closes the descriptor meanwhile, and opens a file: it stays as it is" {
	export MOVE_RANGE=yes
	heals "under the same number" "$threads" closer 1000
}

@test "the descriptor is closed before the reset, and another file opened: it stays as it is" {
	export LD_PRELOAD=$swap SWAP=file SWAP_AT=2
	heals "connect: ECONNREFUSED"$'\n'"a file" "$callers" swapped
}

@test "the descriptor is closed after the reset, and another file opened: it stays as it is" {
	export LD_PRELOAD=$swap SWAP=file SWAP_AT=3
	heals "connect: ECONNREFUSED"$'\n'"a file" "$callers" swapped
}

@test "the descriptor is closed before the reset, and a socket opened: it stays as it is" {
	export LD_PRELOAD=$swap SWAP=socket SWAP_AT=2
	heals "connect: ECONNREFUSED"$'\n'"a new socket" "$callers" swapped
}

@test "the descriptor is closed after the reset, and a socket opened: it stays as it is" {
	export LD_PRELOAD=$swap SWAP=socket SWAP_AT=3
	heals "connect: ECONNREFUSED"$'\n'"a new socket" "$callers" swapped
}

@test "a handler that closes the descriptor before connect() waits, and opens a socket: it stays" {
	export LD_PRELOAD=$swap SWAP=socket SWAP_AT=3 SWAP_BY=signal
	heals "connect: EBADF"$'\n'"a new socket" "$callers" swapped
}

# It is connected to itself, too, because it has been bound to that port, and has sent something.
@test "a handler that closes the descriptor while connect() waits, and opens a socket: it stays" {
	export LD_PRELOAD=$swap SWAP=self SWAP_AFTER=4 SWAP_BY=signal
	heals "connect: EINTR"$'\n'"self-connected, and has sent to itself" "$callers" swapped
}

# The kernel's own answer would be EINVAL, to this connect() and to every later one.
@test "a handler that shuts the socket down before connect() waits: it is refused, and can be used again" {
	export LD_PRELOAD=$swap SWAP=shutdown SWAP_AT=3 SWAP_BY=signal
	local words=(tcp4 connect 127.0.0.1 40000 error connect 127.0.0.1 7)
	run in_ns "$client" "${words[@]}"
	said "connect: ok"
	says "connect: ECONNREFUSED"$'\n'"error: ok"$'\n'"connect: ECONNREFUSED" "$client" "${words[@]}"
}

@test "the descriptor of a non-blocking socket is closed after the reset: EBADF, not EINPROGRESS" {
	export LD_PRELOAD=$swap SWAP=file SWAP_AT=3
	heals "connect: EBADF"$'\n'"a file" "$callers" swapped-nonblock
}

# children HOW MADE MORE: so many children were made of it (see forks.c), and so many have got more
# than there was when the first was made.
children() {
	export FORK=$1 LD_PRELOAD=$build/tests/forks.so
	heals "refused: 20"$'\n'"children: $2, with more descriptors: $3" "$threads" crowd 1 20
}

@test "a child that another thread makes while one connects has no descriptor of the library's" {
	local how
	for how in fork _Fork vfork clone spawn; do
		children $how 20 0
	done
	not_repaired
}

# The first is the child of a call to another port.
@test "nor has one that another thread makes during a repair" {
	local how
	export MOVE_RANGE=yes
	for how in fork _Fork vfork clone spawn; do
		children $how 61 0
		repaired "reset in place"
	done
}

# The limit: the guard and a copy of the socket.
@test "behind a seccomp filter it has, until it executes something" {
	export MOVE_RANGE=yes FILTER=yes LD_PRELOAD=$build/tests/forks.so
	FORK=fork run shimmed in_ns "$threads" crowd 1 20
	[[ $output =~ ^"refused: 20"$'\n'"children: "[0-9]+", with more descriptors: "[1-9] ]]
	FORK=spawn run shimmed in_ns "$threads" crowd 1 20
	[[ $output =~ ^"refused: 20"$'\n'"children: "[0-9]+", with more descriptors: 0"$ ]]
}

# A sandbox: see kernels.bats.
@test "in a program with threads, too, a socket that can't be disconnected is replaced" {
	ABSENT='' in_ns true || cannot "calls can't be made to fail by ptrace() here"
	export MOVE_RANGE=yes
	self_connects "$threads" crowd 1 20
	ABSENT='' ABSENT_DISCONNECT=all run shimmed in_ns "$threads" crowd 1 20
	[[ ${lines[0]} == "refused: "* ]]
	[[ $output != *self-connected* ]]
	repaired replaced
}

@test "a child that another thread makes while the library reads the range does not have it open" {
	run shimmed in_ns timeout 60 "$threads" child
	[ "$output" = "the child has nothing of it"$'\n'"refused: 1" ]
	# The test can see it: if the kernel makes no thread for us.
	run shimmed in_ns timeout 60 "$threads" child alone
	[ "$output" = "the child has it open"$'\n'"refused: 1" ]
}

# --- stdin, stdout, stderr

@test "a report does not land in a socket that has become descriptor 2" {
	export LD_PRELOAD=$serve NOSELFCONN_VERBOSE=1
	self_connects "$callers" reuse-stderr socket
	run shimmed in_ns "$callers" reuse-stderr socket
	said "connected: 1" "written: 'end'"
	repaired "reset in place" connected
}

@test "a report does not land in a file that has become descriptor 2" {
	export NOSELFCONN_VERBOSE=1
	self_connects "$callers" reuse-stderr file
	run shimmed in_ns "$callers" reuse-stderr file
	said "refused: 1" "written: ''"
	repaired "reset in place"
}

@test "nor in the socket of a program that was started without stderr" {
	export LD_PRELOAD=$serve NOSELFCONN_VERBOSE=1
	run shimmed in_ns sh -c 'exec "$@" 2>&-' sh "$callers" reuse-stderr socket
	said "connected: 1" "written: 'end'"
	repaired "reset in place" connected
}

@test "with descriptors 0 to 2 closed, none of the library's own is there" {
	need strace
	self_connects "$callers" none-below-3
	run in_ns strace -f -o "$BATS_TEST_TMPDIR/trace" \
		-E LD_PRELOAD="$library${single:+:$single}" "$callers" none-below-3
	[ "$output" = refused ]
	grep -q AF_UNSPEC "$BATS_TEST_TMPDIR/trace"
	run grep -E '(connect|bind|[gs]etsockopt|getsockname)\([012],' "$BATS_TEST_TMPDIR/trace"
	[ "$status" = 1 ]
}

@test "a program does not die of a report on a pipe that has no reader" {
	export NOSELFCONN_VERBOSE=1
	heals "refused: 1" "$callers" broken-stderr "$callers"
	repaired "reset in place"
}

@test "a program does not wait for a report on a pipe that is full" {
	export NOSELFCONN_VERBOSE=1
	heals "refused: 1" "$callers" full-stderr "$callers"
	repaired "reset in place"
}

@test "a program that may not write to files does not die of a report in one" {
	self_connects sh -c 'ulimit -f 0; exec "$0"' "$callers"
	run shimmed in_ns sh -c 'ulimit -f 0; "$0" | cat' "$callers"
	[ "$output" = "refused: 1" ]
}

# --- What may be missing

@test "descriptors run out, at each point of a repair" {
	local limit
	local limited=(sh -c 'for fd in 3 4 5 6 7 8 9; do eval "exec $fd>&-"; done
		ulimit -n "$0"; exec "$@"')
	for limit in 4 5 6 7 8 20; do
		heals "refused: 1" "${limited[@]}" "$limit" "$callers"
	done
	repaired "reset in place"
}

@test "in a chroot without /proc, a self-connection is repaired" {
	mkdir "$BATS_TEST_TMPDIR/root"
	export NOSELFCONN_LOG=/log
	run in_ns "$callers" chroot "$BATS_TEST_TMPDIR/root"
	[ "$status" = 0 ] || cannot "chroot() needs a privilege"
	[ "$output" = "self-connected: 1" ]
	run env LD_PRELOAD="$library${single:+:$single}" NOSELFCONN_LOG=/log "$build/tests/netns" 40000 40001 \
		"$callers" chroot "$BATS_TEST_TMPDIR/root"
	[ "$output" = "refused: 1" ]
	mv "$BATS_TEST_TMPDIR/root/log" "$BATS_TEST_TMPDIR/log"
	repaired "reset in place"
}

# refused_calls HOW NAME...: a seccomp filter refuses these calls with EPERM, one at a time; HOW
# may be "any".
refused_calls() {
	local how=$1 name
	shift
	for name; do
		self_connects "$callers" refuse "$name"
		run shimmed in_ns "$callers" refuse "$name"
		echo "$name: $output"
		[ "$output" = "refused: 1" ]
		[ "$how" = any ] || repaired "$how" "connection refused"
	done
}

@test "where a seccomp filter refuses what a repair can do without, it does without" {
	refused_calls "reset in place" getsockopt fcntl prctl
}

# Every other answer of a sandbox ends in this: the kernel calls a handler, or ends the process.
@test "where a handler of SIGSYS answers for what is refused, it is called in a repair, too" {
	local name
	for name in socket bind fcntl getsockopt rt_sigprocmask; do
		self_connects "$callers" trap "$name"
		run shimmed in_ns "$callers" trap "$name"
		echo "$name: $output"
		[ "$output" = "refused: 1" ]
		repaired "reset in place"
	done
}

# Then there can be no log.
@test "where a seccomp filter refuses openat(), the socket is reset in place" {
	export NOSELFCONN_VERBOSE=1
	self_connects "$callers" refuse openat
	run shimmed in_ns "$callers" refuse openat
	[[ ${lines[0]} == *": reset in place: connection refused" ]]
	[ "${lines[1]}" = "refused: 1" ]
}

@test "where a seccomp filter refuses what keeps the port from being chosen again" {
	refused_calls any socket bind
}

# The kernel's answer for a socket that has a port, too.
@test "where a seccomp filter refuses bind() with EINVAL, it is not for the program's port" {
	self_connects "$callers" refuse bind 22
	run shimmed in_ns "$callers" refuse bind 22
	[ "$output" = "refused: 1" ]
	repaired "reset in place"
}

# As the manual says.
@test "where a seccomp filter refuses getsockname(), the library sees no self-connection" {
	run shimmed in_ns "$callers" refuse getsockname
	[ "$output" = "connected: 1" ]
	not_repaired
}

@test "where a seccomp filter refuses to block signals, the repair does without" {
	refused_calls "reset in place" rt_sigprocmask
}

@test "where a seccomp filter refuses setsockopt(), there is no self-connection" {
	self_connects "$callers" refuse setsockopt
	run shimmed in_ns "$callers" refuse setsockopt
	[[ $output != *self-connected* ]]
	[[ $output != *descriptors* ]]
	[ -s "$BATS_TEST_TMPDIR/log" ]
}

# trace_of_many N: says how many system calls a repair takes with that many descriptors open.
trace_of_many() {
	in_ns "$callers" many "$1" strace -f -o "$BATS_TEST_TMPDIR/trace" \
		-E LD_PRELOAD="$library${single:+:$single}" \
		-E NOSELFCONN_LOG="$BATS_TEST_TMPDIR/log" "$callers" >&2
	sed -n '/"begin"/,/"end"/p' "$BATS_TEST_TMPDIR/trace" | wc -l
}

@test "a program with 50,000 descriptors: a repair makes as many calls as with ten" {
	need strace
	self_connects "$callers" many 50000 "$callers"
	local few many
	few=$(trace_of_many 0)
	repaired "reset in place"
	many=$(trace_of_many 50000)
	repaired "reset in place"
	echo "$few, $many system calls"
	[ "$few" = "$many" ]
}
