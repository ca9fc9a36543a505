# SPDX-License-Identifier: MIT
# valgrind, and the library's code under AddressSanitizer and UBSan (make sanitize), find nothing
# in repairs; each finds what is wrong with a program that is broken on purpose.
load ../lib/helpers

setup() {
	need_namespaces
}

# Without what gdb would need: files of /tmp, named by the number of the process, which is the same
# in each namespace.
memcheck=(valgrind --quiet --vgdb=no --error-exitcode=99 --leak-check=full)
helgrind=(valgrind --quiet --vgdb=no --error-exitcode=99 --tool=helgrind)

# faulty DEFECT FLAG...: builds a program with that defect.
faulty() {
	need cc
	cc -g -w -pthread -D"$1" "${@:2}" -o "$BATS_TEST_TMPDIR/faulty" -x c - <<'EOF'
#include <pthread.h>
#include <stdlib.h>
static int shared;
static void *count(void *arg)
{
	for (int i = 0; i < 1000; i++)
		shared++;
	return arg;
}
int main(int argc, char **argv)
{
	volatile int *heap = malloc(4 * sizeof *heap);
#ifdef OVERRUN
	heap[3 + argc] = 1;
#endif
#ifdef OVERFLOW
	*heap = 0x7fffffff;
	*heap += argc;
#endif
#ifdef RACE
	pthread_t thread;
	pthread_create(&thread, NULL, count, NULL);
	count(NULL);
	pthread_join(thread, NULL);
#endif
	free((void *)heap);
	return 0;
}
EOF
}

# sanitized [LOW-HIGH] PROGRAM ARG...: one that has the library's code in it, in a namespace.
sanitized() {
	local range=40000-40001 single='' # which is built in
	case $1 in
	[0-9]*-[0-9]*) range=$1; shift ;;
	esac
	NOSELFCONN_LOG=$BATS_TEST_TMPDIR/log in_ns "$range" "$build/sanitized/$1" "${@:2}"
}

@test "memcheck finds nothing in a repair" {
	need valgrind
	shimmed in_ns "${memcheck[@]}" "$client" tcp6 dup connect ::1 40000
	repaired "reset in place" "connection refused" "[::1]:40000"
}

@test "memcheck finds what is written beyond a block" {
	need valgrind
	faulty OVERRUN
	run "${memcheck[@]}" "$BATS_TEST_TMPDIR/faulty"
	[ "$status" -eq 99 ]
}

@test "helgrind finds nothing in many repairs from many threads" {
	need valgrind
	# Its own memory grows, so that soak is not content; but it has nothing to say.
	MOVE_RANGE=yes run shimmed in_ns 40000-40031 "${helgrind[@]}" "$build/tests/soak" 300 4 1
	[[ $output == *" 0 self-connected, "* && $output != *"=="* ]]
	repaired "reset in place" "*" "*:400??"
}

@test "helgrind finds a data race" {
	need valgrind
	faulty RACE
	run "${helgrind[@]}" "$BATS_TEST_TMPDIR/faulty"
	[ "$status" -eq 99 ]
}

@test "the sanitizers find nothing in a repair" {
	sanitized client tcp6 dup connect ::1 40000
	repaired "reset in place" "connection refused" "[::1]:40000"
}

@test "the sanitizers find nothing in many repairs from many threads" {
	# Whose copies of stacks grow, with gcc 13 and newer.
	ASAN_OPTIONS=detect_stack_use_after_return=0 MOVE_RANGE=yes sanitized 40000-40031 soak 5000 4 1
	repaired "reset in place" "*" "*:400??"
}

@test "the sanitizers find nothing in random sequences of calls" {
	run sanitized differ 1 1000
	[ "$status" -eq 0 ]
	[[ $output =~ repairs:\ [1-9] ]]
}

@test "AddressSanitizer finds what is written beyond a block" {
	faulty OVERRUN -fsanitize=address
	run "$BATS_TEST_TMPDIR/faulty"
	[ "$status" -ne 0 ]
	[[ $output == *heap-buffer-overflow* ]]
}

@test "UBSan finds an overflow" {
	faulty OVERFLOW -fsanitize=undefined -fno-sanitize-recover=all
	run "$BATS_TEST_TMPDIR/faulty"
	[ "$status" -ne 0 ]
	[[ $output == *"signed integer overflow"* ]]
}
