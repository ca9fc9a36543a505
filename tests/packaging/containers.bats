# SPDX-License-Identifier: MIT
# The recipes for containers, run as they stand. podman does for them what Docker, Compose and
# Kubernetes would, without a daemon and a registry: the images that they name are made here, of a
# few programs of this system.

load ../lib/helpers
load recipes
bats_require_minimum_version 1.5.0

setup() {
	need_namespaces
	need podman
	[ "$(id -u)" = 0 ] || machine_cannot 'a container needs root here'
	cd "$BATS_TEST_TMPDIR"
	export connect
	installed=/usr/local/lib/libnoselfconn.so
	image debian bash cp
	printf '#!/bin/sh\n' >debian/usr/local/bin/apt-get # what it would install is here
	chmod +x debian/usr/local/bin/apt-get
}

# image NAME PROGRAM...: a directory with these programs and what they are linked with.
image() {
	local name=$1 program file
	mkdir -p "$name"/{tmp,etc,usr/{bin,lib,lib64,include,local/{bin,lib}},etc/alternatives}
	ln -s usr/bin usr/lib usr/lib64 "$name"
	ln -s bash "$name/usr/bin/sh"
	for program in "${@:2}"; do
		program=$(command -v "$program")
		cp "$program" "$name/usr/bin"
		for file in $(ldd "$program" | grep -o '/[^ ]*'); do
			mkdir -p "$name${file%/*}"
			cp -L "$file" "$name$file"
		done
	done
}

# contained SCRIPT: bash's, where docker is podman; debian:bookworm can be run, and with what this
# system has under /usr, programs can be built in it.
contained() {
	cat >containers.conf <<-'EOS'
		[containers]
		netns = "none"
		default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
		default_sysctls = ["net.ipv4.ip_local_port_range=40000 40001"]
		[engine]
		cgroup_manager = "cgroupfs"
		events_logger = "file"
	EOS
	cat >storage.conf <<-EOS
		[storage]
		driver = "vfs"
		graphroot = "$PWD/storage"
		runroot = "$PWD/run"
	EOS
	cat >start <<-'EOS'
		imported() {
			tar -C "$1" -c . | podman import --quiet --change ENV=PATH=/usr/local/bin:/usr/bin - "$2" >/dev/null
		}
		docker() {
			local usr=()
			if [ "$1" = build ]; then
				for directory in /usr/{bin,lib,lib64,include} /etc/alternatives; do
					usr+=(--volume "$directory:$directory:ro")
				done
			fi
			podman "$1" "${usr[@]}" "${@:2}"
		}
		mount -t tmpfs run /run # this system's stays as it is
		# crun can't do with cgroups of both versions.
		umount /sys/fs/cgroup/unified 2>/dev/null
		imported debian debian:bookworm && podman run --rm debian:bookworm bash -c : || exit 99
	EOS
	CONTAINERS_CONF=$PWD/containers.conf CONTAINERS_STORAGE_CONF=$PWD/storage.conf \
		run in_ns bash -c ". ./start; $1"
	[ "$status" != 99 ] || machine_cannot "podman can't run a container here: ${lines[-1]}"
}

# has LINE...: these are lines of the output, in this order.
has() {
	local line rest=$output
	for line; do
		[[ $'\n'$rest$'\n' = *$'\n'"$line"$'\n'* ]] || { printf '%s\nlacks %s\n' "$output" "$line" >&2; return 1; }
		rest=${rest#*"$line"}
	done
}

refusal='bash: connect: Connection refused'

@test "Dockerfile and distroless: what the images run is not connected to itself" {
	checkout
	mkdir noselfconn/build # built here, for another C library
	printf '#!/bin/sh\nexit 1\n' >noselfconn/build/start
	chmod +x noselfconn/build/start
	recipe Dockerfile
	cp recipe Dockerfile
	recipe Distroless
	{ sed '/^$/,$d' Dockerfile && cat recipe; } >Distroless
	image distroless "$client"
	rm distroless/usr/bin/sh
	contained 'imported distroless gcr.io/distroless/base
		docker build --tag worker . && docker run --rm worker
		docker run --rm -e LD_PRELOAD= worker && echo without
		docker build --quiet --file Distroless --tag bare . &&
			docker run --rm bare client tcp4 connect 127.0.0.1 40000
		docker run --rm -e LD_PRELOAD= bare client tcp4 connect 127.0.0.1 40000'
	has 'noselfconn works here.' "$refusal" without 'connect: ECONNREFUSED' 'connect: ok'
}

@test "docker run: an image as it is is not connected to itself" {
	recipe 'docker run'
	sed -i "s|$installed|$library|; s|IMAGE|debian:bookworm bash -c \"\$connect\"|" recipe
	contained '. ./recipe; docker run --rm debian:bookworm bash -c "$connect"'
	has "$refusal" 'went well'
}

# podman's own profile allows what a supervisor needs, Docker's only with CAP_SYS_PTRACE.
@test "in a container a program is supervised, or a warning says what that takes" {
	[ -r /usr/share/containers/seccomp.json ] || cannot "podman has no profile here"
	sed '/"pidfd_getfd"/d' /usr/share/containers/seccomp.json >profile.json
	cp "$build/supervise" "$client" debian/usr/bin
	connects='client tcp4 connect 127.0.0.1 40000'
	contained "docker run --rm debian:bookworm $connects
		docker run --rm debian:bookworm supervise warn $connects
		docker run --rm --security-opt seccomp=profile.json debian:bookworm supervise warn $connects"
	has 'connect: ok' 'connect: ECONNREFUSED'
	[[ $output = *"noselfconn: client: not supervised: the sockets of a child can't be reached"*$'\nconnect: ok' ]]
}

@test "Compose: the service is not connected to itself" {
	need podman-compose
	recipe Compose
	sed "s|$installed|$library|; s|IMAGE|debian:bookworm|" recipe >compose.yaml
	cat >command.yaml <<-EOS
		services:
		  worker:
		    command: [bash, -c, "$connect"]
	EOS
	# Without the network that it makes for the services.
	cat >alone <<-'EOS'
		#!/bin/bash
		[ "$1" != network ] || exit 0
		words=()
		while [ $# -gt 0 ]; do
			case $1 in --net | --network-alias) shift ;; *) words+=("$1") ;; esac
			shift
		done
		exec podman "${words[@]}"
	EOS
	chmod +x alone
	sed 's|LD_PRELOAD:.*|A: b|' compose.yaml >without.yaml
	contained 'podman-compose --podman-path ./alone -f compose.yaml -f command.yaml up
		podman-compose --podman-path ./alone -f without.yaml -f command.yaml up --force-recreate'
	has "$refusal" 'went well'
}

@test "Kubernetes: the pod's worker is not connected to itself" {
	need catatonit
	recipe Kubernetes
	sed "s|IMAGE-WITH-NOSELFCONN|localhost/noselfconn:1|; s|IMAGE|debian:bookworm|
		s|^      env:|      command: [bash, -c, '${connect//&/\\&}']\n&|
		s|^metadata:|&\n  annotations: {io.podman.annotations.init.container.type: always}|" recipe >pod.yaml
	cp -R debian noselfconn
	cp "$library" noselfconn/usr/local/lib
	contained 'imported noselfconn localhost/noselfconn:1
		podman play kube --network none pod.yaml
		podman logs worker-worker
		podman pod rm --force worker >/dev/null
		docker run --rm debian:bookworm bash -c "$connect"'
	has "$refusal" 'went well'
}
