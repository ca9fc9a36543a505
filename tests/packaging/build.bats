# SPDX-License-Identifier: MIT
# What is built: the same everywhere, hardened, as a packager asks for it, from any directory.

setup() {
	load ../lib/helpers
	unset MAKEFLAGS MFLAGS MAKELEVEL CC CFLAGS CPPFLAGS LDFLAGS BUILD SOURCE_DATE_EPOCH
	cd "$BATS_TEST_TMPDIR"
}

# sources DIRECTORY: a copy of what the build and the tarball are made from, without their times.
sources() {
	mkdir -p "$1"
	(cd "$top" && cp -R Makefile *.md LICENSE NEWS .ci .clang-format .clang-tidy .editorconfig .gitignore \
		man scripts shim tests "$OLDPWD/$1")
}

programs() {
	echo start
	[ ! -d "$top/shim/supervise" ] || echo supervise
}

# same_everywhere COMPILER DIRECTORY: it makes the same there and in another one.
same_everywhere() {
	sources one
	sources "$2"
	local flags file all=('-O2 -g' '-O2 -g -flto')
	is_there "$1 -flto" || unset 'all[1]'
	for flags in "${all[@]}"; do
		make -s -C one clean all CC="$1" CFLAGS="$flags"
		(umask 077 && make -s -C "$2" clean all CC="$1" CFLAGS="$flags")
		for file in libnoselfconn.so $(programs); do
			cmp "one/build/$file" "$2/build/$file"
		done
	done
}

@test "two builds in two directories are the same, bit for bit" {
	same_everywhere cc the/other
}

@test "so are two of clang, in a directory whose name has an =, too" {
	need clang
	clang -ffile-compilation-dir=. -x c -c -o /dev/null /dev/null ||
		machine_cannot "before version 13, clang takes no directory whose name has an ="
	same_everywhere clang the/oth=er
}

@test "two tarballs are the same, bit for bit, whoever makes them" {
	sources one
	sources the/other
	find the/other -exec touch -d 2001-01-01 {} +
	chmod -R go-rwx the/other
	make -s -C one dist
	(umask 077 && make -s -C the/other dist BUILD="$PWD/elsewhere")
	cmp one/build/*.tar.gz elsewhere/*.tar.gz
}

@test "a tarball that lacks a file is none" {
	sources one
	rm one/LICENSE
	run make -s -C one dist
	[ "$status" != 0 ]
}

@test "the tarball has nothing in it that was built, and all that is under version control" {
	sources one
	make -s -C one
	touch one/shim/connect.o one/tests/lib/some.so one/scripts/noselfconn~
	mkdir -p one/tests/bench/__pycache__
	touch one/tests/bench/__pycache__/bench.pyc
	make -s -C one dist
	tar -tzf one/build/*.tar.gz | sed 's|^[^/]*/||' | grep -v '/$' | sort >carried
	run grep -E '\.(o|so|pyc)$|~$|^build/' carried
	[ "$status" = 1 ]
	git -C "$top" ls-files >versioned 2>/dev/null && [ -s versioned ] || skip 'no git checkout'
	run comm -13 carried <(sort versioned)
	[ -z "$output" ]
}

@test "the tarball builds, tests and installs by itself" {
	need bats dash busybox mksh
	mkdir tarball
	make -s -C "$top" BUILD="$PWD/tarball" dist
	version=$(sed -n 's/^nsc_version=//p' "$top/scripts/noselfconn")
	tar -xzf "tarball/noselfconn-$version.tar.gz"
	cd "noselfconn-$version"
	run find . -name '*.o' -o -name '*.so' -o -name .git
	[ -z "$output" ]
	make -s CFLAGS=-O1
	# A test run within one: without the variables of this one.
	run env -i PATH="${PATH//"$BATS_LIBEXEC:"/}" HOME="$HOME" CI="${CI-}" make -s CFLAGS=-O1 \
		check JOBS=1 TESTS=tests/command/wrapper.bats \
		BATS_FLAGS="--filter (version.agrees|bash.is.connected)"
	[ "$status" = 0 ]
	[[ $output = *'ok 1 bash is connected'*'ok 2 --version agrees'*'2 passed, 0 failed, 0 skipped' ]]
	make -s CFLAGS=-O1 install PREFIX="$BATS_TEST_TMPDIR/root"
	run "$BATS_TEST_TMPDIR/root/bin/noselfconn" -s "$build/tests/preloaded"
	[ "$output" = preloaded ]
}

@test "the programs are hardened as the library is" {
	need readelf nm
	make -s -C "$top" BUILD="$PWD/build"
	local file
	for file in libnoselfconn.so $(programs); do
		run readelf -hldW "build/$file"
		[[ $output =~ Type:\ +DYN ]] # at any address
		[[ $output = *'GNU_RELRO'* && $output = *BIND_NOW* ]]
		[ "$(awk '$1 == "GNU_STACK" { print $7 }' <<<"$output")" = RW ]
		[ $file != libnoselfconn.so ] || continue # it may call nothing of the C library's
		run nm -D --undefined-only "build/$file"
		[[ $output = *__stack_chk_fail* ]]
		[[ $output = *_chk* ]]
	done
}

@test "the stack of the library and the programs is probed page by page, if the compiler can do that" {
	echo 'int main(void) { return 0; }' | cc -Werror -fstack-clash-protection -x c -o /dev/null - ||
		skip 'the compiler has no -fstack-clash-protection'
	make -n -C "$top" BUILD="$PWD/build" | grep -E '\.c( |$)' >compiling
	local file
	for file in shim/connect.o $(programs); do
		grep -q -- "-o $PWD/build/$file " compiling
	done
	run grep -v -e ' -fstack-clash-protection ' compiling
	[ -z "$output" ]
}

@test "a packager's own flags win" {
	need readelf
	make -s -C "$top" BUILD="$PWD/build" CPPFLAGS=-D_FORTIFY_SOURCE=3 \
		CFLAGS='-O2 -Werror -fno-stack-protector -fno-pie -no-pie' LDFLAGS=-Wl,-z,lazy
	run readelf -hdW build/start
	[[ $output =~ Type:\ +EXEC && $output != *BIND_NOW* ]]
	run readelf -dW build/libnoselfconn.so
	[[ $output != *BIND_NOW* ]]
	run make -n -C "$top" BUILD="$PWD/new" CFLAGS='-O2 -D_FORTIFY_SOURCE=3'
	[[ $output != *_FORTIFY_SOURCE=2* ]]
}

@test "it is built with make -C, and where a path has blanks or a quote" {
	sources "it's a b"
	make -s -C "it's a b"
	"it's a b/scripts/noselfconn" --strict true
}

@test "it is built in another directory, with make -f" {
	sources 'a b'
	run make -s -f 'a b/Makefile' all dist
	[ "$status" = 0 ]
	[ -f build/libnoselfconn.so ]
	[ -x build/start ]
	[ -f build/noselfconn-*.tar.gz ]
	make -s -f 'a b/Makefile' install DESTDIR='e f' PREFIX=/usr
	[ -x 'e f/usr/bin/noselfconn' ] # not in the tree
	# Only make itself has trouble with blanks and colons, in the names of what it makes.
	mkdir 'c d' e:f
	local directory
	for directory in 'c d' e:f; do
		run make -s -C "$directory" -f "$top/Makefile"
		[ "$status" = 2 ]
		[[ $output = *'no directory whose path has a blank or a colon: '* ]]
	done
}

@test "make says where the library is, in its last line" {
	run make -C "$top" BUILD="$PWD/build"
	[[ $output = *"$PWD/build/libnoselfconn.so"*$'\n'* || ${lines[-1]} = *"$PWD/build/libnoselfconn.so"* ]]
	run make -s -C "$top" BUILD="$PWD/build"
	[ -z "$output" ]
}

@test "the packages are of this version" {
	local version
	version=$("$top/scripts/noselfconn" --version)
	version=${version#* }
	[[ $(head -n 1 "$top/NEWS") = "noselfconn $version ("????-??-??")" ]]
	[[ $(head -n 1 "$top/scripts/packaging/debian/changelog") = "noselfconn ($version-"* ]]
	grep -x "Version:  *$version" "$top/scripts/packaging/noselfconn.spec"
}

@test "NEWS fits into 80 columns" {
	run grep -nE '.{81}' "$top/NEWS"
	[ "$status" = 1 ]
}

@test "CONTRIBUTING.md names every file in which a publisher's own name belongs" {
	run grep -rlE 'OWNER/|\.invalid|example\.com' "$top/README.md" "$top/scripts"
	[ "${#lines[@]}" -ge 6 ]
	local file
	for file in "${lines[@]}"; do
		grep -q "[/\`]${file##*/}\`" "$top/CONTRIBUTING.md" || { echo "not named: $file"; return 1; }
	done
}

@test "every file says what its license is" {
	git -C "$top" ls-files >versioned 2>/dev/null && [ -s versioned ] || skip 'no git checkout'
	# These have a form of their own.
	run grep -vE '^(LICENSE|NEWS)$|/debian/(changelog|copyright|source/format)$' versioned
	run xargs -a <(printf '%s\n' "${lines[@]}") -d '\n' sh -c 'cd "$0" && grep -L SPDX-License-Identifier: "$@"' "$top"
	[ -z "$output" ]
}
