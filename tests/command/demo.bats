# SPDX-License-Identifier: MIT
# scripts/demo: `make demo` and `noselfconn --self-test`.

load ../lib/helpers
bats_require_minimum_version 1.5.0

setup() {
	need_namespaces
	need bash perl
	tree=$BATS_TEST_TMPDIR/tree
	mkdir "$tree"
	ln -s "$top/scripts" "$tree/scripts"
	ln -s "$build" "$tree/build"
	wrapper=$tree/scripts/noselfconn
}

teardown() {
	[ -z "${public-}" ] || rm -rf "$public"
}

has() {
	local text
	for text; do
		[[ $output = *"$text"* ]] || { printf '%s\nlacks %s\n' "$output" "$text" >&2; return 1; }
	done
}

@test "it shows the self-connection, its repair, and that the port is free" {
	run -0 in_ns "$wrapper" --self-test
	has 'Attempt 1 was connected to itself: 127.0.0.1:40000 -> 127.0.0.1:40000.' \
		'is answered "Is anybody there?"' \
		'that wants the port now fails: Address already in use' \
		'All 2 attempts failed, as they should.' \
		'self-connection at 127.0.0.1:40000: reset in place: connection refused' \
		'that wants the port now gets it.' \
		'noselfconn works here.'
}

@test "it leaves nothing behind" {
	export TMPDIR=$BATS_TEST_TMPDIR/tmp
	mkdir "$TMPDIR"
	run -0 in_ns sh -c '"$1" --self-test >/dev/null && "$2" timewait serve 127.0.0.1 40000' sh \
		"$wrapper" "$client"
	has 'timewait: 0' 'serve: ok'
	run -0 ls -A "$TMPDIR"
	[ -z "$output" ]
}

@test "it works for an ordinary user, with the ordinary range" {
	[ "$(id -u)" = 0 ] || cannot "only root can be another user"
	need setpriv
	public=$(mktemp -d /tmp/noselfconn.XXXXXX)
	chmod 755 "$public"
	cp -r "$top/scripts" "$public"
	mkdir "$public/build"
	cp "$build/start" "$build/libnoselfconn.so" "$public/build"
	run -0 in_ns 32768-60999 setpriv --reuid=65534 --regid=65534 --clear-groups \
		"$public/scripts/noselfconn" --self-test
	has 'connected to itself: 127.0.0.1:' 'noselfconn works here.'
}

@test "on a terminal it says how far it is" {
	need script
	need_terminal
	run -0 in_ns 32768-60999 script -qec "'$wrapper' --self-test" /dev/null
	has '500 attempts so far' '10000 attempts so far' 'noselfconn works here.'
}

@test "it chooses a port that is neither in use nor reserved" {
	need python3
	run -0 in_ns 40000-40005 python3 -c 'import socket, subprocess, sys
with open("/proc/sys/net/ipv4/ip_local_reserved_ports", "w") as f:
	f.write("40002")
with socket.create_server(("127.0.0.1", 40000)):
	sys.exit(subprocess.call(sys.argv[1:]))' "$wrapper" --self-test
	has 'Nothing listens on port 40004.' 'noselfconn works here.'
}

@test "where the port range has no port for it, that is what it says" {
	run -125 in_ns sh -c 'echo 40000 >/proc/sys/net/ipv4/ip_local_reserved_ports
		exec "$0" --self-test' "$wrapper"
	has 'cannot be shown here: the ephemeral port range is 40000 to 40001'
}

# at_once WHY COMMAND...: in one line it says why it can't show anything, before it tries.
at_once() {
	run -125 "${@:2}"
	[[ $output =~ ^'noselfconn: this cannot be shown here: '.*($1)[^$'\n']*$ ]] || {
		printf '%s\nlacks %s\n' "$output" "$1" >&2
		return 1
	}
}

@test "without a loopback interface or an address of it, that is what it says" {
	need ip
	at_once 'the loopback interface is down' in_ns sh -c 'ip link set lo down && exec "$0" --self-test' "$wrapper"
	at_once 'Network is unreachable' in_ns sh -c 'ip addr flush dev lo && exec "$0" --self-test' "$wrapper"
	run -0 in_ns sh -c 'ip link set lo down && ip link set lo up && exec "$0" --self-test' "$wrapper"
}

@test "where a firewall drops what goes to 127.0.0.1, that is what it says" {
	need nft
	in_ns nft list ruleset 2>/dev/null || machine_cannot "nftables can't be used here"
	at_once '127.0.0.1 does not answer' in_ns sh -c 'nft add table ip t &&
		nft "add chain ip t c { type filter hook input priority 0; policy drop; }" && exec "$0" --self-test' "$wrapper"
}

@test "without a temporary directory that can be written, that is what it says" {
	in_mount() {
		in_ns unshare -m sh -c 'mount -t tmpfs -o "$1" none "$2" || exit 99
			[ "$1" != size=4k ] || head -c 4096 /dev/zero >"$2/x"
			export TMPDIR=$2; shift 2; exec "$@"' sh "$1" "$BATS_TEST_TMPDIR/mount" "$wrapper" --self-test
	}
	mkdir "$BATS_TEST_TMPDIR/mount"
	run in_mount rw
	[ "$status" -ne 99 ] && [ "$status" -ne 1 ] || cannot "nothing can be mounted here"
	has 'noselfconn works here.'
	at_once 'Read-only file system' in_mount ro
	at_once 'No space left on device' in_mount nr_inodes=1
	at_once 'No space left on device' in_mount size=4k
	at_once 'No such file or directory' in_ns env TMPDIR=/nonexistent "$wrapper" --self-test
}

@test "a library that does not work is found out" {
	rm "$tree/build"
	mkdir "$tree/build"
	ln -s "$build/start" "$tree/build/start"
	ln -s "$build/tests/swap.so" "$tree/build/libnoselfconn.so"
	run -1 in_ns "$wrapper" --self-test
	has 'does NOT work here: attempt 1 was connected to itself'
	[[ $output != *'works here'* ]]
}

@test "a machine that is too busy for it says nothing of the library" {
	sed 's/ -t 300 / -t 2 /' "$top/scripts/demo" >"$BATS_TEST_TMPDIR/demo"
	echo 'cat >/dev/null' >"$BATS_TEST_TMPDIR/wrapper" # ends when the demo does
	run -125 in_ns bash "$BATS_TEST_TMPDIR/demo" "$BATS_TEST_TMPDIR/wrapper"
	has 'With noselfconn:' 'cannot be shown here: bash did not get through the loop in five minutes'
	echo exit >"$BATS_TEST_TMPDIR/wrapper"
	run -1 in_ns bash "$BATS_TEST_TMPDIR/demo" "$BATS_TEST_TMPDIR/wrapper"
	has "does NOT work here: the command can't be run"
	[[ $output != *'Bad file descriptor'* ]]
}

@test "where the library prevents self-connections, it shows that" {
	c_library_without __libc_single_threaded
	rm "$tree/build"
	mkdir "$tree/build"
	ln -s "$build/start" "$tree/build/start"
	ln -s "$library" "$tree/build/libnoselfconn.so"
	run -0 in_ns "$wrapper" --self-test
	has 'All 20 attempts failed, as they should. The library prevented the self-connection.' \
		'that wants the port now gets it.' 'noselfconn works here.'
}

@test "what the environment says of the library does not count" {
	run -0 in_ns env NOSELFCONN=off NOSELFCONN_RETRIES=0 NOSELFCONN_LOG=/nonexistent/x \
		LD_PRELOAD="$library" "$wrapper" --self-test
	has 'Attempt 1 was connected to itself' 'noselfconn works here.'
}

@test "make demo runs it" {
	ln -s "$top/Makefile" "$top/shim" "$top/tests" "$tree"
	run -0 in_ns env -u MAKEFLAGS make -s -C "$tree" demo
	has 'noselfconn works here.'
}

@test "make demo installs nothing elsewhere, whatever is set for another installation" {
	ln -s "$top/Makefile" "$top/shim" "$top/tests" "$top/man" "$tree"
	local place elsewhere=$BATS_TEST_TMPDIR/elsewhere places=()
	for place in DESTDIR PREFIX BINDIR LIBDIR LIBEXECDIR MANDIR BASHCOMPDIR ZSHCOMPDIR; do
		places+=("$place=$elsewhere")
	done
	run -0 in_ns env -u MAKEFLAGS "${places[@]}" make -s -C "$tree" demo
	has 'noselfconn works here.'
	run -0 in_ns env -u MAKEFLAGS make -s -C "$tree" demo "${places[@]}"
	has 'noselfconn works here.'
	[ ! -e "$elsewhere" ]
}

@test "it says whether programs that no preload reaches can be supervised" {
	"$build/supervise" warn+strict true || cannot "there is no seccomp listener here"
	run -0 in_ns "$wrapper" --self-test
	has 'It can also supervise programs that no preload reaches.'
	run -0 in_ns "$build/tests/refuse" docker -- "$wrapper" --self-test
	has 'Programs that no preload reaches are not supervised: the sockets of a child'
	run -1 grep -E '.{81}' <<<"$output"
}
