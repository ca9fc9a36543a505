# SPDX-License-Identifier: MIT
# The wrapper, scripts/noselfconn, in the shells that a /bin/sh may be.

load ../lib/helpers
bats_require_minimum_version 1.5.0

# Those of them that are here.
shells=()
for words in dash 'busybox sh' 'bash --posix' mksh; do
	! command -v "${words% *}" >/dev/null || shells+=("$words")
done

# A source tree, with whatever build is tested.
setup_file() {
	load ../lib/helpers
	make_tree "$BATS_FILE_TMPDIR/tree"
}

make_tree() {
	mkdir -p "$1"
	ln -s "$top/scripts" "$1/scripts"
	ln -s "$build" "$1/build"
}

setup() {
	# In a directory that we may not search, each missing command is one that can't be run.
	PATH=$(tr : '\n' <<<"$PATH" | while read -r folder; do [ ! -x "$folder" ] || echo "$folder"; done | paste -sd :)
	tree=$BATS_FILE_TMPDIR/tree
	wrapper=$tree/scripts/noselfconn
	ours=$tree/build/libnoselfconn.so
	cd "$BATS_TEST_TMPDIR"
}

teardown() {
	[ -z "${public-}" ] || rm -rf "$public"
}

# A directory that every user may read, with a source tree of its own.
make_public() {
	public=$(mktemp -d /tmp/noselfconn.XXXXXX)
	chmod 755 "$public"
	cp -r "$top/scripts" "$public"
	mkdir "$public/build"
	cp "$build/start" "$build/libnoselfconn.so" "$public/build"
	cp "$build/tests/preloaded" "$public"
	cd "$public"
	wrapper=$public/scripts/noselfconn
}

# in_each_shell COMMAND...: with $shell set to the words of the shell. (Not "COMMAND ||": what
# fails in the middle of a function would go unnoticed.)
in_each_shell() {
	local words
	for words in "${shells[@]}"; do
		read -ra shell <<<"$words"
		echo "in $words:"
		"$@"
	done
}

# is EXPECTED: the output and the status, 0, of the last run.
is() {
	[ "$status" = 0 ] && [ "$output" = "$1" ] || {
		printf 'status %s, output:\n%s\nexpected:\n%s\n' "$status" "$output" "$1" >&2
		return 1
	}
}

# fails STATUS TEXT: the last run did, and had TEXT in its output.
fails() {
	[ "$status" = "$1" ] && [[ $output = *"$2"* ]] || {
		printf 'status %s, output:\n%s\n' "$status" "$output" >&2
		return 1
	}
}

@test "the tests that follow use each shell that a /bin/sh may be" {
	need dash busybox bash mksh
}

@test "bash is connected to itself without the wrapper, and refused with it" {
	need_namespaces
	refused() {
		run in_ns "${shell[@]}" "$wrapper" bash -c 'exec 3<>/dev/tcp/127.0.0.1/40000'
		fails 1 'Connection refused'
	}
	run in_ns bash -c 'exec 3<>/dev/tcp/127.0.0.1/40000 && echo connected'
	is connected
	in_each_shell refused
}

@test "the library stands in front of what LD_PRELOAD has" {
	export LD_PRELOAD="$build/tests/inject.so $build/tests/swap.so"
	in_front() {
		run "${shell[@]}" "$wrapper" sh -c 'echo "$LD_PRELOAD"'
		is "$ours:$LD_PRELOAD"
	}
	in_each_shell in_front
}

@test "the library is named once, also where it was preloaded already" {
	once() {
		run env LD_PRELOAD="$build/tests/inject.so:$library $build/tests/swap.so" \
			"${shell[@]}" "$wrapper" -q "${shell[@]}" "$wrapper" sh -c 'echo "$LD_PRELOAD"'
		is "$ours:$build/tests/inject.so:$build/tests/swap.so"
	}
	in_each_shell once
}

@test "it is found through a symbolic link, which may be relative" {
	mkdir bin
	ln -s "$wrapper" bin/absolute
	ln -s "$(realpath --relative-to=bin "$tree")/scripts/noselfconn" bin/relative
	ln -s relative bin/again
	real=$(readlink -f "$wrapper")
	make_tree real && rm real/scripts && cp -r "$top/scripts" real/scripts
	ln -s ../real/scripts/noselfconn bin/noselfconn
	linked() {
		run "${shell[@]}" "bin/noselfconn" sh -c 'echo "$LD_PRELOAD"'
		is "$PWD/real/build/libnoselfconn.so"
	}
	in_each_shell linked
	run env PATH="$PWD/bin:$PATH" noselfconn sh -c 'echo "$LD_PRELOAD"'
	is "$PWD/real/build/libnoselfconn.so"
}

@test "it is found by a relative path, and a command that changes its directory keeps it" {
	cp -r "$top/scripts" scripts && ln -s "$build" build
	relative() {
		run "${shell[@]}" scripts/noselfconn sh -c "cd / && '$build/tests/preloaded'"
		is preloaded
		cd scripts
		run "${shell[@]}" noselfconn sh -c "cd / && '$build/tests/preloaded'"
		is preloaded
		cd ..
	}
	in_each_shell relative
}

@test "it works from a path with spaces" {
	need_namespaces
	make_tree 'a b/c  d'
	spaces() {
		run env LD_LIBRARY_PATH=/x "${shell[@]}" 'a b/c  d/scripts/noselfconn' \
			sh -c 'echo "$LD_LIBRARY_PATH" && exec "$1"' sh "$build/tests/preloaded"
		is "/x:$PWD/a b/c  d/build"$'\npreloaded'
		run in_ns "${shell[@]}" 'a b/c  d/scripts/noselfconn' -s \
			bash -c 'exec 3<>/dev/tcp/127.0.0.1/40000'
		fails 1 'Connection refused'
	}
	in_each_shell spaces
}

@test "a path with a colon, which LD_PRELOAD can't name, is an error" {
	make_tree a:b
	colon() {
		run "${shell[@]}" a:b/scripts/noselfconn echo ran
		fails 125 "can't name $PWD/a:b/build/libnoselfconn.so"
	}
	in_each_shell colon
}

@test "without the library nothing is run" {
	mkdir -p empty/build
	ln -s "$top/scripts" empty/scripts
	missing() {
		run "${shell[@]}" empty/scripts/noselfconn echo ran
		fails 125 "there is no library $PWD/empty/build/libnoselfconn.so"
	}
	in_each_shell missing
}

@test "with the library alone, built without its helper, it runs commands, but not with --strict" {
	mkdir -p lone/build
	ln -s "$top/scripts" lone/scripts
	ln -s "$library" lone/build/libnoselfconn.so
	alone() {
		run env LD_PRELOAD="$build/tests/inject.so" "${shell[@]}" lone/scripts/noselfconn \
			sh -c 'echo "$LD_PRELOAD" && exec "$0"' "$build/tests/preloaded"
		is "$PWD/lone/build/libnoselfconn.so:$build/tests/inject.so"$'\npreloaded'
		run "${shell[@]}" lone/scripts/noselfconn -s echo ran
		fails 125 "need $PWD/lone/build/start"
	}
	in_each_shell alone
}

@test "the command has the pid of the wrapper" {
	same_pid() {
		run sh -c 'echo $$; exec "$@"' sh "${shell[@]}" "$wrapper" sh -c 'echo $$'
		[ "$status" = 0 ]
		[ "${#lines[@]}" = 2 ]
		[ "${lines[0]}" = "${lines[1]}" ]
	}
	in_each_shell same_pid
}

@test "the command has the wrapper's stdin, and its exit status and signal are the wrapper's" {
	transparent() {
		run "${shell[@]}" "$wrapper" sh -c 'read -r x && echo "got $x" && exit 7' <<<line
		[ "$status" = 7 ]
		[ "$output" = 'got line' ]
		run bash -c 'exec "$@"' bash "${shell[@]}" "$wrapper" sh -c 'kill -TERM $$'
		[ "$status" = 143 ]
	}
	in_each_shell transparent
}

@test "no process is forked on the way to the command" {
	need strace
	unforked() {
		run strace -f -e trace=fork,vfork,clone,clone3 -o forks "${shell[@]}" "$wrapper" -v -n 3 "$1"
		[ "$status" = 0 ]
		[ -s forks ]
		run grep -E 'fork|clone' forks
		[ "$status" = 1 ]
	}
	printf '#!/usr/bin/env bash\ntrue\n' >script && chmod +x script
	in_each_shell unforked true
	in_each_shell unforked ./script
}

@test "arguments arrive as they were given" {
	show='for i; do printf "<%s>" "$i"; done'
	arguments() {
		run "${shell[@]}" "$wrapper" -- bash -c "$show" '' '' ' a  b ' '*' '$HOME' $'x\ny' '\n' -v --
		is $'<>< a  b ><*><$HOME><x\ny><\\n><-v><-->'
	}
	in_each_shell arguments
}

@test "options after the command are the command's" {
	options() {
		run "${shell[@]}" "$wrapper" bash -c 'echo "$@"' -v --help -- --strict
		is '--help -- --strict'
		run "${shell[@]}" "$wrapper" -- sh -c 'echo "$@"' --check --version
		is '--version'
	}
	in_each_shell options
}

@test "it works with set -u, set -e, set -f and an odd IFS" {
	odd() {
		run env -u LD_PRELOAD IFS=/:o "${shell[@]}" -euf "$wrapper" -n 3 -l log \
			sh -c 'echo "$LD_PRELOAD $NOSELFCONN_RETRIES $NOSELFCONN_LOG"'
		is "$ours 3 $PWD/log"
	}
	in_each_shell odd
}

@test "of the environment, only LD_PRELOAD is changed" {
	# "_" is the shell's own note of what it started.
	unchanged() {
		env -i PATH="$PATH" PWD="$PWD" mode=1 library=2 PRELOAD=3 "${shell[@]}" -c 'exec env' |
			grep -v '^_=' | sort >without
		env -i PATH="$PATH" PWD="$PWD" mode=1 library=2 PRELOAD=3 "${shell[@]}" "$wrapper" env |
			grep -v -e '^_=' -e '^LD_PRELOAD=' | sort >with
		diff without with
	}
	in_each_shell unchanged
}

@test "every variable that the wrapper assigns has a name that no program uses" {
	run bash -c 'sed "/^[[:space:]]*#/d" "$0" | grep -Eo "(^|[[:space:]])[A-Za-z_]+="' "$wrapper"
	[ "$status" = 0 ]
	run grep -vE '(nsc_[a-z_]+|NOSELFCONN_[A-Z]+|LD_PRELOAD|LD_LIBRARY_PATH)=$' <<<"$output"
	fails 1 ''
	[ -z "$output" ]
}

@test "-v, -l, -n and -q set what the library reads, in each way to write them" {
	settings='echo "${NOSELFCONN_VERBOSE-} ${NOSELFCONN_LOG-} ${NOSELFCONN_RETRIES-}"'
	set_by() {
		run "${shell[@]}" "$wrapper" "${@:2}" sh -c "$settings"
		is "$1"
	}
	in_each_shell set_by '1  ' -v
	in_each_shell set_by '1  ' --verbose
	in_each_shell set_by '0  ' -q
	in_each_shell set_by '0  ' -v --quiet
	in_each_shell set_by "1 $PWD/f 0" -vs -l f -n 0
	in_each_shell set_by "1 /dev/null 100" -sv -l/dev/null -n100 --
	in_each_shell set_by " $PWD/a b 7" --log 'a b' --retries 7
	in_each_shell set_by " $PWD/x=y 10" --log=x=y --retries=10
}

@test "a repair is reported on stderr with -v and in the file with --log" {
	need_namespaces
	run in_ns "$wrapper" -v -l log bash -c '(exec 3<>/dev/tcp/127.0.0.1/40000) 2>/dev/null' 
	fails 1 ''
	repaired_in_log=$(cat log)
	[[ $repaired_in_log = 'noselfconn: bash['*'self-connection at 127.0.0.1:40000'* ]]
	run in_ns "$wrapper" -v bash -c 'exec 3<>/dev/tcp/127.0.0.1/40000'
	fails 1 'self-connection at 127.0.0.1:40000'
	run in_ns "$wrapper" -q bash -c 'exec 3<>/dev/tcp/127.0.0.1/40000'
	[[ $output != *self-connection* ]]
}

@test "a wrong option is 125, and nothing is run" {
	wrong() {
		run "${shell[@]}" "$wrapper" "$@" 
		fails 125 'noselfconn: '
		[[ $output != *ran* ]]
	}
	in_each_shell wrong
	in_each_shell wrong --
	in_each_shell wrong -x echo ran
	in_each_shell wrong --nonsense echo ran
	in_each_shell wrong -vx echo ran
	in_each_shell wrong --retries=101 echo ran
	in_each_shell wrong -n 007 echo ran
	in_each_shell wrong -n '' echo ran
	in_each_shell wrong --log= echo ran
	in_each_shell wrong --log=/ echo ran
	in_each_shell wrong --log /nonexistent/log echo ran
	in_each_shell wrong --log
}

@test "a message names the option as it was typed" {
	typed() {
		run "${shell[@]}" "$wrapper" "${@:2}" echo ran
		[ "$output" = "noselfconn: $1" ]
	}
	in_each_shell typed "-l '/': not a file that can be written" -l /
	in_each_shell typed "-l '/x/y': not a file that can be written" -vl/x/y
	in_each_shell typed "--log '/': not a file that can be written" --log=/
	in_each_shell typed "-n 'x': not a number from 0 to 100" -n x
	in_each_shell typed "--retries 'x': not a number from 0 to 100" --retries x
}

@test "a NOSELFCONN_LOG that can't be written is said once, and the command is run" {
	warned() {
		run "${shell[@]}" "$wrapper" echo ran
		[ "$output" = "noselfconn: NOSELFCONN_LOG '$NOSELFCONN_LOG': not a file that can be written"$'\n'ran ]
		run "${shell[@]}" "$wrapper" -q echo ran
		is ran
	}
	silent() {
		run "${shell[@]}" "$wrapper" echo ran
		is ran
		[ ! -e log ]
	}
	mkdir -p directory
	NOSELFCONN_LOG=/nonexistent/log in_each_shell warned
	NOSELFCONN_LOG=no/directory in_each_shell warned
	NOSELFCONN_LOG=$PWD/directory in_each_shell warned
	NOSELFCONN_LOG=log in_each_shell silent
	NOSELFCONN_LOG=$PWD/log in_each_shell silent
	NOSELFCONN_LOG= in_each_shell silent
}

@test "a command that isn't found is 127, one that can't be run is 126" {
	touch plain
	printf '#!/nonexistent/interpreter\n' >orphan && chmod +x orphan
	status_of() {
		run "-$1" "${shell[@]}" "$wrapper" ${3-} "$2"
		fails "$1" "noselfconn: ${2:-''}: "
	}
	in_each_shell status_of 127 no-such-command
	in_each_shell status_of 127 ./no-such-command
	in_each_shell status_of 127 ''
	in_each_shell status_of 127 ./orphan
	in_each_shell status_of 126 ./plain
	in_each_shell status_of 126 /
	in_each_shell status_of 126 ./plain -q
	in_each_shell status_of 127 ./orphan -s
	PATH=$PWD:$PATH in_each_shell status_of 126 plain
}

@test "a message is one line, and shows nothing of a name that a terminal would obey" {
	one_line() {
		output=$("${shell[@]}" "$wrapper" "${@:2}" 2>&1) || echo "exit status $?"
		[ "$output" = "noselfconn: $1" ]
	}
	in_each_shell one_line "'': command not found" ''
	in_each_shell one_line "'': command not found" --all ''
	in_each_shell one_line "no-such-command: command not found" no-such-command
	in_each_shell one_line "./no-such-command: No such file or directory" ./no-such-command
	in_each_shell one_line "a?b?[31m: command not found" $'a\nb\e[31m'
	in_each_shell one_line "unknown option --a?b; see noselfconn --help" $'--a\nb'
	in_each_shell one_line "-l '/?/x/y': not a file that can be written" -l $'/\e/x/y'
	in_each_shell one_line "--check 'a?b': not a port (1 to 65535)" --check $'a\nb'
	printf '#!/bin/sh\n' >$'x\ny' && chmod +x $'x\ny'
	NOSELFCONN_LOG=$'/\e/x/y' in_each_shell one_line "NOSELFCONN_LOG '/?/x/y': not a file that can be written" ./$'x\ny'
	printf '\177ELF' >$'z\nz' && chmod +x $'z\nz'
	in_each_shell one_line "./z?z: Exec format error" ./$'z\nz'
}

@test "a binary file that the kernel refuses is not run as a script of the shell: 126" {
	cp "$build/tests/preloaded" foreign && printf '\xff\xfe' | dd of=foreign bs=1 seek=18 conv=notrunc 2>/dev/null
	head -c 20 "$build/tests/preloaded" >short && chmod +x short
	printf '\177ELF' >shortest && chmod +x shortest
	printf 'a\0b' >binary && chmod +x binary
	local file
	for file in foreign short shortest binary; do
		if [ $file != shortest ]; then # the control, but for what bash 5.1 takes for a script
			run -126 bash -c ./$file
			fails 126 'Exec format error'
		fi
		run -126 "$wrapper" ./$file
		[ "$output" = "noselfconn: ./$file: Exec format error" ]
		run -126 "$wrapper" --all ./$file
		fails 126 "noselfconn: ./$file: Exec format error"
		PATH=$PWD:$PATH run -126 "$wrapper" $file
		fails 126 "noselfconn: $file: Exec format error"
	done
}

@test "a script without #! is run by the shell, with the library" {
	printf 'exec "%s"\n' "$build/tests/preloaded" >script && chmod +x script
	by_shell() {
		run "${shell[@]}" "$wrapper" -s ./script
		is preloaded
	}
	in_each_shell by_shell
}

@test "--version agrees with the Makefile" {
	run "$wrapper" --version
	is "noselfconn $(make -s -C "$top" --eval 'version: ; @echo $(VERSION)' version)"
}

@test "--help names every option" {
	helped() {
		run "${shell[@]}" "$wrapper" --help
		[ "$status" = 0 ]
		for option in verbose log retries quiet all strict check self-test print-preload json; do
			[[ $output = *--$option* ]] || return
		done
	}
	in_each_shell helped
}

@test "--print-preload is what LD_PRELOAD needs" {
	run "$wrapper" --print-preload
	is "$ours"
	run env LD_PRELOAD="$output" "$build/tests/preloaded"
	is preloaded
	make_tree 'a b'
	run 'a b/scripts/noselfconn' --print-preload
	fails 125 'blank'
}

# What a preload can't reach. The control is each program's own word on it.

# unreached WORDS COMMAND...: runs, not preloaded, with one line that has WORDS; not with --strict.
unreached() {
	local words=$1 line="noselfconn: $2"
	shift
	run --separate-stderr "$wrapper" "$@"
	is 'not preloaded'
	grep "^$line.*$words.*" <<<"$stderr" || { echo "$stderr" >&2; return 1; }
	[ "$(grep -c '^noselfconn:' <<<"$stderr")" = 1 ]
	run --separate-stderr "$wrapper" --quiet "$@"
	is 'not preloaded'
	[[ $stderr != *noselfconn:\ * ]]
	run "$wrapper" --strict "$@"
	fails 125 'not run (--strict)'
	[[ $output != *'not preloaded'* ]]
}

# supervised WORDS COMMAND...: runs, not preloaded, but supervised, also with --strict; with -v one
# line has WORDS. Where there can be no supervisor, it is unreached.
supervised() {
	local words=$1 line="noselfconn: $2"
	shift
	"$build/supervise" warn+strict true || cannot 'there is no seccomp listener here'
	for option in -- -q -s; do
		run --separate-stderr "$wrapper" $option "$@"
		is 'not preloaded'
		[[ $stderr != *noselfconn:\ * ]] || { echo "$stderr" >&2; return 1; }
	done
	run --separate-stderr "$wrapper" -v "$@"
	is 'not preloaded'
	grep "^$line.*$words.*: supervised" <<<"$stderr" || { echo "$stderr" >&2; return 1; }
	[ "$(grep -c '^noselfconn:' <<<"$stderr")" = 1 ]
	printf '#!/bin/sh\nexec "%s" docker -- "%s" "$@"\n' "$build/tests/refuse" "$wrapper" >in-docker
	chmod +x in-docker
	wrapper=./in-docker unreached "$words.*: not supervised: " "$@"
}

reached() {
	run "$wrapper" --strict "$@"
	is preloaded
}

compiled() {
	local compiler=${CC:-cc}
	case $1 in *-gcc) compiler=$1 && shift ;; esac
	"$compiler" "$@" -w "$top/tests/command/preloaded.c" || cannot "no $compiler $*"
}

@test "an ordinary program, script or script of env is run without a warning, also with --strict" {
	printf '#!/bin/sh\nexec "%s"\n' "$build/tests/preloaded" >script
	printf '#! /usr/bin/env -S X=1 bash\nexec "%s"\n' "$build/tests/preloaded" >env-script
	printf '#!%s/script\n' "$PWD" >nested-script
	chmod +x script env-script nested-script
	reached "$build/tests/preloaded"
	reached ./script
	reached ./env-script
	reached ./nested-script
	PATH=$build/tests:$PATH reached preloaded
}

@test "a statically linked program is supervised" {
	compiled -static -o static
	supervised 'is statically linked' ./static
	PATH=$PWD:$PATH
	run "$wrapper" -v static
	fails 0 "$PWD/static is statically linked"
}

@test "a program that was linked with -static-pie is supervised" {
	compiled -static-pie -o static
	supervised 'is statically linked' ./static
}

@test "a script is judged by its interpreter" {
	compiled -static -o static
	printf '#!%s/static -x\n' "$PWD" >script
	printf '#!/usr/bin/env static\n' >env-script
	printf '#!%s/script\n' "$PWD" >nested-script
	chmod +x script env-script nested-script
	PATH=$PWD:$PATH
	supervised 'static is statically linked' ./script
	supervised 'static is statically linked' ./env-script
	supervised 'static is statically linked' ./nested-script
}

@test "a Go program is supervised" {
	compiled -static -DGO -o go
	supervised 'is a Go program' ./go
}

@test "a program of another C library is reached" {
	need musl-gcc
	compiled musl-gcc -o musl
	reached ./musl
}

@test "a program of another architecture is supervised" {
	[ "$(uname -m)" = x86_64 ] || skip 'only amd64 has another architecture to run'
	need i386
	set_i386
	wrapper=("${i386[@]}" "$wrapper")
	compiled -m32 -o other
	supervised 'another architecture' ./other
}

@test "a set-user-ID program of another user is said to be one, one's own is not" {
	[ "$(id -u)" = 0 ] || cannot 'only root can give a file away'
	cp "$build/tests/preloaded" suid && chmod u+s suid
	reached ./suid
	chmod 755 . .. && chown 65534 suid && chmod u+s suid
	unreached 'is set-user-ID' ./suid
	need setpriv
	run setpriv --no-new-privs "$wrapper" -s ./suid
	is preloaded
}

@test "a set-group-ID program of another group is said to be one" {
	[ "$(id -u)" = 0 ] || cannot 'only root can give a file away'
	cp "$build/tests/preloaded" sgid && chgrp 65534 sgid && chmod g+s sgid
	unreached 'is set-group-ID' ./sgid
}

@test "a program with file capabilities is said to have them" {
	[ "$(id -u)" = 0 ] || cannot 'only root can set file capabilities'
	need setcap setpriv
	make_public
	run setpriv --reuid=65534 --clear-groups "$wrapper" -s ./preloaded
	is preloaded
	setcap cap_net_bind_service+ep preloaded || cannot 'no file capabilities here'
	run setpriv --reuid=65534 --clear-groups "$wrapper" ./preloaded
	[[ $output = *'noselfconn: ./preloaded has file capabilities: no preload reaches it'* ]]
	[[ $output = *'not preloaded' ]]
	run setpriv --reuid=65534 --clear-groups "$wrapper" -s ./preloaded
	fails 125 'has file capabilities'
}

@test "a program that can't be read may not be run with --strict" {
	[ "$(id -u)" = 0 ] || cannot 'only root can give a file away'
	need setpriv
	make_public
	chmod 711 preloaded
	run setpriv --reuid=65534 --clear-groups "$wrapper" ./preloaded
	fails 0 "can't be read"
	run setpriv --reuid=65534 --clear-groups "$wrapper" -s ./preloaded
	fails 125 "can't be read"
}

@test "a command that is known to drop LD_PRELOAD is said to do so, but not with --all" {
	dropping() {
		run --separate-stderr "$wrapper" "$@"
		is 'not preloaded' # the control
		[[ $stderr = "noselfconn: "*" drops LD_PRELOAD: no preload reaches what it starts" ]] ||
			{ echo "$stderr" >&2; return 1; }
		run --separate-stderr "$wrapper" -q "$@"
		is 'not preloaded'
		[ -z "$stderr" ]
		run "$wrapper" -s "$@"
		fails 125 'not run (--strict)'
		run "$wrapper" --all "$@"
		[[ $output != *"drops LD_PRELOAD"* ]]
	}
	local program=$build/tests/preloaded name
	dropping env -i "$program"
	dropping env - "$program"
	dropping env --ignore-environment A=B "$program"
	dropping env -u LD_PRELOAD "$program"
	dropping env -u HOME -uLD_PRELOAD "$program"
	dropping env --unset=LD_PRELOAD "$program"
	if env -C / --unset HOME true; then # GNU's
		dropping env --unset LD_PRELOAD "$program"
		dropping env -C / -i "$program"
		dropping env -u HOME --chdir / - "$program"
	fi
	dropping env LD_PRELOAD= "$program"
	printf '#!/bin/sh\nunset LD_PRELOAD\nexec "$@"\n' >sudo && chmod +x sudo
	for name in doas pkexec trickle mptcpize systemd-run; do ln -s sudo $name; done
	for name in sudo doas pkexec trickle mptcpize systemd-run; do dropping ./$name "$program"; done
}

@test "env that keeps LD_PRELOAD is run without a warning, also with --strict" {
	reached env A=i "$build/tests/preloaded" -i
	reached env -u HOME "$build/tests/preloaded"
	reached env A=B "$build/tests/preloaded" -i
	reached env -u -i "$build/tests/preloaded"
	reached env -i LD_PRELOAD="$ours" "$build/tests/preloaded"
}

@test "-h and -V are --help and --version" {
	[ "$("$top/scripts/noselfconn" -h)" = "$("$top/scripts/noselfconn" --help)" ]
	[ "$("$top/scripts/noselfconn" -V)" = "$("$top/scripts/noselfconn" --version)" ]
}

@test "an extra word after an option that takes none is an error" {
	local option
	for option in -h -V --help --version --self-test --print-preload; do
		run "$top/scripts/noselfconn" $option extra
		[ "$status" = 125 ]
		[ "$output" = "noselfconn: $option takes no argument: 'extra'" ]
	done
}
