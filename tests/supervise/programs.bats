# SPDX-License-Identifier: MIT
# Programs that no preload reaches: each asks a server at 127.0.0.1:40000, and shows what comes back.
# shellcheck disable=SC2016,SC2086,SC2154 # for inner shells; words are lists; run sets output

load ../lib/helpers

setup() {
	load supervised
	need_supervisor
	need python3
	clients=$BATS_TEST_DIRNAME/clients
	serve="$top/tests/world/clients/serve.py"
	export LC_ALL=C
	cd "$BATS_TEST_TMPDIR" || return
}

# says WORDS: $output has them.
says() {
	case ${output,,} in
	*"$1"*) ;;
	*) printf 'the output lacks "%s":\n%s\n' "$1" "$output" >&2; return 1 ;;
	esac
}

# Alone it gets its own question as the answer. Supervised it is refused, and asks the server that
# is there.
meets_itself() {
	run in_ns timeout 10 "$@"
	says ping
}

is_refused() {
	run in_ns $supervise timeout 10 "$@"
	says refused
	[[ $output != *ping* ]]
}

reaches_server() {
	run in_ns 40000-40019 $supervise python3 "$serve" line "$@"
	says hello
}

cured() {
	meets_itself "$@"
	is_refused "$@"
	reaches_server "$@"
}

compiled() {
	"$@" 2>log || cannot "$1 can't: $(tail -n 1 log)"
}

static_client() {
	compiled "${CC:-cc}" "$@" -static -w -D_GNU_SOURCE "$top/tests/lib/client.c" -o "$name"
}

@test "a static C program" {
	name=static static_client
	client=./static
	refused tcp4 connect 127.0.0.1 40000
	refused_later tcp4 nonblock connect 127.0.0.1 40000
	refused tcp6 connect ::1 40000
}

@test "a static program of musl" {
	need musl-gcc
	CC=musl-gcc name=musl static_client
	client=./musl
	refused tcp4 connect 127.0.0.1 40000
	refused tcp6 connect ::1 40000
}

@test "a program that makes its system calls itself" {
	compiled "${CC:-cc}" -D_GNU_SOURCE "$clients/ask.c" -o ask
	cured ./ask
	run shimmed in_ns ./ask # no preload reaches it
	says ping
}

@test "a program of x86-64 that makes the calls of i386, with more in its registers than they take" {
	[ "$(uname -m)" = x86_64 ] || machine_cannot "this machine has no calls of i386"
	compiled "${CC:-cc}" -D_GNU_SOURCE "$clients/ask.c" -o ask
	in_ns ./ask i386 >log || machine_cannot "the kernel has no calls of i386"
	cured ./ask i386
	cured ./ask socketcall
}

@test "a program that connects by io_uring does without" {
	need liburing.pc
	compiled "${CC:-cc}" -DRING -D_GNU_SOURCE "$clients/ask.c" -o ask -luring
	run in_ns ./ask ring
	case $output in
	*ping*) ;;
	*) machine_cannot "the kernel has no io_uring" ;;
	esac
	[[ $output != *"no ring"* ]]
	is_refused ./ask ring
	says "no ring: function not implemented"
	reaches_server ./ask ring
}

@test "busybox nc, statically linked" {
	need busybox
	run readelf -l "$(command -v busybox)"
	[[ $output != *INTERP* ]] || cannot "busybox is not statically linked"
	cured sh -c 'echo ping | busybox nc -w 2 127.0.0.1 40000'
}

@test "a Go program, with its own system calls and with its dialer" {
	need go
	GOCACHE=$PWD/cache GO111MODULE=off compiled go build -o go "$clients/ask.go"
	cured ./go syscall
	is_refused ./go dial
	reaches_server ./go dial
}

@test "a static Rust program" {
	need rustc
	compiled rustc -C target-feature=+crt-static -o rust "$top/tests/world/clients/rust.rs"
	run readelf -l rust
	[[ $output != *INTERP* ]] || cannot "rustc makes no static programs here"
	cured ./rust 127.0.0.1:40000
}

@test "a static program of i386, under an emulator or not" {
	need i386
	name=i386 static_client -m32
	client=./i386
	if ! ./i386; then
		printf '#!/bin/sh\nexec qemu-i386 ./i386 "$@"\n' >emulated
		chmod +x emulated
		client=./emulated
	fi
	refused tcp4 connect 127.0.0.1 40000
	refused_later tcp4 nonblock connect 127.0.0.1 40000
	refused tcp6 connect ::1 40000
}

@test "a shell script that mixes them, in pipes and in the background, and clears the environment" {
	need busybox
	name=static static_client
	compiled "${CC:-cc}" -D_GNU_SOURCE "$clients/ask.c" -o ask
	cat >script <<-'EOF'
		#!/bin/sh
		echo ping | busybox nc -w 2 127.0.0.1 40000
		env -i ./static tcp4 connect 127.0.0.1 40000 say ping | cat
		./ask &
		wait
		(exec 3<>/dev/tcp/127.0.0.1/40000 && echo ping >&3 && cat <&3) 2>&1
	EOF
	sed -i '1s/sh/env bash/' script
	chmod +x script
	# A self-connection that is closed leaves the port in TIME_WAIT, so each has it in turn.
	meets_itself ./script
	is_refused ./script
	[ "$(grep -ci refused <<<"$output")" -ge 4 ]
	reaches_server ./script
	[ "$(grep -c hello <<<"$output")" = 4 ]
}
