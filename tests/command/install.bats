# make install, uninstall, dist and deb, and the completions.

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
./usr/share/bash-completion/completions/noselfconn
./usr/share/man/man1/noselfconn.1
./usr/share/man/man7/libnoselfconn.7
./usr/share/zsh/site-functions/_noselfconn' ]
}

@test "the directories can be chosen, and uninstall leaves no file" {
	set -- DESTDIR="$root" PREFIX=/opt/x BINDIR=/b LIBDIR=/l MANDIR=/m BASHCOMPDIR=/c ZSHCOMPDIR=/z
	make_ install "$@"
	run -0 files "$root"
	[ "$output" = './b/noselfconn
./c/noselfconn
./l/libnoselfconn.so
./l/noselfconn/check
./l/noselfconn/demo
./l/noselfconn/start
./m/man1/noselfconn.1
./m/man7/libnoselfconn.7
./z/_noselfconn' ]
	make_ uninstall "$@"
	run -0 files "$root"
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

@test "it can be installed to a path with spaces" {
	make_ install PREFIX="$root/a b"
	run -0 "$root/a b/bin/noselfconn" -s "$build/tests/preloaded"
	[ "$output" = preloaded ]
	make_ uninstall PREFIX="$root/a b"
	[ -z "$(files "$root")" ]
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
	run -0 "${i386[@]}" "$root/bin/noselfconn" ./other
	has 'another architecture' 'not preloaded'
	make -s -C "$top" BUILD="$PWD/build" CC='gcc -m32' CFLAGS=-O1 install DESTDIR="$PWD/i386" \
		PREFIX=/usr LIBDIR=/l
	install -D -m 644 i386/l/libnoselfconn.so "$root/$lib/libnoselfconn.so"
	run -0 "${i386[@]}" "$root/bin/noselfconn" -s ./other
	[ "$output" = preloaded ]
	run -0 "$root/bin/noselfconn" -s "$build/tests/preloaded"
	[ "$output" = preloaded ]
}

@test "the tarball builds, tests and installs by itself" {
	need bats dash busybox mksh
	mkdir tarball
	make -s -C "$top" BUILD="$PWD/tarball" dist
	version=$(sed -n 's/^nsc_version=//p' "$top/scripts/noselfconn")
	tar -xzf "tarball/noselfconn-$version.tar.gz"
	cd "noselfconn-$version"
	run -0 find . -name '*.o' -o -name '*.so' -o -name .git
	[ -z "$output" ]
	run -0 make -s CFLAGS=-O1
	# A test run within one: without the variables of this one.
	run -0 env -i PATH="${PATH//"$BATS_LIBEXEC:"/}" HOME="$HOME" CI="${CI-}" make -s CFLAGS=-O1 \
		check JOBS=1 TESTS=tests/command/wrapper.bats \
		BATS_FLAGS="--filter (version.agrees|bash.is.connected)"
	has 'ok 1 bash is connected' 'ok 2 --version agrees' '2 passed, 0 failed, 0 skipped'
	run -0 make -s CFLAGS=-O1 install PREFIX="$root"
	run -0 "$root/bin/noselfconn" -s "$build/tests/preloaded"
	[ "$output" = preloaded ]
}

# in_copy COMMAND...: as root of a copy of this system, which is gone afterwards; of the system
# itself where that can't be had and CI=true.
in_copy() {
	if in_ns sh -c 'mount -t tmpfs tmpfs /mnt && cd /mnt && mkdir upper work root &&
		mount -t overlay overlay -o lowerdir=/,upperdir=upper,workdir=work root' 2>/dev/null; then
		in_ns sh -ec 'mount -t tmpfs tmpfs /mnt
			cd /mnt
			mkdir upper work root
			mount -t overlay overlay -o lowerdir=/,upperdir=upper,workdir=work root
			for i in dev proc sys tmp; do mount --rbind "/$i" "root/$i"; done
			exec chroot root "$@"' sh "$@"
	else
		[ "${CI-}" = true ] || skip 'no copy of the system to install to'
		"$@"
	fi
}

@test "the Debian package installs, works and can be purged" {
	need_namespaces
	[ "$(id -u)" = 0 ] || cannot 'dpkg needs root'
	need dpkg-deb objdump
	make_ deb DEB="$PWD/deb" BUILD="$build" >/dev/null
	package=$(ls "$build"/noselfconn_*.deb)
	cp "$package" package.deb
	run -0 in_copy sh -ec '
		dpkg -i "$0" >/dev/null
		dpkg -s noselfconn | grep -E "^(Status|Version|Depends)"
		noselfconn --version
		noselfconn -s "$1"
		noselfconn --self-test | tail -n 1
		dpkg -L noselfconn >/tmp/noselfconn-files.$$
		dpkg -P noselfconn >/dev/null
		while read -r file; do [ -d "$file" ] || [ ! -e "$file" ] || echo "left: $file"
		done </tmp/noselfconn-files.$$
		rm /tmp/noselfconn-files.$$' "$PWD/package.deb" "$build/tests/preloaded"
	has 'Status: install ok installed' 'Depends: libc6 (>= 2.' 'noselfconn 1.' 'preloaded' \
		'noselfconn works here.'
	[[ $output != *left:* && $output != *'not preloaded'* ]]
}

# Completions

# complete_bash WORD...: the last word is completed; prints what it can become.
complete_bash() {
	bash --norc -c 'source "$0"
		COMP_WORDS=(noselfconn "$@") COMP_CWORD=$# COMPREPLY=()
		COMP_LINE="${COMP_WORDS[*]}" COMP_POINT=${#COMP_LINE}
		_noselfconn
		printf "%s\n" "${COMPREPLY[@]}" | sort' "$top/scripts/completions/noselfconn.bash" "$@"
}

@test "bash completes the options, all that --help names" {
	run -0 complete_bash --
	for option in $("$top/scripts/noselfconn" --help | grep -oE '^ +(-[a-z], )?--[a-z-]+' | grep -oE '\-\-.*'); do
		has "$option"
	done
	run -0 complete_bash -v --ver
	[ "$output" = $'--verbose\n--version' ]
	run -0 complete_bash --check --
	[ "$output" = --json ]
}

@test "bash completes files for --log, then the command, and its arguments" {
	touch some-log-file
	run -0 complete_bash -l some-
	[ "$output" = some-log-file ]
	run -0 complete_bash -l some-log-file -n 3 -v base6
	has base64
	run -0 complete_bash -- base6
	has base64
	run -0 complete_bash cat some-
	[ "$output" = some-log-file ]
}

@test "bash completes the command's own options, with bash-completion" {
	need /usr/share/bash-completion/bash_completion
	run -0 bash --norc -c 'source "$0" && source "$1"
		_sample() { COMPREPLY=($(compgen -W "--alpha --beta" -- "${COMP_WORDS[COMP_CWORD]}")); }
		complete -F _sample sample
		COMP_WORDS=(noselfconn -n 3 -- sample --a) COMP_CWORD=5
		COMP_LINE="${COMP_WORDS[*]}" COMP_POINT=${#COMP_LINE}
		_noselfconn
		printf "%s\n" "${COMPREPLY[@]}"' /usr/share/bash-completion/bash_completion \
		"$top/scripts/completions/noselfconn.bash"
	[ "$output" = --alpha ]
}

# complete_zsh LINE TEXT: types the line and a tab into zsh; fails unless TEXT comes within 20 s.
complete_zsh() {
	timeout 20 zsh -f -c 'zmodload zsh/zpty
		zpty shell zsh -f -i
		zpty -w shell "PS1= PROMPT=; fpath=($0 \$fpath); autoload -Uz compinit; compinit -u -D; echo REA\"\"DY"
		zpty -r -m shell out "*READY*"
		zpty -w -n shell "$1"$'\''\t'\''
		zpty -r -m shell out "*$2*"
		zpty -d shell' "$top/scripts/completions" "$1" "$2"
}

@test "zsh completes options, the command and its arguments" {
	need zsh
	complete_zsh 'noselfconn --verb' 'verbose'
	complete_zsh 'noselfconn -' 'prove on this host'
	complete_zsh 'noselfconn -v -n 3 mkdir --pare' 'parents'
	complete_zsh 'noselfconn --retries=3 -- mkdir --pare' 'parents'
	touch some-log-file
	complete_zsh 'noselfconn --log some-' 'log-file'
	run -124 complete_zsh 'noselfconn --nonsense' 'parents'
}
