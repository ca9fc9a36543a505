# SPDX-License-Identifier: MIT
# The GitHub action: its steps, run as a runner runs them.

load ../lib/helpers
bats_require_minimum_version 1.5.0

setup() {
	need_namespaces
	need python3 /usr/lib/python3/dist-packages/yaml/__init__.py
	unset MAKEFLAGS MFLAGS MAKELEVEL CC CFLAGS CPPFLAGS LDFLAGS BUILD LD_PRELOAD
	# What the runner has cloned, and a directory of its own.
	mkdir "$BATS_TEST_TMPDIR/checkout" "$BATS_TEST_TMPDIR/temp"
	cd "$top" && cp -R Makefile scripts shim tests man "$BATS_TEST_TMPDIR/checkout"
	cd "$BATS_TEST_TMPDIR"
}

# job [INPUT=VALUE]... -- COMMAND...: the action, then the command as the job's next step.
job() {
	in_ns python3 "$top/tests/packaging/run-action.py" "${checkout-checkout}/scripts/action/action.yml" temp "$@"
}

connect='exec 3<>/dev/tcp/127.0.0.1/40000 && echo went well'

@test "the step after the action is not connected to itself; without the action it is" {
	run -0 in_ns bash -c "$connect"
	[[ $output = *'went well'* ]]
	run -1 job -- bash -c "$connect"
	[[ $output = *'noselfconn works here.'*'Connection refused'* && $output != *'went well'* ]]
}

@test "the step after the action has the command, and the library's path" {
	export others=${single:+:$single} # in_ns preloads it
	run -0 job -- bash -c 'noselfconn --version && [ "$LD_PRELOAD" = "$OUTPUT_LIBRARY$others" ] &&
		[ "$(noselfconn --print-preload)" = "$OUTPUT_LIBRARY" ]'
}

@test "what the job preloads already stays" {
	LD_PRELOAD=$build/tests/plugin.so run -0 job -- sh -c 'echo "$LD_PRELOAD"'
	[[ ${lines[-1]} = */libnoselfconn.so:"$build/tests/plugin.so${single:+:$single}" ]]
}

@test "it can be used again in the same job, also with another library" {
	run -0 job -- sh -c 'echo "$LD_PRELOAD"'
	local preload=${lines[-1]%"${single:+:$single}"}
	LD_PRELOAD=$preload run -0 job -- sh -c 'echo "$LD_PRELOAD"'
	[ "${lines[-1]}" = "$preload${single:+:$single}" ]
	LD_PRELOAD=$preload run -0 job library="$library" -- bash -c true
	LD_PRELOAD=$preload run -0 job library="$preload" -- bash -c true
	[[ $output = *'noselfconn works here.'* && $output != *ld.so* ]]
}

@test "what the environment says to other builds does not count" {
	BUILD=7 PRELOAD=1 run -0 job -- true
}

@test "it takes a library that is there already, and then needs no compiler" {
	CC=false run -1 job library="$library" -- bash -c "$connect"
	[[ $output = *'Connection refused'* && $output != *'went well'* ]]
	cmp "$library" checkout/build/libnoselfconn.so
	# The path may start from where the job's steps start.
	cp "$library" temp/built-elsewhere.so
	run -0 job library=built-elsewhere.so -- true
}

# fails STEP: the last run ended with that step.
fails() {
	[[ $output = *"## failed: $1" ]] || { echo "$output" >&2; return 1; }
}

@test "it says what it needs, and fails, if there is no compiler or no make" {
	CC=no-such-compiler run -1 job -- echo next
	fails 'Build it'
	[[ $output = *'::error title=noselfconn::Install make and a C compiler first'* ]]
	# A job container without make.
	mkdir bin
	local tool
	for tool in bash cc /usr/bin/python3; do
		ln -s "$(command -v $tool)" bin
	done
	PATH=$PWD/bin run -1 job -- echo next
	fails 'Build it'
	[[ $output = *'::error title=noselfconn::Install make and a C compiler first'* ]]
}

@test "it fails for a library that is missing, or none, or does not work" {
	run -1 job library=missing -- echo next
	fails 'Build it'
	echo nothing >none
	run -1 job library="$PWD/none" -- echo next
	fails 'Prove that it works here'
	run -1 job library="$build/tests/plugin.so" -- echo next
	fails 'Prove that it works here'
}

@test "it fails, and says why, where LD_PRELOAD can't name the library" {
	mv checkout 'a b'
	checkout='a b' run -125 job -- echo next
	fails 'Use it in the steps that follow'
	[[ $output = *"noselfconn: LD_PRELOAD can't name "*', which has a blank in it'* ]]
}

@test "it fails if the next step would not have the library" {
	# As where a later file of the runner takes LD_PRELOAD away again.
	sed -i 's/echo "LD_PRELOAD=/echo "LD_PRELOAD_=/' checkout/scripts/action/action.yml
	run -1 job -- echo next
	[[ $output = *'::error title=noselfconn::'* ]]
	fails 'See that it is used'
}
