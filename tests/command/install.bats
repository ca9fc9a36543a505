# SPDX-License-Identifier: MIT
# make install and uninstall.

load ../lib/helpers
bats_require_minimum_version 1.5.0

setup() {
	unset MAKEFLAGS MAKELEVEL MFLAGS
	cd "$BATS_TEST_TMPDIR"
	root=$BATS_TEST_TMPDIR/root
}

# make_ TARGET VARIABLE...: with the build that is tested.
make_() {
	make -s -C "$top" BUILD="$build" "$@"
}

has() {
	local text
	for text; do
		[[ $output = *"$text"* ]] || { printf '%s\nlacks %s\n' "$output" "$text" >&2; return 1; }
	done
}

files() {
	(cd "$1" && find . ! -type d | sort)
}

@test "what is installed is where packagers expect it" {
	make_ install DESTDIR="$root" PREFIX=/usr
	run -0 files "$root"
	[ "$output" = './usr/bin/noselfconn
./usr/lib/libnoselfconn.so
./usr/lib/noselfconn/check
./usr/lib/noselfconn/demo
./usr/lib/noselfconn/start
./usr/lib/noselfconn/supervise
./usr/share/bash-completion/completions/noselfconn
./usr/share/man/man1/noselfconn.1
./usr/share/man/man7/libnoselfconn.7
./usr/share/zsh/site-functions/_noselfconn' ]
}

@test "the directories can be chosen, and uninstall leaves no file, and none of our own directories" {
	set -- DESTDIR="$root" PREFIX=/opt/x BINDIR=/b LIBDIR=/l/noselfconn LIBEXECDIR=/e MANDIR=/m \
		BASHCOMPDIR=/c ZSHCOMPDIR=/z
	make_ install "$@"
	run -0 files "$root"
	[ "$output" = './b/noselfconn
./c/noselfconn
./e/noselfconn/check
./e/noselfconn/demo
./e/noselfconn/start
./e/noselfconn/supervise
./l/noselfconn/libnoselfconn.so
./m/man1/noselfconn.1
./m/man7/libnoselfconn.7
./z/_noselfconn' ]
	make_ uninstall "$@"
	run -0 find "$root" ! -type d -o -name noselfconn
	[ -z "$output" ]
}

@test "the installed wrapper needs no variable to find its parts" {
	need_namespaces
	make_ install PREFIX="$root" LIBDIR="$root/lib"
	mkdir elsewhere && ln -s "$root/bin/noselfconn" elsewhere/noselfconn
	run -0 in_ns bash -c 'exec 3<>/dev/tcp/127.0.0.1/40000 && echo connected'
	has connected
	run -1 in_ns env -i PATH="$PWD/elsewhere:$PATH" noselfconn bash -c 'exec 3<>/dev/tcp/127.0.0.1/40000'
	has 'Connection refused'
	run -0 in_ns env -i PATH="$PATH" elsewhere/noselfconn --self-test
	has 'noselfconn works here.'
	run -1 in_ns elsewhere/noselfconn --check 40000
	run -0 elsewhere/noselfconn --print-preload
	[ "$output" = "$root/lib/libnoselfconn.so" ]
	run -0 elsewhere/noselfconn -s "$build/tests/preloaded"
	[ "$output" = preloaded ]
}

@test "it can be installed to a path with spaces, and what else a shell, sed or make knows" {
	local name
	for name in 'a b' "it's" 'R&D' 'a|b\c' 'a, b#c%'; do
		make_ install PREFIX="$root/$name"
		run -0 "$root/$name/bin/noselfconn" -s "$build/tests/preloaded"
		[ "$output" = preloaded ]
		make_ uninstall PREFIX="$root/$name"
		[ -z "$(files "$root")" ]
	done
}

@test "a prefix that is no absolute path is one from where make runs, wherever the command runs" {
	make -s -f "$top/Makefile" BUILD="$build" install PREFIX='a b' # from here, not from the tree
	cd /
	run -0 "$BATS_TEST_TMPDIR/a b/bin/noselfconn" -s "$build/tests/preloaded"
	[ "$output" = preloaded ]
}

@test "uninstall leaves what is not its own, and install does not write through a link" {
	mkdir -p "$root/bin" "$root/lib/noselfconn"
	echo theirs >theirs
	ln -s "$PWD/theirs" "$root/bin/noselfconn"
	make_ install PREFIX="$root"
	[ "$(cat theirs)" = theirs ]
	touch "$root/lib/noselfconn/theirs"
	make_ uninstall PREFIX="$root"
	run -0 files "$root"
	[ "$output" = ./lib/noselfconn/theirs ]
}

@test "the wrapper of one architecture serves another whose library is installed too" {
	[ "$(uname -m)" = x86_64 ] || skip 'only amd64 has another architecture to run'
	need i386
	set_i386
	gcc -m32 -w -o other "$top/tests/command/preloaded.c"
	amd64=$(gcc -print-multiarch)
	# What glibc's $LIB is, for programs of i386: Debian has two packages of that C library.
	lib=$(grep -aoE '^lib(32|/i386-linux-gnu)$' < <(tr '\0' '\n' </lib/ld-linux.so.2) | head -n 1)
	[ -n "$amd64" ] && [ -n "$lib" ] || cannot 'no multiarch system'
	make_ install PREFIX="$root" LIBDIR="$root/lib/$amd64"
	run -0 "${i386[@]}" "$root/bin/noselfconn" -v ./other
	has 'another architecture' 'not preloaded'
	make -s -C "$top" BUILD="$PWD/build" CC='gcc -m32' CFLAGS=-O1 install DESTDIR="$PWD/i386" \
		PREFIX=/usr LIBDIR=/l
	install -D -m 644 i386/l/libnoselfconn.so "$root/$lib/libnoselfconn.so"
	run -0 "${i386[@]}" "$root/bin/noselfconn" -s ./other
	[ "$output" = preloaded ]
	run -0 "$root/bin/noselfconn" -s "$build/tests/preloaded"
	[ "$output" = preloaded ]
}
