# SPDX-License-Identifier: MIT
# What the tests say of themselves: tests/lib/run.sh and setup.sh.

load ../lib/helpers

setup() {
	cd "$BATS_TEST_TMPDIR"
	mkdir -p tree/tests/sample
	PATH=${PATH//"$BATS_LIBEXEC:"/} # a bats in it knows nothing of this one
	cp -R "$top/tests/lib" tree/tests
}

# sample NAME BODY: a test file with one test.
sample() {
	printf 'load ../lib/helpers\n@test "%s" {\n\t%s\n}\n' "$1" "$2" >"tree/tests/sample/$1.bats"
}

# tests: the samples.
tests() {
	env -i PATH="$PATH" HOME="$PWD" BUILD="${fake-$build}" JOBS="${jobs-1}" tree/tests/lib/run.sh tree/tests/sample
}

run_tests() {
	run tests
}

@test "the last lines group why tests were skipped, and count" {
	sample passes true
	sample one 'need no-such-program'
	sample two 'need no-such-program'
	sample other 'machine_cannot "this is no PDP-11"'
	run_tests
	[ "$status" = 0 ]
	[[ $output = *"
skipped:
    2 no-such-program is not installed
    1 this is no PDP-11

1 passed, 0 failed, 3 skipped" ]]
}

@test "a reason in which a program speaks is one plain line" {
	sample colours 'machine_cannot "$(printf "it said:\n\\033[0;1;31mno \\033[0mway\t\n%0200d" 0)"'
	run_tests
	[ "$status" = 1 ] # nothing has passed
	[[ $output =~ ^1..1$'\nok 1 colours # skip it said: no way 0'0+...$'\n\nskipped:\n    1 it said: no way 0'0+...$'\n\n' ]]
	[ "${#lines[3]}" -le 126 ]
}

@test "what only root's PATH names is there for other users, too" {
	sample sbin 'need chroot'
	PATH=$(tr : '\n' <<<"$PATH" | grep -v sbin | paste -sd :) run_tests
	[ "$status" = 0 ]
}

@test "a test that fails is named at the end, and the status is 1" {
	sample passes true
	sample fails false
	run_tests
	[ "$status" = 1 ]
	[[ $output = *"
failed:
  1 fails

1 passed, 1 failed, 0 skipped" ]]
}

# is_shown_before_the_last_ends: the first test is, and only then the last one, which waits, passes.
is_shown_before_the_last_ends() {
	set -o pipefail
	tests | while read -r line; do
		case $line in 'ok 1 '*) timeout 20 sh -c 'echo >shown' ;; esac
	done
}

@test "each test is shown when it ends" {
	mkfifo shown
	sample first true
	sample second "read -r -t 20 <>$PWD/shown"
	is_shown_before_the_last_ends
}

# bats shows the end of one when it begins another.
@test "with several at a time, tests are shown before the whole file has ended" {
	need parallel
	mkfifo shown
	sample several true
	for i in 2 3 4 5 6; do
		printf '@test "%s" {\n\ttrue\n}\n' "$i"
	done >>tree/tests/sample/several.bats
	printf '@test "waits" {\n\tread -r -t 20 <>%s\n}\n' "$PWD/shown" >>tree/tests/sample/several.bats
	jobs=2
	is_shown_before_the_last_ends
}

@test "it fails if no repair could be tested, or nothing at all" {
	need_namespaces
	sample passes true
	sample repairs 'need_namespaces'
	run_tests
	[ "$status" = 0 ]
	fake=$PWD/fake
	mkdir -p fake/tests
	ln -s /bin/false fake/tests/netns
	run_tests
	[ "$status" = 1 ]
	[[ $output = *"No repair could be tested: that needs network namespaces."*"1 passed, 0 failed, 1 skipped" ]]
	rm tree/tests/sample/*
	run_tests
	[ "$status" = 1 ]
}

@test "the language of whoever runs them does not count, nor what is set for other programs" {
	sample language '[ "$LC_ALL" = C ]'
	sample variables '[ -z "${LD_PRELOAD-}${NOSELFCONN-}${POSIXLY_CORRECT-}${http_proxy-}${LIBDIR-}" ]'
	run env -i LC_ALL=de_DE.UTF-8 LD_PRELOAD="$library" NOSELFCONN=off POSIXLY_CORRECT=1 http_proxy=x LIBDIR=/x \
		PATH="$PATH" HOME="$PWD" BUILD="$build" JOBS=1 tree/tests/lib/run.sh tree/tests/sample
	[ "$status" = 0 ]
}

@test "where LD_PRELOAD can't name the library, that is what it says" {
	sample passes true
	local name
	for name in 'a b' a:b "a'b"; do
		cp -R tree "$name"
		cd "$name"
		run env -i PATH="$PATH" HOME="$PWD" BUILD="$PWD/build" tests/lib/run.sh tests/sample
		[ "$status" = 1 ]
		[ "$output" = "The tests need a path that LD_PRELOAD can name, without blanks: $PWD" ]
		cd ..
	done
}

@test "with CI=true what could be installed may not be skipped" {
	sample one 'need no-such-program'
	run env -i CI=true PATH="$PATH" HOME="$PWD" BUILD="$build" JOBS=1 tree/tests/lib/run.sh tree/tests/sample
	[ "$status" = 1 ]
}

@test "who can't install is told what is missing, and in which packages it is" {
	sample one $'need sed no-such-program\n\tother socket $kind' # a function of that name
	sample two 'need '"$(seq -s ' ' -f no-such-program-%g 20)"
	mkdir bin
	local tool
	for tool in sh grep sed tr id uname fold; do
		ln -s "$(command -v $tool)" bin
	done
	run env -i PATH="$PWD/bin" tree/tests/lib/setup.sh nm tree/tests/sample/one.bats
	[ "$status" = 1 ]
	[ "$output" = 'missing: nm no-such-program (Debian packages: binutils no-such-program)' ]
	run env -i PATH="$PWD/bin" tree/tests/lib/setup.sh tree/tests/sample/two.bats
	[[ ${#lines[@]} -gt 5 && ${lines[0]} = 'missing: no-such-program-1 no-such-program-2 '* ]]
	[ -z "$(grep -E '.{81}' <<<"$output")" ]
}

@test "what is installed, and how much, is said before, and nothing large without ALL=1" {
	mkdir bin
	cat >bin/apt-get <<-'EOS'
		#!/bin/sh
		case " $* " in
		*' --assume-no '*) echo 'Need to get 12 kB of archives.' ;;
		*) echo "apt-get $*" >>fetched; cat said >>before; seq -f 'Setting up p%g ...' 39 ;;
		esac
	EOS
	printf '#!/bin/sh\nshift; printf "%%s:\\n  Candidate: 1\\n" "$@"\n' >bin/apt-cache
	printf '#!/bin/sh\necho 0\n' >bin/id
	chmod +x bin/*
	sed -i "s|^\(\tpolicy=\).*|\1$PWD/policy|" tree/tests/lib/setup.sh
	# "podman" and what begins so is large
	sample one 'need no-such-program podman-none'
	run env -u ALL sh -c 'PATH=$PWD/bin:$PATH tree/tests/lib/setup.sh tree/tests/sample/one.bats 2>said'
	[ "$status" = 1 ]
	grep -- '--no-install-recommends.* no-such-program$' fetched
	[ "$(head -n 2 before)" = 'installing: no-such-program
Need to get 12 kB of archives.' ]
	[ "$(grep '^Setting up' said | uniq)" = 'Setting up p20 ...' ]
	run sh -c 'ALL=1 PATH=$PWD/bin:$PATH tree/tests/lib/setup.sh tree/tests/sample/one.bats 2>said'
	grep -- ' no-such-program podman-none$' fetched
}
