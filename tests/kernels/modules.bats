# SPDX-License-Identifier: MIT
# What a kernel may have besides, and most test machines don't: see guest.sh.

load ../lib/helpers

setup() {
	load vrf
	need_namespaces
}

# smc KIND NAME ADDRESS: a socket that fell back to TCP, and answers like one.
smc() {
	run in_ns "$client" "$1" connect "$3" 40000 get 1 38 names
	said "connect: ok" "get: 6" "local: $3 40000" "peer: $3 40000"
	run shimmed in_ns "$client" "$1" connect "$3" 40000 kind timewait bindable "$3" 40000
	said "connect: ECONNREFUSED" "kind: $2" "timewait: 0" "bindable: ok"
}

@test "a socket of SMC is not connected to itself, and stays one of SMC" {
	in_ns "$client" smc4 2>/dev/null || machine_cannot "the kernel has no SMC"
	smc smc4 SMC 127.0.0.1
	smc smc6 SMC6 ::1
}

@test "a socket of IPPROTO_SMC is not connected to itself, and stays one of SMC" {
	in_ns "$client" ipsmc4 2>/dev/null || machine_cannot "the kernel has no IPPROTO_SMC (Linux 6.11)"
	smc ipsmc4 INET_SMC 127.0.0.1
	smc ipsmc6 INET6_SMC ::1
}

# other WORD...: a socket, if the kernel has such, of which the client says the same with the library.
other() {
	local words=("$@" get 1 38 names) without
	in_ns "$client" "${@:1:4}" 2>/dev/null || return 0
	without=$(in_ns 40000-40000 "$client" "${words[@]}")
	[[ $without == "connect: "* ]]
	run shimmed in_ns 40000-40000 "$client" "${words[@]}"
	[ "$output" = "$without" ]
	not_repaired
}

@test "raw sockets of TCP and MPTCP, which show the same address on both sides, are left alone" {
	run in_ns "$client" socket 2 3 6 connect 127.0.0.1 6 get 1 38 names
	said "get: 6" "local: 127.0.0.1 6" "peer: 127.0.0.1 6"
	other socket 2 3 6 connect 127.0.0.1 6
	other socket 10 3 6 connect ::1 6
	other socket 2 3 262 connect 127.0.0.1 262
}

@test "UDP, UDP-Lite, DCCP, SCTP, L2TP, RDS, vsock, TIPC and KCM are left alone" {
	run in_ns 40000-40000 "$client" socket 2 2 17 connect 127.0.0.1 40000 get 1 38 names
	said "get: 17" "local: 127.0.0.1 40000" "peer: 127.0.0.1 40000"
	local kind
	for kind in '2 2 17' '2 2 136' '2 6 33' '2 1 132' '2 5 132' '2 2 115' '21 5 0' '40 1 0' '30 1 0' '41 2 0'; do
		# shellcheck disable=SC2086 # numbers
		other socket $kind connect 127.0.0.1 40000
	done
}

@test "a socket of SCTP, which can be connected to itself too, is left alone" {
	in_ns "$client" sctp4 2>/dev/null || machine_cannot "the kernel has no SCTP"
	local words=(sctp4 connect 127.0.0.1 40000 get 1 38 names)
	run in_ns 40000-40000 "$client" "${words[@]}"
	said "connect: ok" "get: 132" "local: 127.0.0.1 40000" "peer: 127.0.0.1 40000"
	local without=$output
	run shimmed in_ns 40000-40000 "$client" "${words[@]}"
	[ "$output" = "$without" ]
	not_repaired
}

@test "a socket that the kernel's TLS took over is left alone, and can't be disconnected" {
	run in_ns "$client" serve 127.0.0.1 40001 tcp4 connect 127.0.0.1 40001 ulp tls
	[[ $output == *"ulp: ok" ]] || machine_cannot "the kernel has no TLS"
	run in_ns "$client" tcp4 ulp tls # there is none before a connection
	said "ulp: ENOTCONN"
	local words=(serve 127.0.0.1 40001 tcp4 connect 127.0.0.1 40001 ulp tls connect 127.0.0.1 40001 unspec names)
	run in_ns "$client" "${words[@]}"
	said "ulp: ok" "connect: EISCONN" "unspec: errno 95" "local: 127.0.0.1 40000"
	local without=$output
	run shimmed in_ns "$client" "${words[@]}"
	[ "$output" = "$without" ]
	not_repaired
}

@test "a deliberate self-connection that TLS took over is left alone" {
	local words=(tcp4 bind 127.0.0.1 40000 connect 127.0.0.1 40000 ulp tls connect 127.0.0.1 40000 names)
	run in_ns "$client" "${words[@]}"
	[[ $output == *"ulp: ok"* ]] || machine_cannot "the kernel has no TLS"
	said "connect: EISCONN" "local: 127.0.0.1 40000" "peer: 127.0.0.1 40000"
	local without=$output
	run shimmed in_ns "$client" "${words[@]}"
	[ "$output" = "$without" ]
}

# What service meshes do: such a socket has functions of its own (tcp_bpf).
@test "a socket that a BPF program puts into a sockmap is not connected to itself" {
	local mapped=(in_ns "$build/tests/sockmap" "$client")
	"${mapped[@]}" 2>/dev/null || machine_cannot "there are no BPF programs for cgroups here"
	run "${mapped[@]}" tcp4 connect 127.0.0.1 40000 names
	said "connect: ok" "local: 127.0.0.1 40000" "peer: 127.0.0.1 40000" "in a sockmap: 1"
	run shimmed "${mapped[@]}" tcp4 connect 127.0.0.1 40000 timewait \
		serve 127.0.0.1 40000 connect 127.0.0.1 40000 names
	said "connect: ECONNREFUSED" "timewait: 0" "serve: ok" \
		"connect: ok" "local: 127.0.0.1 40001" "peer: 127.0.0.1 40000" "in a sockmap: 3"
	repaired "reset in place"
	run shimmed "${mapped[@]}" tcp6 nonblock connect ::1 40000 wait error timewait
	said "connect: EINPROGRESS" "error: ECONNREFUSED" "timewait: 0" "in a sockmap: 1"
	local words=(tcp4 bind 127.0.0.1 40000 connect 127.0.0.1 40000 names say hello)
	run "${mapped[@]}" "${words[@]}"
	said "peer: 127.0.0.1 40000" "answer: hello" "in a sockmap: 1"
	run shimmed "${mapped[@]}" "${words[@]}"
	said "peer: 127.0.0.1 40000" "answer: hello" "in a sockmap: 3"
}

@test "a socket whose segments are signed is not connected to itself, and keeps its key" {
	local how tried=''
	for how in md5 ao; do
		run in_ns "$build/tests/signed" $how
		[ "$status" != 125 ] || continue
		tried+=" $how"
		said "signed: connected to itself" "unsigned: no answer" "signed: connected"
		run shimmed in_ns "$build/tests/signed" $how
		said "signed: no answer" "unsigned: no answer" "signed: connected"
		repaired "reset in place" connecting
	done
	case $tried in
	'') machine_cannot "the kernel has neither TCP_MD5SIG nor TCP-AO" ;;
	' md5') machine_cannot "the kernel has no TCP-AO: the rest has passed" ;;
	esac
}

# Its name is still that of TCP.
@test "a socket of TCP that SMC took over is not connected to itself, and stays one of SMC" {
	run in_ns "$client" tcp4 ulp smc connect 127.0.0.1 40000 get 6 31 names
	[[ $output == "ulp: ok"* ]] || machine_cannot "the kernel has no TCP_ULP of SMC (Linux 5.17 to 6.18, before fixes took it away)"
	said "connect: ok" "get: $((0x636d73))" "local: 127.0.0.1 40000" "peer: 127.0.0.1 40000"
	run shimmed in_ns "$client" tcp4 ulp smc connect 127.0.0.1 40000 get 6 31 timewait
	said "connect: ECONNREFUSED" "get: $((0x636d73))" "timewait: 0"
}

@test "a socket in a VRF is not connected to itself" {
	need ip
	need_vrf
	# shellcheck disable=SC2016
	set -- sh -c 'exec "$1" tcp4 $2 opt 1 62 $red connect 192.0.2.1 40000 names timewait' sh "$client"
	run in_vrf "$@" ''
	said "local: 192.0.2.1 40000" "peer: 192.0.2.1 40000"
	for words in '' dup; do
		run shimmed in_vrf "$@" "$words"
		said "connect: ECONNREFUSED"
		said "peer: ENOTCONN" "timewait: 0"
	done
}

@test "a socket that nftables redirects to a server gets its connection" {
	need ip nft
	# shellcheck disable=SC2016
	redirected() {
		in_ns sh -c 'nft "add table ip t; add chain ip t o { type nat hook output priority -100; };
			add rule ip t o tcp dport 40000 dnat to 127.0.0.1:5000" && exec "$@"' sh "$@"
	}
	redirected true 2>/dev/null || machine_cannot "the kernel has no NAT of nftables"
	run redirected "$client" serve 127.0.0.1 5000 tcp4 connect 127.0.0.1 40000 names
	said "connect: ok" "local: 127.0.0.1 40000" "peer: 127.0.0.1 40000"
	run shimmed redirected "$client" serve 127.0.0.1 5000 tcp4 connect 127.0.0.1 40000 error
	said "connect: ok" "error: ok"
	run shimmed redirected "$client" serve 127.0.0.1 5000 \
		tcp4 nonblock connect 127.0.0.1 40000 wait error
	said "error: ok"
}

@test "a socket that IPVS leads to a server gets its connection" {
	need ipvsadm
	# shellcheck disable=SC2016
	led() {
		in_ns sh -c 'ipvsadm -A -t 127.0.0.1:40000 -s rr &&
			ipvsadm -a -t 127.0.0.1:40000 -r 127.0.0.1:5000 -m && exec "$@"' sh "$@"
	}
	led true 2>/dev/null || machine_cannot "the kernel has no IPVS"
	run led "$client" tcp4 connect 127.0.0.1 40000 # the server is not there
	said "connect: ECONNREFUSED"
	local words=(serve 127.0.0.1 5000 tcp4 connect 127.0.0.1 40000 names)
	run led "$client" "${words[@]}"
	said "connect: ok" "local: 127.0.0.1 40000" "peer: 127.0.0.1 40000"
	run shimmed led "$client" "${words[@]}"
	said "connect: ok" "local: 127.0.0.1 40000" "peer: 127.0.0.1 40000"
	not_repaired
}

@test "over a slow and lossy loopback, a socket is not connected to itself either" {
	need tc
	# shellcheck disable=SC2016
	slow() {
		in_ns sh -c 'tc qdisc add dev lo root netem delay 10ms loss 10% && exec "$@"' sh "$@"
	}
	slow true 2>/dev/null || machine_cannot "the kernel has no netem"
	# Complete only after connect() has returned.
	run slow "$client" tcp4 nonblock connect 127.0.0.1 40000 wait error names
	said "connect: EINPROGRESS" "error: ok" "local: 127.0.0.1 40000" "peer: 127.0.0.1 40000"
	run shimmed slow "$client" tcp4 nonblock connect 127.0.0.1 40000 wait error names timewait \
		bindable 127.0.0.1 40000
	said "connect: EINPROGRESS" "error: ECONNREFUSED"
	said "peer: ENOTCONN" "timewait: 0" "bindable: ok"
	run slow "$client" tcp6 connect ::1 40000 names
	said "connect: ok" "local: ::1 40000" "peer: ::1 40000"
	run shimmed slow "$client" tcp6 connect ::1 40000 timewait bindable ::1 40000
	said "connect: ECONNREFUSED" "timewait: 0" "bindable: ok"
}
