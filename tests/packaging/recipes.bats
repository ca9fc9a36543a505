# SPDX-License-Identifier: MIT
# scripts/packaging/RECIPES.md: each is taken from there, and run. If it can't run here, its own
# linter or its structure is looked at. Those for containers: containers.bats.

load ../lib/helpers
load recipes
bats_require_minimum_version 1.5.0

setup() {
	need_namespaces
	need python3 /usr/lib/python3/dist-packages/yaml/__init__.py
	unset MAKEFLAGS MFLAGS MAKELEVEL CC CFLAGS CPPFLAGS LDFLAGS BUILD LD_PRELOAD
	cd "$BATS_TEST_TMPDIR"
	installed=/usr/local/lib/libnoselfconn.so
}

# of_yaml EXPRESSION: printed, a line for each if it is a list; d is what the recipe says.
of_yaml() {
	python3 -c 'import sys, yaml
d = yaml.safe_load(open("recipe"))
value = eval(sys.argv[1])
print(*value if isinstance(value, list) else [value], sep="\n")' "$1"
}

@test "the test's own program is connected to itself" {
	run -0 in_ns bash -c "$connect"
	[[ $output = *'went well'* ]]
}

@test "GitHub: the action's path is the one that this repository has" {
	recipe GitHub
	[ "$(of_yaml 'd["steps"][0]["uses"]')" = OWNER/noselfconn/scripts/action@v1 ]
	[ -f "$top/scripts/action/action.yml" ]
}

@test "GitHub: linters take the action with its scripts, and the recipe in a workflow" {
	need shellcheck npm:@action-validator/cli@0.6.0
	recipe GitHub
	{ printf 'on: push\njobs:\n  tests:\n    runs-on: ubuntu-latest\n' && sed 's/^/    /' recipe; } >workflow.yml
	cp "$top/scripts/action/action.yml" .
	lint() { "$npm_folder/@action-validator/cli@0.6.0/node_modules/.bin/action-validator" "$1"; }
	run -0 lint workflow.yml
	run -0 lint action.yml
	python3 -c 'import yaml; [open("step%d" % n, "w").write(step["run"])
for n, step in enumerate(yaml.safe_load(open("action.yml"))["runs"]["steps"])]'
	run -0 shellcheck --shell=bash step?
	sed -i 's/uses:/use:/' workflow.yml
	run -1 lint workflow.yml
	sed -i '/shell: bash/d' action.yml
	run -1 lint action.yml
}

# repository: a clone of it gets what is here.
repository() {
	need git
	export HOME=$PWD # for git's settings
	git config --global user.name x
	git config --global user.email x
	git config --global "url.$PWD/origin.insteadOf" https://example.com/noselfconn.git
	checkout
	mv noselfconn origin
	git -C origin init -q
	git -C origin add .
	git -C origin commit -qm x
	printf '#!/bin/bash\n%s\n' "$connect" >run-tests
	chmod +x run-tests
	# What it would install is here.
	mkdir bin
	printf '#!/bin/sh\n' >bin/apt-get
	chmod +x bin/apt-get
	PATH=$PWD/bin:$PATH
}

@test "GitLab CI: its script is not connected to itself, and fails if the library can't be had" {
	recipe 'GitLab CI'
	repository
	# What GitLab's runner does.
	of_yaml 'd["tests"]["before_script"] + d["tests"]["script"]' >job
	run in_ns bash -eo pipefail job
	[[ $output = *'noselfconn works here.'*'Connection refused'* && $output != *'went well'* ]]
	rm -rf noselfconn origin
	run in_ns bash -eo pipefail job
	[ "$status" != 0 ]
	[[ $output != *'went well'* ]]
}

@test "GitLab CI: a runner finds the file in order, and runs the job" {
	need rsync npm:gitlab-ci-local@4.61.1
	recipe 'GitLab CI'
	repository
	git init -q
	mv recipe .gitlab-ci.yml
	runner() {
		in_ns "$npm_folder/gitlab-ci-local@4.61.1/node_modules/.bin/gitlab-ci-local" --force-shell-executor "$@"
	}
	run -1 runner tests
	[[ $output = *'json schema validated'*'noselfconn works here.'*'Connection refused'* ]]
	[[ $output != *'went well'* && $output != *'noselfconn: '*': using'* ]]
	sed -i '/noselfconn/d' .gitlab-ci.yml
	run -0 runner tests
	[[ $output = *'went well'* ]]
	sed -i 's/image:/imag:/' .gitlab-ci.yml
	run runner tests
	[ "$status" != 0 ]
	[[ $output != *'went well'* ]]
}

@test "systemd: the drop-in is right, and its filter has all calls of a repair" {
	need systemd-analyze strace
	recipe systemd
	mkdir -p units/worker.service.d
	printf '[Service]\nExecStart=/bin/true\n' >units/worker.service
	sed "s|$installed|$library|" recipe >units/worker.service.d/noselfconn.conf
	SYSTEMD_COLORS=0 SYSTEMD_UNIT_PATH=$PWD/units: run systemd-analyze verify units/worker.service
	[[ $output != *"Failed to "*" manager"* ]] || machine_cannot "systemd can't check a service here: ${lines[0]}"
	[ "$status" = 0 ] && [[ $output != *noselfconn.conf* ]]
	group=$(sed -n 's/^SystemCallFilter=//p' recipe)
	in_ns strace -f -qq -o calls -E LD_PRELOAD="$library${single:+:$single}" \
		"$client" tcp4 connect 127.0.0.1 40000
	allowed "$group" | sort -u >allowed
	grep -oE '^[0-9]+ +[a-z0-9_]+\(' calls | grep -oE '[a-z0-9_]+\(' | tr -d '(' | sort -u >called
	grep -x bind called # of a guard: it was a repair
	run comm -23 called allowed
	[ -z "$output" ]
}

# serve: runs worker.service, in a manager of services of its own; sets output to what it says.
serve() {
	: >said
	# shellcheck disable=SC2016
	run in_ns bash -c '
		mount -t tmpfs run /run && mkdir -p /run/systemd/system /run/user && chmod 700 /run/user
		HOME=$PWD XDG_CONFIG_HOME=$PWD/config XDG_RUNTIME_DIR=/run/user timeout 60 \
			/lib/systemd/systemd --user --unit=worker.service --log-target=console
		# It leaves an empty group.
		sed "s/[^:]*:[^:]*://" /proc/self/cgroup | sort -u | while read -r group; do
			rmdir /sys/fs/cgroup/{,*/}"${group#/}"/init.scope 2>/dev/null
		done'
	complaint=$output output=$(cat said)
}

@test "systemd: the service is not connected to itself; without the drop-in it is" {
	need systemd-analyze
	[ "$(id -u)" = 0 ] || machine_cannot 'systemd needs root here'
	recipe systemd
	mkdir -p config/systemd/user/worker.service.d
	cat >config/systemd/user/worker.service <<-EOS
		[Unit]
		SuccessAction=exit
		FailureAction=exit
		[Service]
		Type=oneshot
		ExecStart=/bin/bash -c '$connect; grep Seccomp: /proc/self/status'
		StandardOutput=append:$PWD/said
		StandardError=append:$PWD/said
	EOS
	serve
	[ -n "$output" ] || machine_cannot "systemd can't run a service here: $complaint"
	[[ $output = *'went well'*$'Seccomp:\t'* ]]
	sed "s|$installed|$library|" recipe >config/systemd/user/worker.service.d/noselfconn.conf
	serve
	[[ $output = *'Connection refused'*$'Seccomp:\t2' && $output != *'went well'* ]]
}

# allowed GROUP: the calls of it, and of the groups in it.
allowed() {
	local call
	systemd-analyze syscall-filter "$1" | sed -n 's/^  *\([^# ]\)/\1/p' | while read -r call; do
		case $call in @*) allowed "$call" ;; *) echo "$call" ;; esac
	done
}

@test "AppArmor: the parser takes the line, and it matches where the library is installed" {
	need apparmor_parser
	recipe AppArmor
	{ echo 'profile worker /usr/bin/worker {' && cat recipe && echo '}'; } >profile
	run -0 apparmor_parser --skip-kernel-load --skip-cache --base "$PWD" profile
	# Its pattern is a glob of the shell, but for the braces in braces of this one.
	local path
	for path in /usr/local/lib/libnoselfconn.so /usr/lib/x86_64-linux-gnu/noselfconn/libnoselfconn.so \
		/usr/lib64/noselfconn/libnoselfconn.so; do
		bash -c 'shopt -s extglob; for p in '"$(sed 's/ mr,//; s/\*/\\*/g' recipe)"'; do [[ $0 = $p ]] && exit; done; exit 1' "$path"
	done
}
