# SPDX-License-Identifier: MIT
# Other preloads, in front of the library and behind it, AddressSanitizer, a debugger, and the ways
# in which a program loads a library.

setup() {
	load ../lib/helpers
	need_namespaces
	log=$BATS_TEST_TMPDIR/log
}

# other LIBRARY: needs it (setup.sh reads these lines too), and looks it up; $first preloads
# noselfconn before it, $last after it.
other() {
	need "$1"
	local found=(/usr/lib/*/"$1")
	other=${found[0]} first=$library:${found[0]} last=${found[0]}:$library
}

# preloading LIBRARIES WORD...: the client with these; not what makes the namespace, because
# torsocks refuses that its sockets.
preloading() {
	NOSELFCONN_LOG=$log in_ns env LD_PRELOAD="$1" "$client" "${@:2}"
}

# self_connects LIBRARIES WORD...: with these, the client connects to itself, or says so in vain.
self_connects() {
	run preloading "$1" "${@:2}" names
	said "local: 127.0.0.1 40000" "peer: 127.0.0.1 40000"
	not_repaired
}

# mended HOW OUTCOME [AT]: it was repaired; before glibc 2.32 it is prevented: see single.c.
mended() {
	[ -n "$single" ] || repaired "$@"
}

# refused LIBRARIES HOW: with these, it does not, and nothing is left of it.
refused() {
	run preloading "$1" tcp4 connect 127.0.0.1 40000 names timewait bindable 127.0.0.1 40000
	said "connect: ECONNREFUSED"
	said "peer: ENOTCONN" "timewait: 0" "bindable: ok"
	mended "$2" "connection refused"
}

# proxy_config: a proxychains whose proxy is there, and that leaves 127.0.0.1 alone.
proxy_config() {
	other libproxychains.so.4
	export PROXYCHAINS_CONF_FILE=$BATS_TEST_TMPDIR/proxychains.conf
	printf '%s\n' strict_chain "localnet 127.0.0.0/255.0.0.0" "[ProxyList]" \
		"socks5 127.0.0.1 40000" >"$PROXYCHAINS_CONF_FILE"
}

@test "before proxychains, a self-connection is repaired" {
	proxy_config
	self_connects "$other" tcp4 connect 127.0.0.1 40000
	refused "$first" "reset in place"
}

@test "after proxychains, a self-connection is repaired" {
	proxy_config
	self_connects "$other" tcp4 connect 127.0.0.1 40000
	refused "$last" "reset in place"
}

@test "under proxychains4, a self-connection is repaired" {
	need proxychains4
	proxy_config
	self_connects "$other" tcp4 connect 127.0.0.1 40000
	NOSELFCONN_LOG=$log LD_PRELOAD=$library run \
		in_ns proxychains4 -q "$client" tcp4 connect 127.0.0.1 40000 names
	said "connect: ECONNREFUSED"
	said "peer: ENOTCONN"
	mended "reset in place" "connection refused"
}

@test "after proxychains, its own connection to the proxy is repaired" {
	proxy_config
	# Connected to itself, it reads its own greeting, and goes on to the next in the chain.
	run preloading "$other" tcp4 connect 192.0.2.1 80
	[[ $output == *127.0.0.1:40000*192.0.2.1:80* ]]
	run preloading "$last" tcp4 connect 192.0.2.1 80 names
	[[ $output == *127.0.0.1:40000* && $output != *192.0.2.1:80* ]]
	said "connect: ECONNREFUSED"
	said "peer: ENOTCONN"
	mended "reset in place" "connecting"
}

# torsocks asks libc itself for connect(), and not for the next one.
tor_config() {
	other torsocks/libtorsocks.so
	export TORSOCKS_CONF_FILE=$BATS_TEST_TMPDIR/torsocks.conf
	printf '%s\n' "AllowOutboundLocalhost 1" >"$TORSOCKS_CONF_FILE"
}

@test "before torsocks, a self-connection is repaired" {
	tor_config
	self_connects "$other" tcp4 connect 127.0.0.1 40000
	refused "$first" "reset in place"
}

@test "after torsocks, a self-connection is repaired" {
	tor_config
	self_connects "$other" tcp4 connect 127.0.0.1 40000
	refused "$last" "reset in place"
}

@test "before torsocks, it says what it has to say, and nothing else" {
	tor_config
	run preloading "$other" tcp4 connect 127.0.0.1 40001 udp4
	local without=$output
	run preloading "$first" tcp4 connect 127.0.0.1 40001 udp4
	[ "$(sed 's/^[0-9]*//' <<<"$output")" = "$(sed 's/^[0-9]*//' <<<"$without")" ]
}

# So does socket_wrapper.
@test "before socket_wrapper, a self-connection is repaired" {
	other libsocket_wrapper.so
	self_connects "$other" tcp4 connect 127.0.0.1 40000
	refused "$first" "reset in place"
}

@test "after socket_wrapper, a self-connection is repaired" {
	other libsocket_wrapper.so
	self_connects "$other" tcp4 connect 127.0.0.1 40000
	refused "$last" "reset in place"
}

@test "before and after socket_wrapper, what it makes of connections stays" {
	other libsocket_wrapper.so
	export SOCKET_WRAPPER_DIR=$BATS_TEST_TMPDIR SOCKET_WRAPPER_DEFAULT_IFACE=2
	local libraries words=(tcp4 connect 127.0.0.2 40000 names
		serve 127.0.0.2 40000 tcp4 connect 127.0.0.2 40000 names)
	run preloading "$other" "${words[@]}"
	local without=$output
	said "serve: ok" "connect: ok"
	for libraries in "$first" "$last"; do
		rm -f "$SOCKET_WRAPPER_DIR"/T*
		run preloading "$libraries" "${words[@]}"
		[ "$output" = "$without" ]
		not_repaired
	done
}

@test "before and after mptcpize's library, a self-connection over MPTCP is repaired" {
	other mptcpize/libmptcpwrap.so.0
	run preloading "$other" tcp4 get 1 38
	[ "$output" = "get: 262" ] || cannot "the kernel has no MPTCP"
	self_connects "$other" tcp4 connect 127.0.0.1 40000
	refused "$first" "reset in place"
	refused "$last" "reset in place"
}

# It sets LD_PRELOAD, whatever that was, so the library is to come in between.
@test "under mptcpize, a self-connection is repaired" {
	need mptcpize
	local words=(tcp4 connect 127.0.0.1 40000 names)
	run in_ns mptcpize run "$client" "${words[@]}"
	said "local: 127.0.0.1 40000" "peer: 127.0.0.1 40000"
	# shellcheck disable=SC2016
	NOSELFCONN_LOG=$log run in_ns mptcpize run \
		sh -c 'LD_PRELOAD=$1:$LD_PRELOAD && shift && exec "$@"' sh "$library" \
		"$client" "${words[@]}"
	said "connect: ECONNREFUSED"
	said "peer: ENOTCONN"
	mended "reset in place" "connection refused"
}

@test "before and after libeatmydata, a self-connection is repaired" {
	other libeatmydata.so
	self_connects "$other" tcp4 connect 127.0.0.1 40000
	refused "$first" "reset in place"
	refused "$last" "reset in place"
}

@test "before and after libfaketime, a self-connection is repaired" {
	other faketime/libfaketime.so.1
	export FAKETIME=-1d
	self_connects "$other" tcp4 connect 127.0.0.1 40000
	refused "$first" "reset in place"
	refused "$last" "reset in place"
}

@test "among all of them, a self-connection is repaired" {
	other libeatmydata.so
	local all=$other
	other faketime/libfaketime.so.1
	all=$all:$other
	other mptcpize/libmptcpwrap.so.0
	all=$all:$other
	proxy_config
	all=$all:$other
	self_connects "$all" tcp4 connect 127.0.0.1 40000
	refused "$library:$all" "reset in place"
	refused "$all:$library" "reset in place"
}

# AddressSanitizer

# sanitized OPTION: compiles the client so.
sanitized() {
	need cc
	cc -fsanitize=address "$@" -D_GNU_SOURCE -w -o "$BATS_TEST_TMPDIR/client" \
		"$top/tests/lib/client.c" -pthread 2>/dev/null || cannot "cc has no AddressSanitizer"
	client=$BATS_TEST_TMPDIR/client
}

@test "in a program with AddressSanitizer linked in, a self-connection is repaired" {
	sanitized -static-libasan
	self_connects "" tcp4 connect 127.0.0.1 40000
	refused "$library" "reset in place"
	[[ $output != *Sanitizer* ]]
}

@test "in a program with AddressSanitizer's library, preloaded first, it is repaired" {
	sanitized
	local asan
	asan=$(cc -print-file-name=libasan.so)
	self_connects "$asan" tcp4 connect 127.0.0.1 40000
	refused "$asan:$library" "reset in place"
	[[ $output != *Sanitizer* ]]
}

# Libraries that are loaded while the program runs

loads() {
	in_ns "$build/tests/loads" "$1" "$build/tests/plugin.so" 40000
}

# debugged PRELOADS: a program with a thread that connects forty times.
debugged() {
	run in_ns timeout 60 gdb -q -batch -ex "set environment LD_PRELOAD $1" -ex run \
		--args "$build/tests/threads" crowd 1 40
	[[ $output == *"exited normally"* ]]
}

# It follows the library's own thread, and takes its process for another thread.
@test "under gdb, a program with threads is refused" {
	need gdb
	debugged "$single"
	[[ $output == *self-connected* ]]
	debugged "$library${single:+:$single}"
	[[ $output == *"refused: 40"* ]]
}

@test "libraries that dlopen() loads are reached" {
	local how
	for how in local global deepbind; do
		run loads $how
		[ "$output" = "connected to itself" ]
		run shimmed loads $how
		[ "$output" = "Connection refused" ]
		mended "reset in place" "connection refused"
	done
}

@test "libraries that are loaded with dlmopen() are not reached" {
	run shimmed loads dlmopen
	[ "$output" = "connected to itself" ]
	not_repaired
}
