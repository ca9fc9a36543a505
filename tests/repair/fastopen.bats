#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Connections that are opened by sending with MSG_FASTOPEN, or put off by TCP_FASTOPEN_CONNECT.

load ../lib/helpers

setup() {
	need_namespaces
}

# fastopen SYSCTL HOW CALL [SIZE]: fastopen.c in a namespace of its own with that
# net.ipv4.tcp_fastopen (1: with a cookie, which is asked for first; 7: data in the SYN).
fastopen() {
	FASTOPEN=$1 run in_ns "$build/tests/fastopen" "${@:2}"
}

# The same with the library, and below it the preload that starts servers.
shimmed_fastopen() {
	LD_PRELOAD=$library:$build/tests/inject.so NOSELFCONN_LOG=$BATS_TEST_TMPDIR/log fastopen "$@"
}

# repair_ended OUTCOME: of the last repair, either kind.
repair_ended() {
	local log
	mapfile -t log <"$BATS_TEST_TMPDIR/log"
	[[ ${log[*]: -1} == *": $1" ]]
}

calls=$(some sendto sendmsg sendmmsg)
sysctls=$(some 1 3 7)
ways=$(some {sendto,sendmsg,sendmmsg}/{1,3,7})

@test "control: without the shim, every call that opens a connection is self-connected" {
	for way in $ways; do
		call=${way%/*} sysctl=${way#*/}
		fastopen "$sysctl" - "$call"
		said "$call: 5" "from port 40000 it got: hello"
		fastopen "$sysctl" n "$call"
		[[ $output == *"from port 40000 it got: hello"* ]]
	done
	for sysctl in 0 $sysctls; do
		fastopen "$sysctl" - connect
		said "connect: 0" "write: 5" "from port 40000 it got: hello"
	done
}

@test "a blocking call with MSG_FASTOPEN to a closed port is refused" {
	for way in $ways; do
		call=${way%/*} sysctl=${way#*/}
		for how in - d; do
			shimmed_fastopen "$sysctl" "$how" "$call"
			[ "$output" = "$call: ECONNREFUSED" ]
			repair_ended "connection refused"
		done
	done
}

@test "a non-blocking call with MSG_FASTOPEN is in progress, and refused then" {
	for way in $ways; do
		call=${way%/*} sysctl=${way#*/}
		for how in $(some n nd w wd); do
			shimmed_fastopen "$sysctl" "$how" "$call"
			[ "$output" = "$call: EINPROGRESS"$'\n'"outcome: ECONNREFUSED" ]
			repair_ended connecting
		done
	done
}

@test "after a refusal, a call says what it says after one without a self-connection" {
	for call in $calls; do
		fastopen 1 nc "$call"
		[[ $output == *"from port 40000 it got: hello"* ]]
		run in_ns 41000-41001 "$build/tests/fastopen" nc "$call"
		said "$call: EINPROGRESS" "outcome: ECONNREFUSED"
		local refused=$output
		for how in nc ncd; do
			shimmed_fastopen 1 "$how" "$call"
			repair_ended connecting
			[ "$output" = "$refused" ]
		done
	done
}

@test "what a blocking call sent with MSG_FASTOPEN reaches the server that the retry found, once" {
	export INJECT_SERVER=127.0.0.1:40000@1
	for way in $ways; do
		call=${way%/*} sysctl=${way#*/}
		for how in - d; do
			shimmed_fastopen "$sysctl" "$how" "$call"
			[ "$output" = "$call: 5"$'\n'"from port 40001 the server got: hello" ]
		done
	done
}

@test "what a non-blocking call could not send with MSG_FASTOPEN is for the program to send" {
	export INJECT_SERVER=127.0.0.1:40000@1
	for way in $ways; do
		call=${way%/*} sysctl=${way#*/}
		for how in $(some n nd w wd); do
			shimmed_fastopen "$sysctl" "$how" "$call"
			said "$call: EINPROGRESS" "outcome: ok" "send: 5" \
				"from port 40001 the server got: hello"
		done
	done
}

@test "a deliberate self-connection opened with MSG_FASTOPEN is handed over, with what was sent" {
	for way in $ways; do
		call=${way%/*} sysctl=${way#*/}
		for how in b nb; do
			shimmed_fastopen "$sysctl" "$how" "$call"
			[[ $output == *"from port 40000 it got: hello" ]]
		done
	done
	not_repaired
}

@test "connect() with TCP_FASTOPEN_CONNECT is repaired before anything is sent" {
	for how in - d; do
		for sysctl in 0 ${sysctls%7}; do
			shimmed_fastopen "$sysctl" "$how" connect
			[ "$output" = "connect: ECONNREFUSED" ]
		done
		# With data in the SYN it is put off, and refused when that is sent.
		shimmed_fastopen 7 "$how" connect
		[ "$output" = "connect: 0"$'\n'"write: ECONNREFUSED" ]
		repair_ended connected
	done
}

@test "what is written after TCP_FASTOPEN_CONNECT reaches the server that the retry found, once" {
	export INJECT_SERVER=127.0.0.1:40000@2
	for sysctl in 0 $sysctls; do
		for how in - d; do
			shimmed_fastopen "$sysctl" "$how" connect
			said "connect: 0" "write: 5" "from port 40001 the server got: hello"
		done
		shimmed_fastopen "$sysctl" n connect
		[[ $output == *"from port 40001 the server got: hello" ]]
	done
}

@test "a non-blocking connect() with TCP_FASTOPEN_CONNECT learns that it was refused" {
	for sysctl in 0 $sysctls; do
		shimmed_fastopen "$sysctl" n connect
		[[ $output == *"outcome: ECONNREFUSED" ]]
		repair_ended connecting || repair_ended connected
	done
}

large=1000000 # more than the buffers take

@test "control: without the shim, a blocking call that sends more than the buffers take never returns" {
	for call in $calls; do
		LIMIT=0.5 fastopen 1 - "$call" $large
		[ "$status" = $((128 + 14)) ] # SIGALRM
		LIMIT=0.5 fastopen 1 s "$call" 4000
		[ "$status" = $((128 + 14)) ] # SIGALRM
	done
}

@test "a blocking call that sends more than the buffers take is refused" {
	for call in $calls; do
		for how in $(some - t d); do
			shimmed_fastopen 1 $how "$call" $large
			[ "$output" = "$call: ECONNREFUSED" ]
		done
	done
}

# Before Linux 6.3, where many descriptors are open (h).
@test "the same if it can't be prevented, and the connection is opened apart from the data" {
	need_no_range
	for call in $calls; do
		for how in $(some h ht hd); do
			shimmed_fastopen 1 $how "$call" $large
			[ "$output" = "$call: ECONNREFUSED" ]
			repair_ended "connection refused"
		done
	done
}

# Completions and timestamps: all calls can ask for them but sendto() by a control message.
told=$(some z/sendto z/sendmsg z/sendmmsg m/sendto m/sendmsg m/sendmmsg o/sendto k/sendmsg k/sendmmsg)

@test "the error queue tells nothing of a send that was undone" {
	[ "${ABI-}" != armhf ] || machine_cannot "qemu-user does not know MSG_ERRQUEUE"
	for call in $told; do
		fastopen 1 "${call%/*}" "${call#*/}"
		said "${call#*/}: 5" "error queue: 1"
		run in_ns 41000-41001 "$build/tests/fastopen" "${call%/*}" "${call#*/}"
		said "${call#*/}: ECONNREFUSED" "error queue: 0"
		for sysctl in 1 7; do
			for how in $(some - d t); do
				shimmed_fastopen $sysctl "$how${call%/*}" "${call#*/}"
				said "${call#*/}: ECONNREFUSED" "error queue: 0"
			done
		done
	done
}

# A port range has no effect on a socket that has a port.
@test "the same if bind() chose the destination's port, which the program did not" {
	for call in $calls; do
		LIMIT=0.5 fastopen 1 a "$call" $large
		[ "$status" = $((128 + 14)) ] # SIGALRM
		for how in $(some a at ad); do
			shimmed_fastopen 1 $how "$call" $large
			[ "$output" = "$call: ECONNREFUSED" ]
		done
	done
	[ "${ABI-}" != armhf ] || machine_cannot "qemu-user does not know MSG_ERRQUEUE"
	for call in $told; do
		fastopen 1 "a${call%/*}" "${call#*/}"
		said "${call#*/}: 5" "error queue: 1"
		shimmed_fastopen 1 "a${call%/*}" "${call#*/}"
		said "${call#*/}: ECONNREFUSED" "error queue: 0"
	done
}

@test "where a seccomp filter refuses all but getsockname(), a call with MSG_FASTOPEN is refused" {
	for call in $calls; do
		fastopen 1 f "$call"
		[ "$status" != 125 ] || machine_cannot "there is no seccomp"
		said "$call: 5" "from port 40000 it got: hello"
		for how in $(some f ft fd); do
			shimmed_fastopen 1 $how "$call"
			[ "$output" = "$call: ECONNREFUSED" ]
			shimmed_fastopen 1 $how "$call" $large
			[ "$output" = "$call: ECONNREFUSED" ]
		done
	done
}

@test "nor if it can't be prevented, whether the call waits or not" {
	[ "${ABI-}" != armhf ] || machine_cannot "qemu-user does not know MSG_ERRQUEUE"
	need_no_range
	for call in $told; do
		for sysctl in 1 7; do
			for how in $(some h hd ht); do
				shimmed_fastopen $sysctl "$how${call%/*}" "${call#*/}"
				said "${call#*/}: ECONNREFUSED" "error queue: 0"
			done
			for how in hn hw; do
				shimmed_fastopen $sysctl "$how${call%/*}" "${call#*/}"
				said "${call#*/}: EINPROGRESS" "outcome: ECONNREFUSED" "error queue: 0"
			done
		done
	done
}

@test "with the smallest buffers, a blocking call of any size is refused" {
	for call in $calls; do
		for size in $(some 2047 2048 2049 4000); do
			for how in s st; do
				shimmed_fastopen 1 $how "$call" $size
				[ "$output" = "$call: ECONNREFUSED" ]
			done
		done
	done
}

@test "a server gets each byte of a large send once" {
	for call in $calls; do
		for how in p pt; do
			for sysctl in 1 7; do
				shimmed_fastopen $sysctl $how "$call" $large
				said "got: $large bytes" "$call: $large"
			done
		done
	done
}

@test "a server that the repair of a large send found gets each byte once" {
	need_no_range
	for call in $calls; do
		for how in $(some h ht hd); do
			export INJECT_SERVER=127.0.0.1:40000@1 # connect() of the repair
			[ "$call" != sendto ] || INJECT_SERVER=127.0.0.1:40000@2 # after a send of nothing
			shimmed_fastopen 1 $how "$call" 100000
			[ "$output" = "$call: 100000"$'\n'"from port 40001 the server got: 100000 bytes" ]
		done
	done
}

@test "MSG_FASTOPEN fails as without the shim where Fast Open is off" {
	for call in $calls; do
		shimmed_fastopen 0 - "$call"
		[ "$output" = "$call: EOPNOTSUPP" ]
	done
	not_repaired
}

# The calls of sendto() and its like, by number, of a program that sends UDP datagrams.
syscalls() {
	run env LD_PRELOAD="$1" strace -f -c -o "$BATS_TEST_TMPDIR/count" python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", 0))
for i in range(1000):
    s.sendto(b"x", s.getsockname())
    s.sendmsg([b"x"], [], 0, s.getsockname())'
	[ "$status" = 0 ]
	awk '$NF ~ /^(send|getsock|connect)/ { print $NF, $4 }' "$BATS_TEST_TMPDIR/count" | sort
}

@test "sends without MSG_FASTOPEN make no extra system call" {
	[ -z "${ABI-}" ] || skip "python3 is of another ABI"
	need strace python3
	syscalls "" >"$BATS_TEST_TMPDIR/without"
	syscalls "$library" >"$BATS_TEST_TMPDIR/with"
	grep -q '^sendto 1000$' "$BATS_TEST_TMPDIR/without"
	diff "$BATS_TEST_TMPDIR/without" "$BATS_TEST_TMPDIR/with"
}
