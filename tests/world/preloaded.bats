# SPDX-License-Identifier: MIT
# From /etc/ld.so.preload the library is in every process of a system. It is put there in a
# throw-away root: this system's own, with all that is written gone when the test is over.

setup() {
	load ../lib/helpers
	need_namespaces
	[ "$(id -u)" = 0 ] || cannot "a system with more than one user needs root"
	in_root true 2>/dev/null || cannot "the kernel has no overlay file system"
}

# in_root COMMAND...: in such a system, with the library in /opt, $client as /opt/client, and a
# program of musl, if there is one, as /opt/musl.
in_root() {
	# shellcheck disable=SC2016
	in_ns sh -c 'set -e
		library=$1 client=$2 root=$3/root musl=$3/musl
		shift 3
		mkdir -p "$root"
		mount -t tmpfs none "$root"
		mkdir "$root/upper" "$root/work" "$root/system"
		mount -t overlay none "$root/system" \
			-o lowerdir=/,upperdir="$root/upper",workdir="$root/work"
		root=$root/system
		mount -t proc proc "$root/proc"
		mount --rbind /dev "$root/dev"
		mount -t tmpfs none "$root/run"
		mount -t tmpfs none "$root/tmp"
		mkdir -p "$root/opt"
		chmod 755 "$root/opt"
		install -m 644 "$library" "$root/opt/libnoselfconn.so"
		install "$client" "$root/opt/client"
		[ ! -e "$musl" ] || install "$musl" "$root/opt/musl"
		cd "$root"
		exec chroot . /usr/bin/env -i PATH="$PATH" LC_ALL=C "$@"' \
		sh "$library" "$client" "$BATS_TEST_TMPDIR" "$@"
}

# preloaded SCRIPT: a shell runs it there after the library has been put in /etc/ld.so.preload.
preloaded() {
	in_root sh -c 'echo /opt/libnoselfconn.so >/etc/ld.so.preload && exec sh -c "$1"' sh "$1"
}

@test "a self-connection is repaired" {
	run in_root /opt/client tcp4 connect 127.0.0.1 40000 names
	said "connect: ok" "local: 127.0.0.1 40000" "peer: 127.0.0.1 40000"
	run preloaded 'NOSELFCONN_LOG=/opt/log /opt/client tcp4 connect 127.0.0.1 40000 names
		cat /opt/log'
	said "connect: ECONNREFUSED"
	[[ $output == *"peer: ENOTCONN"* ]]
	# Otherwise it is prevented: see single in helpers.bash.
	[ -n "$single" ] || [[ $output == *": reset in place: connection refused" ]]
}

# musl's loader does not read /etc/ld.so.preload: its programs need the variable.
@test "in a system with two C libraries one file serves both, by /etc/ld.so.preload and LD_PRELOAD" {
	need musl-gcc
	local connect='tcp4 connect 127.0.0.1 40000 names' both
	both="/opt/client $connect; /opt/musl $connect"
	musl-gcc -std=gnu11 -D_GNU_SOURCE -I "$top/tests/lib" -o "$BATS_TEST_TMPDIR/musl" \
		"$top/tests/lib/client.c"
	run in_root sh -c "/opt/client $connect"
	said "connect: ok" "local: 127.0.0.1 40000" "peer: 127.0.0.1 40000"
	run preloaded "$both"
	said "connect: ECONNREFUSED"
	said "peer: ENOTCONN" "connect: ok" "local: 127.0.0.1 40000" "peer: 127.0.0.1 40000"
	run preloaded "export LD_PRELOAD=/opt/libnoselfconn.so; $both"
	[ "$(grep -c '^connect: ECONNREFUSED' <<<"$output")" = 2 ]
	[ "$(grep -c '^peer: ENOTCONN' <<<"$output")" = 2 ]
}

# What a set of programs says there, on stdout and stderr, and how it ends.
small_system='
tell() {
	command -v "$1" >/dev/null || return 0
	echo "$ $*"
	"$@" </dev/null 2>&1
	echo "= $?"
}
tell sh -c "echo shell"
tell bash -c "echo shell | (read x; echo \$x)"
tell perl -e "print qq(perl\n)"
tell python3 -c "import socket, ssl, threading; print(1)"
tell ls -l /etc/apt
tell find /opt /etc/apt
tell grep -c . /etc/passwd
tell awk "{ print \$1 }" /etc/hostname
tell tar cf /tmp/etc.tar /etc/passwd
tell gzip /tmp/etc.tar
tell sort /etc/group
tell sed -n 1p /etc/passwd
tell id
tell mount -t tmpfs none /mnt
tell umount /mnt
tell getent hosts localhost
tell getent passwd root
tell groupadd somegroup
tell useradd -m somebody
tell passwd -S root
tell chage -l root
tell su somebody -c id
tell su - somebody -c pwd
tell runuser -u nobody id
tell setpriv --reuid=65534 --clear-groups id
tell su nobody -s /bin/sh -c "passwd -S nobody"
tell su nobody -s /bin/sh -c "su somebody -c id"
tell crontab -l
tell dpkg --print-architecture
tell dpkg --verify libc-bin
tell dpkg-query -W bash libc6 apt
tell apt-get --version
tell apt-config dump
tell apt-cache policy libc6
mkdir /tmp/repository && : >/tmp/repository/Packages
rm -rf /etc/apt/sources.list*
echo "deb [trusted=yes] file:/tmp/repository ./" >/etc/apt/sources.list
tell apt-get -qq update
tell apt-get -qq check
tell ip -brief link
tell ssh -V
tell curl --version
tell git --version
tell gcc -dumpmachine
tell systemctl --version
tell timeout 9 sleep 0
tell env -i sh -c env
'

@test "the programs of a system start, and say what they say without the library" {
	in_root sh -c "$small_system" >"$BATS_TEST_TMPDIR/without"
	preloaded "$small_system" >"$BATS_TEST_TMPDIR/with"
	grep -q '^\$ apt-get -qq update$' "$BATS_TEST_TMPDIR/with"
	diff "$BATS_TEST_TMPDIR/without" "$BATS_TEST_TMPDIR/with"
}

@test "it is in the programs of other users, and in set-user-ID programs" {
	run preloaded 'install -m 4755 "$(command -v grep)" /opt/grep
		su nobody -s /bin/sh -c "grep -c /opt/libnoselfconn.so /proc/self/maps | grep -v ^0 &&
			/opt/grep -c /opt/libnoselfconn.so /proc/self/maps | grep -v ^0 &&
			/opt/grep Uid: /proc/self/status"'
	[[ ${lines[0]} =~ ^[1-9]$ && ${lines[1]} =~ ^[1-9]$ ]]
	[[ ${lines[2]} == *65534*0*0*0* ]]
}

@test "a set-user-ID program is repaired, and heeds nothing in the environment" {
	local connect="/opt/client tcp4 connect 127.0.0.1 40000 names"
	run preloaded "chmod 4755 /opt/client
		mkdir -m 777 /opt/logs
		su nobody -s /bin/sh -c 'NOSELFCONN_LOG=/opt/logs/log NOSELFCONN_VERBOSE=1 \
			NOSELFCONN=off $connect'
		ls /opt/logs"
	[ "${lines[0]}" = "connect: ECONNREFUSED" ]
	[ "${lines[2]}" = "peer: ENOTCONN" ]
	[ "${#lines[@]}" = 3 ]
}

@test "cron starts, runs a job, and stays silent" {
	need cron
	run preloaded 'rm -rf /etc/cron.d /var/spool/cron/crontabs/*
		mkfifo /opt/done
		echo "@reboot root /opt/client tcp4 connect 127.0.0.1 40000 names >/opt/done 2>&1" \
			>/etc/crontab
		cron -f >/opt/said 2>&1 &
		timeout 20 cat /opt/done
		kill $!
		cat /opt/said'
	[ "${lines[0]}" = "connect: ECONNREFUSED" ]
	[ "${lines[2]}" = "peer: ENOTCONN" ]
	[ "${#lines[@]}" = 3 ]
}
