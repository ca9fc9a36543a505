# SPDX-License-Identifier: MIT
# scripts/install-user.

load ../lib/helpers
bats_require_minimum_version 1.5.0

setup() {
	need_namespaces
	unset MAKEFLAGS MFLAGS MAKELEVEL CC CFLAGS CPPFLAGS LDFLAGS BUILD DESTDIR PREFIX
	export HOME=$BATS_TEST_TMPDIR/home SHELL=/bin/sh
	mkdir "$BATS_TEST_TMPDIR/checkout" "$HOME"
	cd "$top" && cp -R Makefile scripts shim tests man "$BATS_TEST_TMPDIR/checkout"
	cd "$HOME"
}

installer=../checkout/scripts/install-user

@test "it installs for one user, what works, and says what PATH lacks" {
	run -0 in_ns "$installer"
	[ "$output" = "noselfconn works, and is installed: $HOME/.local/bin/noselfconn
Put $HOME/.local/bin in your PATH." ]
	run -0 .local/bin/noselfconn --strict sh -c 'cat /proc/$$/maps'
	[[ $output = *"$HOME/.local/lib/libnoselfconn.so"* ]]
	PATH=$HOME/.local/bin:$PATH run -0 in_ns "$installer"
	[ "${#lines[@]}" = 1 ]
	SHELL=/usr/bin/zsh run -0 in_ns "$installer"
	[[ ${lines[-1]} = "Put $HOME/.local/share/zsh/site-functions in your fpath, for completions." ]]
}

@test "--remove leaves what was there before, and nothing else" {
	mkdir -p -m 700 .local .local/bin .local/share/man/man1 .local/share/zsh
	echo mine >.local/share/zsh/mine
	echo another >.local/bin/noselfconn
	run -1 "$installer" --remove # it is not what this has installed
	[ "$output" = "install-user: it has installed nothing in $HOME/.local" ]
	[ "$(cat .local/bin/noselfconn)" = another ]
	rm .local/bin/noselfconn
	find . ! -name before -printf '%p %m\n' | sort >before
	in_ns "$installer"
	in_ns "$installer" # an update
	[ -f .local/lib/libnoselfconn.so ]
	"$installer" --remove
	run -0 diff before <(find . ! -name before -printf '%p %m\n' | sort)
	rm -rf .local
	in_ns "$installer"
	touch .local/share/man/man7/theirs.7
	ln -s "$PWD/$installer" link
	./link --remove
	rm link
	run -0 find .local ! -type d
	[ "$output" = .local/share/man/man7/theirs.7 ]
}

@test "without a home that it can write, it says so in one line, and leaves nothing" {
	run -1 env -u HOME "$installer"
	[ "$output" = "install-user: HOME names no directory: ''" ]
	HOME=home run -1 "$installer"
	[ "$output" = "install-user: HOME names no directory: 'home'" ]
	echo >"$HOME/.local" # root may write everywhere
	run -1 "$installer"
	[[ ${#lines[@]} = 1 && $output = *"$HOME/.local"*'Not a directory' ]]
	[ ! -e ../checkout/home ]
}

@test "a home with blanks will do, and what the environment says to other builds does not count" {
	mkdir "$HOME/a b"
	HOME="$HOME/a b" LIBDIR=$PWD/lib MANDIR=$PWD/man BUILD=$PWD/build run -0 in_ns "$installer"
	run -0 'a b/.local/bin/noselfconn' --strict true
	HOME="$HOME/a b" run -0 "$installer" --remove
	run -0 find .
	[ "$output" = $'.\n./a b' ]
}

@test "it says so, and fails, if the library does not work" {
	echo '#error this machine has no compiler for it' >>../checkout/shim/connect.c
	run in_ns "$installer"
	[ "$status" != 0 ]
	sed -i '$d' ../checkout/shim/connect.c
	echo 'exit 1' >../checkout/scripts/demo
	run -1 in_ns "$installer"
	[[ $output = *'does not work here'* ]]
}
