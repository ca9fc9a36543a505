# SPDX-License-Identifier: MIT
# What the environment says: NOSELFCONN, NOSELFCONN_RETRIES, and the reports of repairs.
# shellcheck disable=SC2016,SC2030,SC2031,SC2206 # variables in quotes are the programs'

setup() {
	load ../lib/helpers
	need_namespaces
	log=$BATS_TEST_TMPDIR/log
	connect=("$client" tcp4 connect 127.0.0.1 40000)
	line='noselfconn: client[PID]: fd FD: self-connection at 127.0.0.1:40000: reset in place: connection refused'
}

# quietly COMMAND...: with the library, without any of its variables, in a namespace.
quietly() {
	in_ns env LD_PRELOAD="$library${single:+:$single}" "$@"
}

# Standard input, with its process IDs and descriptors left out.
general() {
	sed -e 's/\[[0-9]*\]: fd [0-9]*:/[PID]: fd FD:/'
}

# Retries

@test "NOSELFCONN_RETRIES=0 aborts the self-connection and connects no more" {
	local words
	for words in "" nonblock dup; do
		connect=("$client" tcp4 $words connect 127.0.0.1 40000)
		run in_ns "${connect[@]}" names
		said "peer: 127.0.0.1 40000"
		# A server that comes before the second connect is of no use when there is none.
		LD_PRELOAD=$build/tests/inject.so INJECT_SERVER=127.0.0.1:40000@2 \
			NOSELFCONN_RETRIES=0 run shimmed in_ns "${connect[@]}" names error timewait \
			bindable 127.0.0.1 40000
		said "connect: ECONNREFUSED"
		said "peer: ENOTCONN" "error: ok" "timewait: 0" "bindable: ok"
		repaired "aborted" "connection refused"
	done
}

@test "NOSELFCONN_RETRIES=0 leaves no port bound on a socket that was bound to an address" {
	NOSELFCONN_RETRIES=0 run shimmed in_ns "$client" tcp4 bind 127.0.0.1 0 \
		connect 127.0.0.1 40001 bindable 127.0.0.1 40000 bindable 127.0.0.1 40001
	said "connect: ECONNREFUSED" "bindable: ok" "bindable: ok"
	repaired "aborted" "connection refused" 127.0.0.1:40001
}

@test "NOSELFCONN_RETRIES=0 leaves a deliberate self-connection alone" {
	local words
	for words in tcp4 mptcp4; do
		NOSELFCONN_RETRIES=0 run shimmed in_ns "$client" $words bind 127.0.0.1 40000 \
			connect 127.0.0.1 40000 names
		said "connect: ok" "local: 127.0.0.1 40000" "peer: 127.0.0.1 40000"
	done
	not_repaired
}

@test "NOSELFCONN_RETRIES=1 connects once more" {
	LD_PRELOAD=$build/tests/inject.so INJECT_SERVER=127.0.0.1:40000@2 \
		NOSELFCONN_RETRIES=1 run shimmed in_ns "${connect[@]}"
	said "connect: ok"
	repaired "reset in place" "connected"
}

@test "a malformed value is reported once, and the default used" {
	local value name
	for value in x -1 +1 1x ' 1' 101 99999999999999999999 0x1; do
		NOSELFCONN_RETRIES=$value run quietly "${connect[@]}"
		[ "$output" = "noselfconn: NOSELFCONN_RETRIES: not a number from 0 to 100: using 2
connect: ECONNREFUSED" ]
	done
	for value in yes 2 01; do
		NOSELFCONN_VERBOSE=$value run quietly "${connect[@]}"
		[ "$output" = "noselfconn: NOSELFCONN_VERBOSE: neither '0' nor '1': using 0
connect: ECONNREFUSED" ]
	done
	for value in no OFF 0; do
		NOSELFCONN=$value run quietly "${connect[@]}"
		[ "$output" = "noselfconn: NOSELFCONN: neither 'on' nor 'off': using on
connect: ECONNREFUSED" ]
	done
	NOSELFCONN_LOG=/$(printf '%04096d' 0) run quietly "${connect[@]}"
	[ "$output" = "noselfconn: NOSELFCONN_LOG: path too long: using none
connect: ECONNREFUSED" ]
}

@test "several malformed values are reported, one line each" {
	NOSELFCONN_RETRIES=x NOSELFCONN=y NOSELFCONN_VERBOSE=z run quietly "$client" errno
	[ "${#lines[@]}" = 3 ]
}

@test "empty values are as good as none" {
	NOSELFCONN='' NOSELFCONN_RETRIES='' NOSELFCONN_VERBOSE='' NOSELFCONN_LOG='' \
		run quietly "${connect[@]}"
	[ "$output" = "connect: ECONNREFUSED" ]
}

@test "values that are the defaults are not reported" {
	NOSELFCONN=on NOSELFCONN_RETRIES=2 NOSELFCONN_VERBOSE=0 run quietly "${connect[@]}"
	[ "$output" = "connect: ECONNREFUSED" ]
}

# Off

@test "with NOSELFCONN=off, every call is forwarded and none is looked at" {
	NOSELFCONN=off NOSELFCONN_VERBOSE=1 run shimmed in_ns "${connect[@]}" names
	[ "$output" = "connect: ok
local: 127.0.0.1 40000
peer: 127.0.0.1 40000" ]
	not_repaired
}

@test "the environment is read once, when the program starts" {
	need python3
	local script='
import ctypes, os, socket, sys
libc = ctypes.CDLL(None)
libc.setenv(b"NOSELFCONN", sys.argv[1].encode(), 1)
try:
    socket.create_connection(("127.0.0.1", 40000))
    print("connected")
except OSError as e:
    print(type(e).__name__)'
	NOSELFCONN=on run shimmed in_ns python3 -c "$script" off
	said "ConnectionRefusedError"
	NOSELFCONN=off run shimmed in_ns python3 -c "$script" on
	said "connected"
}

# On standard error

@test "without NOSELFCONN_VERBOSE and NOSELFCONN_LOG, a repair is silent" {
	run quietly "${connect[@]}"
	[ "$output" = "connect: ECONNREFUSED" ]
}

# verbosely COMMAND...: reporting on stderr, with no descriptor open but the first three; $output
# is what is written there.
verbosely() {
	NOSELFCONN_VERBOSE=1 run quietly sh -c \
		'exec "$@" 2>&1 >/dev/null 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-' sh "$@"
}

@test "NOSELFCONN_VERBOSE=1 says on stderr who was connected to itself, and what was done" {
	NOSELFCONN_VERBOSE=1 run quietly sh -c 'echo $$; exec "$@" 2>&1 >/dev/null' sh "${connect[@]}"
	[[ ${lines[1]} = "noselfconn: client[${lines[0]}]: fd "*": self-connection at 127.0.0.1:40000: reset in place: connection refused" ]]
	[ "${#lines[@]}" = 2 ]
}

@test "a report has the program's own number of the descriptor" {
	verbosely "${connect[@]}"
	[[ $output = *": fd 3: "* ]]
	verbosely "$client" tcp4 tcp4 connect 127.0.0.1 40000
	[[ $output = *": fd 4: "* ]]
}

@test "a report is one line, written at once" {
	need strace
	local trace=$BATS_TEST_TMPDIR/trace
	NOSELFCONN_VERBOSE=1 run quietly strace -o "$trace" -s 200 -e trace=write,writev \
		"${connect[@]}"
	[ "$(grep -c '(2, ' "$trace")" = 1 ]
	grep '^write(2, "noselfconn: client.*: connection refused\\n", ' "$trace"
}

@test "NOSELFCONN_VERBOSE=1 says nothing where nothing is repaired" {
	verbosely "$client" tcp4 connect 127.0.0.1 40001
	[ "$output" = "" ]
}

@test "addresses in a report are written as in a URL" {
	verbosely "$client" tcp4 connect 127.0.0.1 40000
	[[ $output = *": self-connection at 127.0.0.1:40000: "* ]]
	verbosely "$client" tcp4 connect 0.0.0.0 40000
	[[ $output = *": self-connection at 127.0.0.1:40000: "* ]]
	verbosely "$client" tcp6 connect ::1 40000
	[[ $output = *": self-connection at [::1]:40000: "* ]]
	verbosely "$client" tcp6 connect ::ffff:127.0.0.1 40000
	[[ $output = *": self-connection at 127.0.0.1:40000: "* ]]
	need ip
	local address
	for address in 2001:db8::1 2001:db8:0:1:1:1:1:1 1:0:0:2::3 fd00:0:1:2:3:4:5:abcd; do
		NOSELFCONN_VERBOSE=1 run in_ns_at $address/128 \
			env LD_PRELOAD="$library${single:+:$single}" \
			"$client" tcp6 connect $address 40000
		[[ $output = *": self-connection at [$address]:40000: "* ]]
	done
}

@test "a report says how the connect ended" {
	verbosely "$client" tcp4 nonblock connect 127.0.0.1 40000
	[[ $output = *": reset in place: connecting" ]]
	verbosely "$client" tcp4 dup nonblock connect 127.0.0.1 40000
	[[ $output = *": reset in place: connecting" ]]
	NOSELFCONN_RETRIES=0 verbosely "${connect[@]}"
	[[ $output = *": aborted: connection refused" ]]
	LD_PRELOAD=$build/tests/inject.so INJECT_SERVER=127.0.0.1:40000@2 run shimmed in_ns \
		"${connect[@]}"
	repaired "reset in place" "connected"
	run shimmed in_ns 40000-40000 "${connect[@]}"
	repaired "reset in place" "no other port available"
}

@test "a long name is cut, and the report is whole" {
	NOSELFCONN_VERBOSE=1 run quietly bash -c 'exec -a "$(printf "x%.0s" {1..400})" "$@"' \
		bash "${connect[@]}"
	[[ ${lines[0]} = "noselfconn: xxx"*"]: fd "*": self-connection at 127.0.0.1:40000: reset in place: connection refused" ]]
	[ "${lines[1]}" = "connect: ECONNREFUSED" ]
}

@test "a name with control characters does not make lines of its own" {
	NOSELFCONN_VERBOSE=1 run quietly bash -c 'exec -a $'"'a\nb\ec'"' "$@"' bash "${connect[@]}"
	[ "${#lines[@]}" = 2 ]
	[[ $output != *$'\e'* ]]
}

@test "a report names the program as it was started, whatever title it gives itself" {
	need perl
	# Perl writes over argv and calls prctl(PR_SET_NAME), as servers do.
	NOSELFCONN_VERBOSE=1 run quietly perl -MSocket -e '$0 = "x: master of all";
		open F, "/proc/self/cmdline"; print STDOUT split(/\0/, <F>), "\n";
		open F, "/proc/self/comm"; print STDOUT <F>;
		socket(S, PF_INET, SOCK_STREAM, 0);
		connect(S, sockaddr_in(40000, INADDR_LOOPBACK)) or print STDOUT "$!\n"'
	said "x: master of all" "x: master of al" "Connection refused" # the control
	[[ $output = *"noselfconn: perl["*"]: fd "*": self-connection at 127.0.0.1:40000: "* ]]
}

@test "a report names the port of the self-connection, also if a later look found none" {
	# The server that came up does not answer at once: the socket is looked at again after that.
	LD_PRELOAD=$build/tests/serve.so SERVE_FULL=1 run shimmed in_ns \
		"$client" tcp4 patience 300 connect 127.0.0.1 40000 names
	said "connect: EINPROGRESS"
	repaired "reset in place" connecting 127.0.0.1:40000
	NOSELFCONN_RETRIES=1 LD_PRELOAD=$build/tests/serve.so run shimmed in_ns \
		"$client" tcp4 connect 0.0.0.0 40000 names
	said "connect: ok" "local: 127.0.0.1 40001" "peer: 127.0.0.1 40000"
	repaired "reset in place" connected 127.0.0.1:40000
}

@test "a program that has put something else in the place of stderr finds no report in it" {
	local other=$BATS_TEST_TMPDIR/other
	# Two files of one filesystem, so that only their inode numbers differ.
	NOSELFCONN_VERBOSE=1 quietly bash -c \
		'exec 7>&2 2>"$1" && exec 5<>/dev/tcp/127.0.0.1/40000' bash "$other" 2>"$log" ||
		true
	grep "Connection refused" "$other"
	run grep noselfconn "$other"
	[ "$status" = 1 ]
}

@test "a program whose stderr nobody reads any more does not die of a report" {
	mkfifo "$BATS_TEST_TMPDIR/fifo"
	NOSELFCONN_VERBOSE=1 run quietly bash -c 'exec 7<>"$1" 8>"$1" 7>&- && shift &&
		exec "$@" 2>&8' bash "$BATS_TEST_TMPDIR/fifo" "${connect[@]}"
	[ "$status" = 0 ]
	said "connect: ECONNREFUSED"
	# The control: writing there is deadly.
	run bash -c 'exec 7<>"$1" 8>"$1" 7>&- && echo >&8' bash "$BATS_TEST_TMPDIR/fifo"
	[ "$status" = 141 ]
}

# To a file

@test "NOSELFCONN_LOG appends the same line to a file" {
	echo "a line of before" >"$log"
	NOSELFCONN_VERBOSE=1 run shimmed in_ns "${connect[@]}"
	[ "$(cat "$log")" = "a line of before
${lines[0]}" ]
	[ "$(general <<<"${lines[0]}")" = "$line" ]
}

@test "the log is opened for each report, closed on exec, and written to at once" {
	need strace
	local trace=$BATS_TEST_TMPDIR/trace
	run quietly strace -o "$trace" -s 200 -e trace='?open,openat,write' \
		env NOSELFCONN_LOG="$log" "$client" tcp4 connect 127.0.0.1 40000 times 2
	grep -A 1 -F "\"$log\"" "$trace" >"$trace.log"
	[ "$(grep -c 'O_APPEND.*O_CLOEXEC' "$trace.log")" = 2 ]
	[ "$(grep -c '^write(.*"noselfconn: client.*: connection refused\\n"' "$trace.log")" = 2 ]
	[ "$(grep -c '^write([^1].*"' "$trace")" = 2 ]
}

@test "the log is created for its owner alone, and one that exists keeps its mode" {
	local mask
	for mask in 000 022 077; do
		rm -f "$log"
		run shimmed in_ns sh -c "umask $mask"' && exec "$@"' sh "${connect[@]}"
		[ "$(stat -c %a "$log")" = 600 ]
	done
	chmod 646 "$log"
	run shimmed in_ns "${connect[@]}"
	[ "$(wc -l <"$log")" = 2 ]
	[ "$(stat -c %a "$log")" = 646 ]
}

@test "the log leaves no descriptor open" {
	run shimmed in_ns "$client" tcp4 fds connect 127.0.0.1 40000 fds
	repaired "reset in place"
	[ "${lines[0]}" = "${lines[2]}" ]
}

@test "lines of several programs at once stay whole" {
	local i programs=()
	for i in 1 2 3 4; do
		shimmed in_ns "$client" tcp4 connect 127.0.0.1 40000 close times 50 \
			>/dev/null 3>&- &
		programs+=($!)
	done
	wait "${programs[@]}"
	[ "$(general <"$log" | sort | uniq -c | xargs)" = "200 $line" ]
}

@test "a relative log is one in the directory where the program started" {
	mkdir "$BATS_TEST_TMPDIR/elsewhere"
	cd "$BATS_TEST_TMPDIR"
	NOSELFCONN_LOG=relative run quietly bash -c \
		'cd elsewhere && exec 5<>/dev/tcp/127.0.0.1/40000'
	[ "$(general <relative)" = "${line/client/bash}" ]
	[ ! -e elsewhere/relative ]
}

@test "a FIFO that nobody reads does not hold the program up" {
	mkfifo "$log"
	run shimmed timeout 20 "$build/tests/netns" 40000 40001 "${connect[@]}"
	[ "$status" = 0 ]
	said "connect: ECONNREFUSED"
}

@test "a FIFO that somebody reads gets the line" {
	mkfifo "$log"
	exec 7<>"$log"
	run shimmed in_ns "${connect[@]}"
	read -r -t 10 output <&7
	[ "$(general <<<"$output")" = "$line" ]
}

@test "a log that can't be written is no matter to the program" {
	local name
	for name in /no/such/directory/log / "$BATS_TEST_TMPDIR" /dev/full; do
		NOSELFCONN_LOG=$name run quietly "${connect[@]}"
		[ "$status" = 0 ]
		[ "$output" = "connect: ECONNREFUSED" ]
	done
}

@test "a report leaves errno alone, also where it can't be written" {
	LD_PRELOAD=$library:$build/tests/inject.so INJECT_SERVER=127.0.0.1:40000@2 \
		NOSELFCONN_LOG=/no/such/directory/log run in_ns \
		"$client" tcp4 errno connect 127.0.0.1 40000
	said "errno: untouched" "connect: ok"
}

# Privileged programs

# Makes the program set-group-ID, of a group that is not ours; false where that has no effect.
make_privileged() {
	local id=$BATS_TEST_TMPDIR/id
	cp "$(command -v id)" "$id"
	[ "$(id -g)" != 65534 ] && chgrp 65534 "$1" "$id" && chmod g+s "$1" "$id" &&
		[ "$("$id" -g)" = 65534 ]
}

# What is linked with the library has it even where the loader ignores LD_PRELOAD.
@test "a privileged program repairs, and reads none of the environment" {
	need cc
	local linked=$BATS_TEST_TMPDIR/client
	cc -D_GNU_SOURCE -o "$linked" "$top/tests/lib/client.c" -Wl,--no-as-needed "$library" \
		-Wl,-rpath,"$build"
	local all=(env NOSELFCONN=off NOSELFCONN_VERBOSE=1 NOSELFCONN_RETRIES=x
		NOSELFCONN_LOG="$log" "$linked" tcp4 connect 127.0.0.1 40000)
	run in_ns "${all[@]}"
	said "connect: ok"
	[[ $output = *NOSELFCONN_RETRIES* ]]

	make_privileged "$linked" || cannot "set-group-ID programs can't be made here"
	run in_ns "${all[@]}"
	[ "$output" = "connect: ECONNREFUSED" ]
	[ ! -e "$log" ]
}

