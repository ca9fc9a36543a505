# SPDX-License-Identifier: MIT
# What a kernel may have besides, and most test machines don't: see guest.sh.

setup() {
	load ../lib/helpers
	need_namespaces
}

@test "a socket of SMC is not connected to itself, and stays one of SMC" {
	in_ns "$client" smc4 2>/dev/null || machine_cannot "the kernel has no SMC"
	local kind
	for kind in "smc4 SMC 127.0.0.1" "smc6 SMC6 ::1"; do
		# shellcheck disable=SC2086 # words
		set -- $kind
		run in_ns "$client" "$1" connect "$3" 40000 names
		said "local: $3 40000" "peer: $3 40000"
		run shimmed in_ns "$client" "$1" connect "$3" 40000 kind timewait bindable "$3" 40000
		said "connect: ECONNREFUSED" "kind: $2" "timewait: 0" "bindable: ok"
	done
}

# in_vrf COMMAND...: in a namespace whose VRF red has 192.0.2.1; its device's number is $red.
in_vrf() {
	# shellcheck disable=SC2016
	in_ns sh -c 'ip link add red type vrf table 10 && ip link set red up &&
		ip addr add 192.0.2.1/24 dev red && red=$(ip -o link show red) &&
		export red=${red%%:*} && exec "$@"' sh "$@"
}

@test "a socket in a VRF is not connected to itself" {
	need ip
	in_vrf true 2>/dev/null || machine_cannot "the kernel has no VRF"
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
