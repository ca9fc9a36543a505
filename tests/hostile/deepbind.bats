# SPDX-License-Identifier: MIT
# Objects that are opened with RTLD_DEEPBIND, which find libc's connect() before any preload's, and
# whoever asks dlsym() for it.
# shellcheck disable=SC2016,SC2030,SC2031 # $ORIGIN is for the linker; each test is a subshell

load ../lib/helpers

setup() {
	need_namespaces
	need cc
	deepbind=$build/tests/deepbind
	inject=$build/tests/inject.so
	cd "$BATS_TEST_TMPDIR"
}

# object NAME OPTION...: tests/preloads/deep.c, compiled so. ABI_CC is another ABI's compiler.
object() {
	mkdir -p "$(dirname "$1")"
	# shellcheck disable=SC2086 # two words
	${ABI_CC:-cc} -D_GNU_SOURCE -O1 -fPIC -shared -o "$1" "$top/tests/preloads/deep.c" "${@:2}" \
		-ldl
}

# Skips the test with musl, which has no such flag, and binds all that is opened in the same way.
need_flag() {
	# shellcheck disable=SC2086 # two words
	case $(echo RTLD_DEEPBIND | ${ABI_CC:-cc} -D_GNU_SOURCE -include dlfcn.h -E -) in
	*RTLD_DEEPBIND) skip "this C library has no RTLD_DEEPBIND" ;;
	esac
}

# talks WORD...: without the library, such an object connects to itself.
talks() {
	run in_ns "$deepbind" "$@"
	[[ $output == *"connected to itself"* ]] || { echo "without: $output" >&2; return 1; }
}

# refused WORD...: it does; with the library, it is refused.
refused() {
	talks "$@"
	run shimmed in_ns "$deepbind" "$@"
	[[ $output == *"Connection refused"* && $output != *"connected to itself"* ]] ||
		{ echo "with: $output" >&2; return 1; }
}

@test "an object that is bound lazily is reached" {
	object ./lazy.so -Wl,-z,lazy
	refused deep-lazy ./lazy.so go connect
}

@test "an object that is bound when it is opened, and read-only from then on, is reached" {
	object ./now.so -Wl,-z,now,-z,relro
	refused deep-lazy ./now.so go connect
}

@test "an object that is linked lazily, and opened with RTLD_NOW, is reached" {
	object ./lazy.so -Wl,-z,lazy,-z,norelro
	refused deep ./lazy.so go connect
}

@test "an object that keeps a pointer to connect() is reached" {
	object ./pointer.so
	refused deep ./pointer.so go pointer
}

@test "an object that opens a connection with a send is reached" {
	object ./sends.so
	local way
	for way in sendto sendmsg sendmmsg; do
		refused deep ./sends.so go $way
	done
}

@test "an object that connects while it is loaded is reached" {
	object ./early.so -DEARLY
	refused deep ./early.so go connect
}

@test "a dependency that comes along is reached" {
	object ./libinner.so -DNAME=inner
	object ./outer.so -DNEEDED=inner ./libinner.so
	refused deep ./outer.so go connect
	refused deep ./outer.so go itself
}

@test "a dependency that only the object's RUNPATH leads to is found, and reached" {
	object lib/libinner.so -DNAME=inner -Wl,-soname,libinner.so
	object ./outer.so -DNEEDED=inner lib/libinner.so -Wl,--enable-new-dtags,-rpath,'$ORIGIN/lib'
	refused deep ./outer.so go connect
}

@test "an object that opens another is reached, and the other one, too" {
	object ./inner.so
	object ./outer.so -DOPENED='"./inner.so"' -DFLAGS=RTLD_DEEPBIND
	refused deep ./outer.so go connect
	object ./outer.so -DOPENED='"./inner.so"' -DFLAGS=0
	refused deep ./outer.so go connect
}

@test "what is opened by its name alone is looked for along its caller's RUNPATH, and reached" {
	need_flag
	object lib/inner.so
	local how
	for how in deep lazy; do
		object ./outer.so -DOPENED='"inner.so"' -DFLAGS=RTLD_DEEPBIND \
			-Wl,--enable-new-dtags,-rpath,'$ORIGIN/lib'
		refused $how ./outer.so go connect
	done
}

@test "what is opened below \$ORIGIN is looked for beside its caller, and reached" {
	need_flag
	object lib/inner.so
	object lib/outer.so -DOPENED='"$ORIGIN/inner.so"' -DFLAGS=RTLD_DEEPBIND
	refused lazy lib/outer.so go connect
}

@test "without RTLD_DEEPBIND, the caller's RUNPATH and \$ORIGIN count as well" {
	need_flag
	object lib/inner.so
	object ./outer.so -DOPENED='"inner.so"' -DFLAGS=0 -Wl,--enable-new-dtags,-rpath,'$ORIGIN/lib'
	refused lazy ./outer.so go connect
	object lib/outer.so -DOPENED='"$ORIGIN/inner.so"' -DFLAGS=0
	refused lazy lib/outer.so go connect
}

@test "an object that is closed and opened again is reached" {
	object ./again.so
	refused deep ./again.so close deep ./again.so go connect close
	[[ $output == "close: 0"*"close: 0" ]]
}

@test "an object that is opened deeply after it was opened otherwise is reached" {
	object ./again.so
	object ./other.so
	talks deep ./other.so go connect
	run shimmed in_ns "$deepbind" lazy ./again.so go connect deep ./again.so go connect \
		deep ./other.so go connect
	[ "$output" = "$(printf 'connect: %s\n' {,,}'Connection refused')" ]
}

@test "of two objects that two threads open at once, both are reached" {
	object ./one.so
	object ./other.so
	refused both ./one.so ./other.so
	[ "$output" = "$(printf 'both: %s\n' {,}'Connection refused')" ]
}

# same WORD...: the library changes nothing that is said, and nothing is repaired.
same() {
	run in_ns "$deepbind" "$@"
	local without=$output
	run shimmed in_ns "$deepbind" "$@"
	[ "$output" = "$without" ] || { diff <(echo "$without") <(echo "$output") >&2; false; }
	not_repaired
}

@test "an object that brings a connect() of its own keeps it" {
	need_flag
	object ./own.so -DOWN
	same deep ./own.so go connect
	[ "$output" = "connect: Invalid cross-device link" ]
}

@test "an object one of whose dependencies brings a connect() keeps that" {
	need_flag
	object ./libown.so -DOWN -DNAME=inner
	object ./outer.so -DNEEDED=inner ./libown.so
	same deep ./outer.so go itself
	[ "$output" = "itself: Invalid cross-device link" ]
}

@test "an object that can't be opened fails in the same way" {
	object ./undefined.so -DNEEDED=nowhere
	echo text >text.so
	same deep ./nowhere.so deep nowhere.so deep ./text.so deep ./undefined.so
	[ "${#lines[@]}" = 4 ]
}

@test "a program that asks libc itself for connect() is reached" {
	need_flag
	refused now libc.so.6 symbol
}

@test "a program that asks an object for connect() is reached" {
	need_flag
	object ./any.so
	refused deep ./any.so symbol
	refused lazy ./any.so symbol
	refused now libm.so.6 symbol
}

@test "an object that asks for the connect() that is next to it is reached" {
	need_flag
	object ./any.so
	refused now ./any.so go next
}

@test "the memory of libc is protected as before" {
	need_flag
	object ./any.so
	same lazy ./any.so libc
	local before=$output
	[[ $before == "libc: "[1-9]* ]]
	run shimmed in_ns "$deepbind" deep ./any.so libc
	[ "$output" = "$before" ]
}

# preloaded PRELOADS WORD...: with a list of preloads in the order of the search.
preloaded() {
	LD_PRELOAD=$1 in_ns "$deepbind" "${@:2}"
}

@test "with another preload below the library, the two don't call each other for ever" {
	object ./any.so
	run preloaded "$library:$inject" deep ./any.so itself
	[ "$output" = "itself: Connection refused" ]
	run preloaded "$library:$inject" deep ./any.so go sendmsg
	[ "$output" = "sendmsg: Connection refused" ]
}

@test "with another preload above the library, an object is reached" {
	object ./any.so
	run preloaded "$inject" deep ./any.so go connect
	[ "$output" = "connect: connected to itself" ]
	run preloaded "$inject:$library" deep ./any.so go connect itself
	[ "$output" = "$(printf '%s: Connection refused\n' connect itself)" ]
}

@test "with NOSELFCONN=off, nothing is changed" {
	need_flag
	object ./any.so
	run shimmed in_ns "$deepbind" deep ./any.so whose
	said "whose: libnoselfconn.so"
	run shimmed in_ns env NOSELFCONN=off "$deepbind" deep ./any.so go connect whose
	said "connect: connected to itself" "whose: libc.so.6"
}
