# SPDX-License-Identifier: MIT
# The processes around the command: but for its pid, it is the user's.
# shellcheck disable=SC2016,SC2086,SC2154 # for the inner shells; words are lists; run sets output

load ../lib/helpers

setup() {
	load supervised
	bats_require_minimum_version 1.5.0
	need_supervisor
	need pgrep ps
	cd "$BATS_TEST_TMPDIR" || return
}

# What a failed test has started ends with it.
teardown() {
	[ -z "${front-}" ] || kill -KILL -- "-$front" 2>/dev/null || :
}

# supervisor_of FRONT, witness_of FRONT: waits until there is one, which has a session of its own, or
# not.
supervisor_of() {
	until ps -o pid=,sid= --ppid "$1" | awk '$1 == $2 { print $1; found = 1 } END { exit !found }'; do
		read -r -t 0.01 <> <(:) || :
	done
}

witness_of() {
	until ps -o pid=,sid= --ppid "$1" | awk '$1 != $2 { print $1; found = 1 } END { exit !found }'; do
		read -r -t 0.01 <> <(:) || :
	done
}

# For the inner shells.
export client supervise
export -f supervisor_of witness_of

# both COMMAND...: runs it in a namespace alone, and supervised; both are to say the same.
both() {
	run in_ns "$@" <<<input
	local without="$status $output"
	run in_ns $supervise "$@" <<<input
	[ "$status $output" = "$without" ] || {
		printf 'without: %s\nwith: %s\n' "$without" "$status $output" >&2
		return 1
	}
}

# until_ok COMMAND...: waits until it succeeds, at most ten seconds.
until_ok() {
	local i
	for ((i = 0; i < 1000; i++)); do
		! "$@" || return 0
		read -r -t 0.01 <> <(:) || :
	done
	echo "never: $*" >&2
	return 1
}

# A command that says "ready", says what signals it gets, and ends with USR2. Of RTMIN it gets as
# many as were sent, while other signals become one until it takes them.
counts='
import signal as s
all = {s.SIGTERM, s.SIGHUP, s.SIGUSR1, s.SIGWINCH, s.SIGUSR2, s.SIGRTMIN}
s.pthread_sigmask(s.SIG_BLOCK, all)
print("ready")
got = 0
while got != s.SIGUSR2:
    got = s.sigwait(all)
    print(s.Signals(got).name)
exit(3)'

# start COMMAND...: starts it in a group of its own. Sets front.
start() {
	setsid $supervise "$@" >out 2>&1 &
	front=$!
	until_ok grep -qs ready out
}

ends_with() {
	local status=0
	wait "$front" || status=$?
	[ "$status" = "$1" ]
}

# none_left WORD: no process has that word on its command line.
none_left() {
	until_ok no_process "$1"
}

no_process() {
	! pgrep -f "$1" >/dev/null
}

@test "the exit status is the command's" {
	both sh -c 'exit 0'
	both sh -c 'exit 7'
	both sh -c 'exit 255'
}

@test "a command that dies by a signal, so does the supervised one" {
	both bash -c 'kill -TERM $$'
	both bash -c 'kill -KILL $$'
	both bash -c 'ulimit -c 0; kill -SEGV $$'
	run bash -c '"$@"; echo "$?"' - $supervise sh -c 'kill -PIPE $$'
	[ "${lines[-1]}" = 141 ]
}

@test "only the command leaves a core" {
	[[ $(cat /proc/sys/kernel/core_pattern) = core ]] || machine_cannot "cores go elsewhere"
	run bash -c 'ulimit -c unlimited; env -i "$@"' - $supervise sh -c 'kill -SEGV $$'
	[ "$status" = 139 ]
	[ -e core ] || machine_cannot "there are no cores"
	! grep -aqs supervise core /core # the wrapper has left the directory
}

@test "a command that isn't found is 127, one that can't be run is 126" {
	bats_require_minimum_version 1.5.0
	run -127 $supervise ./no-such-command
	[ "$status" = 127 ]
	[ "$output" = "noselfconn: ./no-such-command: No such file or directory" ]
	touch plain
	run $supervise ./plain
	[ "$status" = 126 ]
	[ "$output" = "noselfconn: ./plain: Permission denied" ]
}

@test "input, output, arguments, environment, directory, limits and umask are the command's" {
	both env -i PATH="$PATH" A=1 sh -c 'cat; pwd; umask; ulimit -a; env | grep -v ^_=; printf "<%s>" "$@"' - \
		'' 'a  b' '*'
}

@test "no descriptor is left open in the command, and none closed" {
	both sh -c 'ls -l /proc/self/fd | sed "s/.* [0-9:]* \([0-9]* ->\)/\1/; s/:.*//; /self/d; /proc/d"' 7</dev/null 2>&-
}

@test "the command has the signal mask and what is ignored from the user" {
	need python3
	both grep -E "^Sig(Blk|Ign|Cgt)" /proc/self/status # no shell, which sets its own
	trap '' HUP USR1
	blocking=(python3 -c 'import os, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR2})
os.execvp(sys.argv[1], sys.argv[1:])')
	run in_ns "${blocking[@]}" grep -E "^Sig(Blk|Ign|Cgt)" /proc/self/status
	local without=$output
	run in_ns "${blocking[@]}" $supervise grep -E "^Sig(Blk|Ign|Cgt)" /proc/self/status
	[ "$output" = "$without" ]
}

# started WORDS: a shell that does these words, and then becomes what follows.
started() {
	started=(sh -c "$1"'; exec "$@"' -)
}

@test "if the user ignores SIGCHLD, so does the command, whose end is seen all the same" {
	need perl python3
	ignoring=(timeout -s KILL 20 perl -e '$SIG{CHLD} = "IGNORE"; exec @ARGV')
	says=(python3 -c 'print(*[line for line in open("/proc/self/status") if "SigIgn" in line])
exit(7)') # unlike sh, it leaves SIGCHLD alone
	run in_ns "${ignoring[@]}" "${says[@]}"
	local without="$status $output"
	run in_ns "${ignoring[@]}" $supervise "${says[@]}"
	[ "$status $output" = "$without" ]
	[ "$status" = 7 ]
}

@test "without stdin, stdout and stderr, and with nowhere to say what is wrong" {
	for closed in '<&- >&- 2>&-' '<&- 2>&-' '2>&-'; do
		started "exec $closed"
		run in_ns "${started[@]}" "$build/supervise" verbose sh -c 'exit 6'
		[ "$status $output" = "6 " ]
		run -127 in_ns "${started[@]}" "$build/supervise" verbose ./no-such-command
		[ -z "$output" ]
		run in_ns "${started[@]}" "$build/tests/refuse" docker -- "$build/supervise" warn sh -c 'exit 6'
		[ "$status $output" = "6 " ]
	done
}

@test "without a terminal and a session of its own, and in the background" {
	run in_ns setsid -w $supervise "$client" tcp4 connect 127.0.0.1 40000
	[ "$status $output" = "0 connect: ECONNREFUSED" ]
	scene '$supervise "$client" tcp4 connect 127.0.0.1 40000 & wait $!; echo "status $?"'
	said "connect: ECONNREFUSED" "status 0"
}

@test "the time that the command and its children use is accounted to it" {
	scene 'TIMEFORMAT=%U; time $supervise bash -c "for ((i = 0; i < 300000; i++)); do :; done"'
	[ "${output//[.,]/}" -gt 100 ]
}

# The witness stops with the group, and is still the only one.
stop_and_go() {
	supervisor_of "$front" >/dev/null
	witness_of "$front" >/dev/null
	kill -STOP -- "-$front"
	until_ok eval "ps -o stat= '$front' | grep -q T"
	kill -CONT -- "-$front"
	until_ok eval "! ps -o stat= '$front' | grep -q T"
	[ "$(pgrep -c -P "$front" supervise)" = 2 ]
}

kill_witness() {
	local witness
	witness=$(witness_of "$front")
	kill -KILL "$witness"
	until_ok eval "ps -o stat= '$witness' | grep -q Z"
	until_ok eval "pgrep -P '$front' -r S supervise | grep -qv $(supervisor_of "$front")"
}

# signals_to SIGN [AFTER]: the wrapper alone, or "-" for its group. The command gets each once.
signals_to() {
	need python3
	start python3 -uc "$counts"
	${2-}
	for signal in TERM RTMIN HUP USR1 WINCH USR2; do
		kill -$signal -- "$1$front"
		until_ok grep -q $signal out
	done
	ends_with 3
	[ "$(tr '\n' ' ' <out)" = 'ready SIGTERM SIGRTMIN SIGHUP SIGUSR1 SIGWINCH SIGUSR2 ' ]
}

@test "a signal to the wrapper alone reaches the command once" {
	signals_to ""
}

@test "a signal to the whole group reaches the command once" {
	signals_to - stop_and_go
}

@test "if the process that tells these two apart is killed, too" {
	signals_to - kill_witness
	signals_to "" kill_witness
}

@test "a signal that was queued with a value has it" {
	need python3
	start python3 -uc '
import ctypes, signal, struct
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
print("ready")
libc, mask, info = ctypes.CDLL(None), ctypes.c_ulong(1 << signal.SIGUSR1 - 1), ctypes.create_string_buffer(128)
libc.sigtimedwait(ctypes.create_string_buffer(bytes(mask), 128), info, None)
print(struct.unpack_from("i", info, 16 + ctypes.sizeof(ctypes.c_long))[0])'
	python3 -c 'import ctypes, signal, sys
ctypes.CDLL(None).sigqueue(int(sys.argv[1]), signal.SIGUSR1, ctypes.c_void_p(4711))' "$front"
	ends_with 0
	[ "$(tail -n 1 out)" = 4711 ]
}

@test "timeout ends the command, with the group and alone" {
	run timeout 0.2 $supervise sleep 7654.1
	[ "$status" = 124 ]
	none_left '[s]leep 7654.1'
	run timeout --foreground 0.2 $supervise sleep 7654.2
	[ "$status" = 124 ]
	none_left '[s]leep 7654.2'
}

@test "SIGKILL of the wrapper alone ends the command" {
	start bash -c 'echo ready; exec sleep 7654.3'
	kill -KILL "$front"
	ends_with 137
	none_left '[s]leep 7654.3'
	none_left '[s]upervise quiet bash -c echo ready; exec sleep 7654.3'
}

# scene WORDS: a bash in a namespace of its own runs them; what they leave behind ends with it.
scene() {
	run in_ns timeout 60 bash -c '
		said() { until [ -s "$1" ]; do read -r -t 0.01 <> <(:); done; cat "$1"; }
		gone() { while kill -0 "$1" 2>/dev/null; do read -r -t 0.01 <> <(:); done; }
		more() {
			local now=$(wc -l <said)
			until [ $(wc -l <said) -gt $((now + 200)) ]; do read -r -t 0.01 <> <(:); done
		}
		goes_on() { more; touch stop; } # and then ends
		children() { until pgrep -P "$1"; do read -r -t 0.01 <> <(:); done; }
		'"$1"
}

@test "the daemons that a command leaves are supervised after its end, and nothing of it stays open" {
	mkfifo fifo
	scene '$supervise sh -c "setsid sh -c \"read x <fifo; exec \$client tcp4 connect 127.0.0.1 40000 >said\" >/dev/null 2>&1 & exit 5" | cat
		echo "status ${PIPESTATUS[0]}"
		echo go >fifo
		said said
		while pgrep supervise; do read -r -t 0.01 <> <(:); done >pids
		echo "and the supervisor has ended"'
	said "status 5" "connect: ECONNREFUSED" "and the supervisor has ended"
}

@test "orphans are reaped" {
	scene '$supervise sh -c "sh -c \"sh -c : & exec sleep 0.1\" & sleep 0.2
		ps -o stat= --ppid \$PPID --ppid \$(ps -o ppid= \$PPID)" | grep -c Z'
	[ "$output" = 0 ]
}

@test "what the command closes is closed" {
	scene '{ yes; echo >ended; } | $supervise bash -c "exec <&-
		until [ -e ended ]; do read -r -t 0.01 <> <(:); done; echo closed"'
	[ "$output" = closed ]
}

@test "the directory that the command was started in is not kept in use" {
	scene '$supervise sh -c "readlink /proc/\$PPID/cwd /proc/\$((\$(ps -o ppid= \$PPID)))/cwd"'
	[ "$output" = $'/\n/' ]
}

@test "SIGKILL of the group ends the command, and what has left the group is still supervised" {
	mkfifo fifo
	scene 'set -m
		$supervise bash -c "setsid sh -c \"echo ready >ready; read x <fifo
			exec \$client tcp4 connect 127.0.0.1 40000 >said\" & wait" 2>/dev/null &
		front=$!
		said ready
		kill -KILL -- -$front
		wait $front
		echo "status $?"
		echo go >fifo
		said said'
	said "status 137" "connect: ECONNREFUSED"
}

# It connects all the time, in one process after another, until there is a file named stop.
export connecting='until [ -e stop ]; do
	"$client" tcp4 connect 127.0.0.1 40000 close times 100
done >said 2>&1'

# What dies meanwhile: no call fails otherwise than by being refused.
survives() {
	scene '$supervise sh -c "$connecting" &
		front=$!
		supervisor=$(supervisor_of $front)
		said said >/dev/null
		'"$1"'
		goes_on
		wait $front
		echo "status $?"
		sort -u said'
	[ "$output" = $'status 0\nconnect: ECONNREFUSED' ]
}

@test "if the supervisor is killed, no call fails, and all are still refused" {
	survives 'kill -KILL $supervisor; gone $supervisor'
}

# A daemon that its command has left connects all the time; what serves it dies, and what then does.
@test "if the supervisor is killed after the command's end, and the next one, daemons are protected" {
	scene '$supervise sh -c "echo \$PPID >pid
			setsid sh -c \"\$connecting; echo yes >ended\" &"
		said said >/dev/null
		kill -KILL $(cat pid)
		for i in 1 2; do
			until next=$(ps -o pid=,stat= -C supervise | awk "\$2 !~ /Z/ { n++; pid = \$1 } END { print pid; exit n != 2 }"); do :; done
			kill -KILL $(pgrep -o supervise)
		done
		goes_on
		said ended >/dev/null
		sort -u said'
	[ "$output" = "connect: ECONNREFUSED" ]
}

# Words for a scene: who has taken over goes on until there is nothing left, and then ends.
ends_with_what_is_left='goes_on
	said ended >/dev/null
	while pgrep supervise; do read -r -t 0.01 <> <(:); done >pids
	sort -u said'

# The shell has said what was killed.
only_refused() {
	[ "${lines[-1]}" = "connect: ECONNREFUSED" ]
	[[ ${lines[-2]-} != connect:* ]]
}

@test "if the supervisor is killed, and then the wrapper, what is left is protected" {
	scene '$supervise sh -c "$connecting; echo yes >ended" &
		front=$!
		said said >/dev/null
		supervisor=$(supervisor_of $front)
		kill -KILL $supervisor; gone $supervisor
		until [ $(pgrep -c -P $front supervise) = 2 ]; do :; done # the witness and the keeper
		kill -KILL $front
		'"$ends_with_what_is_left"
	only_refused
}

@test "if the supervisor is killed, and then the wrapper's group, what has left that is protected" {
	scene 'set -m
		$supervise sh -c "setsid sh -c \"\$connecting; echo yes >ended\" & wait" &
		front=$!
		said said >/dev/null
		supervisor=$(supervisor_of $front)
		kill -KILL $supervisor; gone $supervisor
		supervisor_of $front >keeper # which has a session of its own
		kill -KILL -- -$front
		'"$ends_with_what_is_left"
	only_refused
}

@test "if the wrapper is killed, and then the supervisor, what has left the command is protected" {
	scene '$supervise sh -c "setsid sh -c \"\$connecting; echo yes >ended\" & wait" &
		front=$!
		said said >/dev/null
		supervisor=$(supervisor_of $front)
		kill -KILL $front
		until pgrep -P $supervisor supervise >keeper; do :; done
		kill -KILL $supervisor; gone $supervisor
		'"$ends_with_what_is_left"
	only_refused
}

# Two would take the same call. Who serves has the ephemeral port range open.
@test "if the supervisor is killed, and then the command ends, one process serves what is left" {
	mkfifo fifo
	scene '$supervise sh -c "setsid sh -c \"\$connecting; echo yes >ended\" &
			read x <fifo; exit 5" &
		front=$!
		said said >/dev/null
		supervisor=$(supervisor_of $front)
		kill -KILL $supervisor; gone $supervisor
		echo go >fifo
		wait $front
		echo "status $?"
		more
		echo "$(ls -l /proc/[0-9]*/fd 2>/dev/null | grep -c ip_local_port_range) serves"
		'"$ends_with_what_is_left"
	said "status 5" "1 serves" "connect: ECONNREFUSED"
}

# hangs WHERE START: the supervisor hangs there (see hang.c), while a client that START starts waits
# for it, and is killed. Sets output to what the client says.
hangs() {
	rm -f fifo pid said hung
	mkfifo fifo
	export HANG=$1 HANG_IN=$PWD LD_PRELOAD=$build/tests/hang.so
	export connects='read x <fifo; exec $client tcp4 connect 127.0.0.1 40000 >said'
	scene "$2 &"'
		said pid >/dev/null
		touch arm
		echo go >fifo
		until [ -e hung ]; do read -r -t 0.01 <> <(:); done
		kill -KILL $(cat pid)
		said said'
	unset LD_PRELOAD
}

# The command waits, or has ended and left a daemon.
command='$supervise sh -c "echo \$PPID >pid; $connects"'
daemon='$supervise sh -c "echo \$PPID >pid; (setsid sh -c \"\$connects\" &)"'

@test "if the supervisor is killed when it has taken a call, who takes over protects that call" {
	for where in take look; do
		hangs $where "$command"
		[ "$output" = "connect: ECONNREFUSED" ]
		hangs $where "$daemon"
		[ "$output" = "connect: ECONNREFUSED" ]
	done
}

@test "if a call that is looked at is killed, and its process number is another one's, that one is let alone" {
	need python3
	export HANG=look HANG_IN=$PWD LD_PRELOAD=$build/tests/hang.so
	own_range=''
	! in_ns "$client" tcp4 get 0 51 >/dev/null 2>&1 || own_range=yes
	export own_range
	scene '$supervise python3 -c "
import ctypes, os, signal, socket, sys, time
libc = ctypes.CDLL(None)
address = ctypes.create_string_buffer(bytes([2, 0, 40000 >> 8, 40000 & 255, 127, 0, 0, 1] + [0] * 8), 16)
first, other = socket.socket(), socket.socket()
child = os.fork()
if not child:
    open(\"arm\", \"w\").close()
    libc.connect(first.fileno(), address, 16)
    os._exit(1)
while not os.path.exists(\"hung\"):
    time.sleep(0.01)
os.kill(child, signal.SIGKILL)
os.waitpid(child, 0)
os.dup2(other.fileno(), first.fileno()) # under the same number
try:
    with open(\"/proc/sys/kernel/ns_last_pid\", \"w\") as last:
        last.write(str(child - 1))
except OSError:
    sys.exit(\"no ns_last_pid\")
next = os.fork()
if not next:
    signal.pause()
os.unlink(\"hung\")
print(\"same number\" if next == child else \"another number\")
print(socket.socket().connect_ex((\"127.0.0.1\", 40000))) # after this, that was looked at
print(other.getsockname()[1], other.getsockopt(0, 51) if os.environ[\"own_range\"] else 0)
os.kill(next, signal.SIGKILL)"'
	unset LD_PRELOAD
	[[ $output != *"no ns_last_pid"* ]] || machine_cannot "process numbers can't be chosen here"
	said "same number" 111 "0 0"
}

# The kernel's own call then is, as ever.
@test "a call that was taken is not interrupted by a signal before it has begun" {
	need python3
	[ "$(printf '5.19\n%s\n' "$(uname -r)" | sort -V | head -n 1)" = 5.19 ] || machine_cannot "Linux before 5.19"
	mkfifo fifo
	export HANG=take HANG_IN=$PWD LD_PRELOAD=$build/tests/hang.so
	scene '$supervise python3 -c "
import ctypes, os, signal, socket
libc = ctypes.CDLL(None, use_errno=True)
address = ctypes.create_string_buffer(bytes([2, 0, 40000 >> 8, 40000 & 255, 127, 0, 0, 1] + [0] * 8), 16)
signal.signal(signal.SIGUSR1, lambda *_: print(\"signalled\", flush=True))
signal.siginterrupt(signal.SIGUSR1, True)
s = socket.socket()
print(os.getpid(), file=open(\"pid\", \"w\"))
open(\"fifo\").read()
libc.connect(s.fileno(), address, 16)
print(\"begun\" if s.getsockname()[1] else \"not begun\")" &
		pid=$(said pid)
		touch arm
		echo go >fifo
		until [ -e hung ]; do read -r -t 0.01 <> <(:); done
		kill -USR1 $pid
		rm hung
		wait'
	unset LD_PRELOAD
	said signalled "begun"
}

@test "if the supervisor is killed, the exit status, signals and stops are still passed on" {
	scene '$supervise bash -c "echo ready >ready; trap \"exit 9\" TERM; while :; do read -r -t 0.01 <> <(:); done" &
		front=$!
		said ready
		kill -KILL $(supervisor_of $front)
		kill -TERM $front
		wait $front
		echo "status $?"'
	said "status 9"
}

@test "if the supervisor is killed before it has said how the command ended, that is an end by SIGKILL" {
	export HANG=tell HANG_IN=$PWD LD_PRELOAD=$build/tests/hang.so
	scene '$supervise bash -c "echo ready >ready; while [ ! -e go ]; do read -r -t 0.01 <> <(:); done; exit 6" &
		front=$!
		said ready >/dev/null
		touch arm go
		until [ -e hung ]; do read -r -t 0.01 <> <(:); done
		kill -KILL $(supervisor_of $front)
		wait $front
		echo "status $?"'
	[ "${lines[-1]}" = "status 137" ]
}

# while_hung WHERE FIRST THEN [WORDS [WORDS]]: the supervised command, in a group of its own, gets the
# first signal; when the wrapper hangs there (see hang.c), it gets the next one. Then all goes on. The
# signals are words for kill. Not with set -m: bash leaves a loop when a job stops.
while_hung() {
	need perl
	export HANG=$1 HANG_IN=$PWD LD_PRELOAD=$build/tests/hang.so
	rm -f ready go hung continued
	# Not bash: that of Debian 11 waits for ever if a trap interrupts its read -t.
	scene 'perl -e "setpgrp; exec @ARGV" $supervise perl -e "
			\$SIG{CONT} = sub { open my \$f, q(>>), q(continued); print \$f qq(continued\\n) };
			open my \$f, q(>), q(ready); print \$f qq(\$\$\\n); close \$f;
			select undef, undef, undef, 0.01 until -e q(go); exit 6" &
		front=$!
		command=$(said ready)
		supervisor=$(supervisor_of $front)
		witness_of $front >/dev/null
		in_time() { # COMMAND...: within ten seconds it succeeds
			for ((i = 0; i < 1000; i++)); do ! "$@" || return 0; read -r -t 0.01 <> <(:); done
			echo "never: $*"
		}
		cont_is_pending() { grep -q "^ShdPnd:.*[2367abef]....$" /proc/$front/status; }
		stopped() { [[ $(ps -o stat= $front) = T* && $(ps -o stat= $command) = T* ]]; }
		ended() { ! ps -o stat= $front | grep -qv Z; }
		touch arm
		[ $HANG = stop ] || kill -STOP $supervisor # it would say that the command stops
		kill -'"$2"'
		in_time test -e hung
		kill -CONT $supervisor
		kill -'"$3"'
		'"${4-:}"'
		rm hung
		'"${5:-}"'
		touch go
		in_time ended
		wait $front
		echo "status $?"'
	unset LD_PRELOAD
	[ "${lines[-1]}" = "status 6" ] && [[ $output != *never* ]] || { echo "$output"; return 1; }
}

@test "a SIGCONT that comes when the wrapper is about to stop is not lost" {
	for signals in 'TSTP -- -$front/CONT -- -$front' 'TSTP -- -$front/CONT $front' \
		'TSTP $front/CONT $front' 'TSTP -- -$front/CONT $command'; do
		while_hung stop "${signals%/*}" "${signals#*/}" 'in_time cont_is_pending'
		[ "$(wc -l <continued)" = 1 ]
	done
}

@test "SIGTSTP and SIGCONT to the group, before the wrapper has passed the first one on, and reversed" {
	while_hung ask 'TSTP -- -$front' 'CONT -- -$front'
	while_hung ask 'CONT -- -$front' 'TSTP -- -$front' '' 'in_time stopped; kill -CONT -- -$front'
}

@test "SIGTSTP to the group stops the wrapper too, SIGCONT lets both go on" {
	scene 'set -m
		$supervise bash -c "echo ready >ready; while [ ! -e go ]; do read -r -t 0.01 <> <(:); done; exit 6" &
		front=$!
		said ready
		kill -TSTP %1
		until jobs %1 | grep -q Stopped; do read -r -t 0.01 <> <(:); done
		touch go
		bg %1 >/dev/null
		wait $front
		echo "status $?"'
	said "status 6"
}

@test "a command that was stopped, and goes on by the time the wrapper looks, is not waited for" {
	scene '$supervise bash -c "echo ready >ready; while [ ! -e go ]; do read -r -t 0.01 <> <(:); done; exit 6" &
		front=$!
		said ready
		supervisor=$(supervisor_of $front)
		for command in $(children $supervisor); do ! grep -q bash /proc/$command/comm || break; done
		kill -STOP $front $command
		until [ $(ps -o stat= $front $command | grep -c "^T") = 2 ]; do :; done
		kill -CONT $command
		kill -CONT $front
		touch go
		wait $front
		echo "status $?"'
	said "status 6"
}

@test "SIGTSTP and SIGCONT to the wrapper alone stop and continue the command" {
	scene 'set -m
		$supervise bash -c "echo ready >ready; while [ ! -e go ]; do read -r -t 0.01 <> <(:); done; exit 6" &
		front=$!
		said ready
		kill -TSTP $front
		until jobs %1 | grep -q Stopped; do read -r -t 0.01 <> <(:); done
		ps -o stat= --ppid $(supervisor_of $front) | grep -c T
		touch go
		kill -CONT $front
		while wait $front; status=$?; [ $status = 148 ]; do :; done # stopped
		echo "status $status"'
	said 1
	said "status 6"
}

@test "nohup protects the command as ever" {
	start nohup bash -c 'echo ready; while :; do read -r -t 0.05 <> <(:); done'
	kill -HUP -- "-$front"
	kill -HUP "$front"
	kill -0 "$front"
	kill -TERM "$front"
	ends_with 143
}

@test "on a terminal: ^Z stops it, fg goes on, ^C ends it" {
	need python3
	need_terminal
	program='echo ready; while read -r x; do echo "got: $x"; done'
	run python3 "$BATS_TEST_DIRNAME/terminal.py" program bash -c "$program"
	local without=$output
	said '^Z: stopped' 'fg: got: a line' '^C: status=130'
	run python3 "$BATS_TEST_DIRNAME/terminal.py" program $supervise bash -c "$program"
	[ "$output" = "$without" ]
}

@test "on a terminal: a shell has job control, suspends itself, and gets the terminal back with fg" {
	need python3
	need_terminal
	run python3 "$BATS_TEST_DIRNAME/terminal.py" shell bash --norc --noediting -i
	local without=$output
	said 'inner ^C: status=130' 'suspend: stopped' 'outside: in=yes' 'inside: in=' 'exit: status=5'
	run python3 "$BATS_TEST_DIRNAME/terminal.py" shell $supervise bash --norc --noediting -i
	[ "$output" = "$without" ]
}

@test "as the first process of a container, it passes signals and the exit status on" {
	scene 'echo $$; exec $supervise sh -c "exit 4"'
	[ "$status" = 4 ]
	unshare --pid --fork true 2>/dev/null || cannot "there are no PID namespaces"
	run unshare --pid --fork --propagation unchanged --mount-proc $supervise sh -c 'ps -o pid= -C supervise | sort -n | head -n 1; kill -USR1 $$'
	[ "$status" = 138 ]
	[ "$((output))" = 1 ]
}

@test "nothing is left of a command that ends before the wrapper has the listener" {
	need strace
	cp "${supervise%% *}" here
	run strace -o trace -e inject=pidfd_getfd:delay_enter=300000 ./here quiet true
	[ "$status" = 0 ]
	grep 'pidfd_getfd.*ESRCH.*DELAYED' trace || cannot "this machine is too slow for it"
	for ((i = 0; i < 1000; i++)); do
		ls -l /proc/[0-9]*/exe 2>/dev/null | grep -q "$PWD/here" || return 0
		read -r -t 0.01 <> <(:) || :
	done
	ls -l /proc/[0-9]*/exe | grep "$PWD/here"
	false
}
