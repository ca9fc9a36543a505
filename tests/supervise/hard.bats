# SPDX-License-Identifier: MIT
# Programs that connect in places that are hard for the library, supervised: see hostile/callers.c,
# threads.c, signals.c and pointers.c.
# shellcheck disable=SC2086,SC2154 # words are lists; run sets output

load ../lib/helpers

setup() {
	load supervised
	need_supervisor
}

# How often is tried what must be tried often: less on an imitated processor.
times=${TIMES:-1000} few=$((${TIMES:-1000} / 10))

# only WORDS COMMAND...: alone, the command is connected to itself; supervised it says just these.
only() {
	local words=$1
	shift
	run in_ns "$@"
	[[ $output == *self-connected* ]]
	run in_ns timeout -s KILL 300 $supervise "$@"
	[ "$output" = "$words" ] || { printf 'it said: %s\n' "$output" >&2; return 1; }
}

@test "in a signal handler, in atexit(), and in a child of vfork()" {
	only "refused: 1" "$build/tests/callers" handler
	only "refused: 1" "$build/tests/callers" atexit
	only "refused" "$build/tests/callers" vfork
	only "refused" "$build/tests/callers" vfork-shared
}

@test "in many threads at once" {
	run in_ns "$build/tests/threads" crowd $few 20
	[[ $output == *self-connected* ]]
	run in_ns timeout -s KILL 300 $supervise "$build/tests/threads" crowd $few 20
	said "refused: $((few * 20))" || # two ports may both be taken
		[[ $output =~ ^refused:\ [0-9]+$'\n'other:\ [0-9]+\ \(EADDRNOTAVAIL\)$ ]]
}

@test "on a number under which nothing was open when the call began, and then a socket was" {
	run in_ns timeout -s KILL 300 $supervise "$build/tests/tables" reused $((3 * times))
	[ "$output" = reused ]
}

@test "in a thread that is cancelled" {
	only "cancelled: $few" "$build/tests/threads" cancel deferred $few
	only "cancelled: $few" "$build/tests/threads" cancel asynchronous $few
}

@test "in a storm of signals that restart the call, or jump out of it" {
	only "refused: $times"$'\n'"never interrupted" "$build/tests/signals" storm restart "$times"
	only "jumped: $few" "$build/tests/signals" jump $few
}

@test "with pointers that can't be read, at every level" {
	run in_ns $supervise "$build/tests/pointers"
	[ "$output" = "all alike" ]
}

@test "children that are killed while they connect" {
	need python3
	run in_ns $supervise timeout -s KILL 300 python3 -c '
import os, signal, socket, sys, time
for i in range(100):
    child = os.fork()
    while not child:
        socket.socket().connect_ex(("127.0.0.1", 40000))
    time.sleep(i % 10 / 10000)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
os.execv(sys.argv[1], sys.argv[1:])' "$client" tcp4 connect 127.0.0.1 40000
	[ "$output" = "connect: ECONNREFUSED" ]
}

@test "a thousand processes at once" {
	need python3
	crowd='
import os, socket
children = []
for i in range(1000):
    child = os.fork()
    if not child:
        os._exit(socket.socket().connect_ex(("127.0.0.1", 40000)))
    children.append(child)
print({os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children})'
	run in_ns timeout -s KILL 100 python3 -c "$crowd"
	[[ $output == *0* ]]
	run in_ns timeout -s KILL 100 $supervise python3 -c "$crowd"
	[[ $output = "{111}" || $output = "{99, 111}" ]] # two ports may both be taken
}
