# SPDX-License-Identifier: MIT
# noselfconn's options, and what it supervises by itself.
# shellcheck disable=SC2016,SC2086,SC2154 # for inner shells; words are lists; run sets output

load ../lib/helpers

setup() {
	load supervised
	need_supervisor
	wrapper=$top/scripts/noselfconn
	cd "$BATS_TEST_TMPDIR" || return
	cc -static -w -D_GNU_SOURCE "$top/tests/lib/client.c" -o static 2>/dev/null ||
		cannot "cc makes no static programs here"
	connects='tcp4 connect 127.0.0.1 40000'
	alone="connect: ok"
	refused="connect: ECONNREFUSED"
}

teardown() {
	[ -z "${public-}" ] || rm -rf "$public"
}

@test "a command that no preload reaches is supervised without being asked, and nothing is said" {
	run in_ns ./static $connects
	[ "$output" = "$alone" ]
	for options in '' -s -q; do
		run in_ns "$wrapper" $options ./static $connects
		[ "$output" = "$refused" ]
	done
}

@test "with -v one line says so" {
	run in_ns "$wrapper" -v ./static $connects
	[ "${lines[0]}" = "noselfconn: ./static is statically linked: supervised, with all that it starts" ]
	[ "${lines[1]}" = "$refused" ]
	[ "${#lines[@]}" = 2 ]
}

@test "--all supervises what a command starts, which has the preload too" {
	export client
	script='./static tcp4 connect 127.0.0.1 40000
		env -i "$client" tcp4 connect 127.0.0.1 40000
		"$client" tcp4 connect 127.0.0.1 40000
		echo "$LD_PRELOAD"'
	run in_ns sh -c "$script"
	said "$alone"
	run in_ns "$wrapper" sh -c "$script"
	said "$alone"
	said "$refused"
	for all in -a --all -sa -qa; do
		run in_ns "$wrapper" $all sh -c "$script"
		said "$refused" "$refused" "$refused" "$("$wrapper" --print-preload)${single:+:$single}"
	done
	run in_ns "$wrapper" -va sh -c "$script"
	[ "${lines[0]}" = "noselfconn: sh: supervised, with all that it starts" ]
}

@test "without --all, a command that the preload reaches is not supervised" {
	run in_ns "$wrapper" -v sh -c 'pgrep supervise'
	[ "$status" = 1 ]
	[ -z "$output" ]
}

@test "where --all is not possible, a command that the preload reaches runs with a warning, also with -s" {
	for options in -a -as; do
		run in_ns "$build/tests/refuse" docker -- "$wrapper" $options "$client" $connects
		[[ ${lines[0]} = "noselfconn: $client: not supervised: the sockets of a child"* ]]
		[ "${lines[1]}" = "$refused" ]
	done
	run in_ns "$build/tests/refuse" docker -- "$wrapper" -as ./static $connects
	[ "$status" = 125 ]
	said "noselfconn: ./static: not run (--strict)"
}

@test "--all with a command that isn't there, or can't be run, fails as ever" {
	bats_require_minimum_version 1.5.0
	run -127 "$wrapper" -a ./nothing
	touch plain
	run -126 "$wrapper" -a ./plain
	[ "$output" = "noselfconn: ./plain: Permission denied" ]
}

@test "a set-user-ID command is not supervised, which could take its privilege away, but warned about" {
	need setpriv
	[ "$(id -u)" = 0 ] || cannot "only root can give a file away"
	public=$(mktemp -d /tmp/noselfconn.XXXXXX)
	chmod 755 "$public"
	cp -r "$top/scripts" "$public"
	mkdir "$public/build"
	cp "$build/start" "$build/supervise" "$library" "$public/build"
	cd "$public"
	cp "$(command -v id)" suid
	chmod u+s suid
	run setpriv --reuid=65534 --clear-groups scripts/noselfconn -a ./suid -u
	said "noselfconn: ./suid is set-user-ID: no preload reaches it" 0
}

@test "noselfconn in noselfconn: one supervisor, and the inner command takes its place" {
	run in_ns "$wrapper" -a "$wrapper" -va "$wrapper" -v sh -c 'pgrep -c supervise; exec "$@"' - ./static $connects
	said "noselfconn: $wrapper: supervised already" 3 "$refused"
}

@test "an installation without the supervisor says so, and the command runs" {
	mkdir -p lone/build
	cp -r "$top/scripts" lone
	cp "$build/start" "$library" lone/build
	run in_ns lone/scripts/noselfconn ./static $connects
	said "noselfconn: $PWD/lone/build/supervise: No such file or directory" \
		"noselfconn: ./static is statically linked: no preload reaches it" "$alone"
	run in_ns lone/scripts/noselfconn -s ./static $connects
	[ "$status" = 125 ]
	run in_ns lone/scripts/noselfconn -a "$client" $connects
	said "noselfconn: $PWD/lone/build/supervise: No such file or directory" "$refused"
}

@test "the supervisor has no preload itself, and the command what the user and the library gave it" {
	export LD_PRELOAD=$build/tests/inject.so
	run "$wrapper" -a sh -c 'echo "$LD_PRELOAD ${NOSELFCONN_PRELOAD-}"
		for pid in $(pgrep supervise); do grep -c inject.so /proc/$pid/maps; done | sort -u'
	said "$("$wrapper" --print-preload):$build/tests/inject.so " 0
}
