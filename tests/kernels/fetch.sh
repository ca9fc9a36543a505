#!/bin/sh
# SPDX-License-Identifier: MIT
# fetch.sh LINE: gets a kernel of Debian's archive by its package, and says in which directory it
# is: vmlinuz, and lib/modules for modprobe. LINE is 5.10, 6.1, 6.12 or newest; or instead of a
# kernel, headers for the newest one's, or programs for a static bash and BusyBox. ARCH is Debian's
# name of a machine, amd64 unless it is set. What was got stays for the next run, the newest for a
# week. Exit status 75 if there is none, with the reason.
#
# apt works on lists of its own here: nothing is installed, and this machine's lists stay.
set -eu

line=$1
arch=${ARCH:-amd64}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/noselfconn/kernels
kernel=$cache/$arch-$line

cannot() {
	echo "Linux $line for $arch: $*" >&2
	exit 75
}

case $line in
5.10) suites='bullseye-security bullseye' version='5\.10\.' ;;
6.1) suites='bookworm-security bookworm' version='6\.1\.' ;;
6.12) suites='bookworm-backports trixie-security trixie' version='6\.12\.' ;;
newest | headers) suites='sid trixie-backports forky-backports' version='' ;;
programs) suites=bookworm version='5\.2\.' ;;
*) echo "usage: fetch.sh 5.10|6.1|6.12|newest|headers|programs" >&2; exit 2 ;;
esac
case $line:$arch in
headers:*) package=linux-libc-dev ;;
programs:*) package=bash-static ;;
*:amd64 | *:arm64) package=linux-image-cloud-$arch ;;
*) package=linux-image-$arch ;;
esac

if [ -d "$kernel" ] && { [ -n "$version" ] || [ -n "$(find "$kernel" -prune -mtime -7)" ]; }; then
	echo "$kernel"
	exit 0
fi

mkdir -p "$cache"
work=$(mktemp -d "$cache/tmp.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP

# The mirror is the one that this machine has its own packages from.
mirror() {
	# shellcheck disable=SC2016 # apt-get's variables
	apt-get indextargets --format '$(ORIGIN) $(REPO_URI) $(SUITE)' 'Created-By: Packages' |
		awk -v security="$1" '$1 == "Debian" && ($3 ~ /-security$/) == security { print $2; exit }'
}

apt() {
	command=$1
	shift
	"apt-$command" -qq -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=- \
		-o Dir::State="$work" -o Dir::State::status=/dev/null -o Dir::Cache="$work" \
		-o APT::Architecture="$arch" -o APT::Architectures="$arch" \
		-o APT::Sandbox::User="$(id -un)" "$@"
}

keyring=/usr/share/keyrings/debian-archive-keyring.gpg
[ -e $keyring ] || cannot "there is no $keyring"
case $line in headers | programs) ;; *) command -v depmod >/dev/null || cannot "depmod is not installed" ;; esac
for suite in $suites; do
	case $suite in *-security) security=1 ;; *) security=0 ;; esac
	mirror=$(mirror $security)
	[ -z "$mirror" ] || echo "deb [signed-by=$keyring] $mirror $suite main" >>"$work/sources.list"
done
[ -e "$work/sources.list" ] || cannot "this machine has no sources of Debian's packages"
mkdir -p "$work/lists/partial" "$work/archives/partial"
# What one suite lacks, another may have.
apt get update >/dev/null 2>&1 || :

newest=$(apt cache madison "$package" 2>/dev/null | awk '{ print $3 }' | grep "^$version" | sort -V | tail -n 1)
[ -n "$newest" ] || cannot "no package of the archive has it, or there is no network"

# The parts of a kernel that a package depends on, recursively; their names begin with its version.
parts() {
	apt cache show "$1" | sed -n '/^Depends:/{s/^Depends: //;s/ *([^)]*)//g;s/, */\n/g;p;q}' |
		grep -E '^linux-(image|binary|modules|base)-[0-9][^ ]*$' | while read -r part; do
			echo "$part"
			parts "$part"
		done
}
case $line in
headers) packages="$package=$newest" ;;
programs) packages="$package busybox-static" ;;
*) packages=$(parts "$package=$newest" | sort -u) ;;
esac
# shellcheck disable=SC2086 # a list of words
(cd "$work" && apt get download $packages >/dev/null 2>&1) || cannot "its packages can't be fetched"
for deb in "$work"/*.deb; do
	dpkg-deb -x "$deb" "$work/unpacked"
done

case $line in
headers) mv "$work/unpacked/usr/include" "$work/kernel" ;;
programs)
	mkdir "$work/kernel"
	find "$work/unpacked" -type f -path '*bin/*' -exec cp {} "$work/kernel" ';'
	;;
*)
	mkdir -p "$work/kernel/lib/modules"
	for modules in "$work"/unpacked/lib/modules/* "$work"/unpacked/usr/lib/modules/*; do
		[ -d "$modules" ] || continue
		cp -R "$modules" "$work/kernel/lib/modules"
		depmod -b "$work/kernel" "${modules##*/}" 2>/dev/null
	done
	image=$(find "$work/unpacked" -name 'vmlinuz*' | head -n 1)
	[ -n "$image" ] || cannot "its packages have no vmlinuz"
	cp "$image" "$work/kernel/vmlinuz"
	;;
esac
rm -rf "$kernel"
mv "$work/kernel" "$kernel"
touch "$kernel"
echo "$kernel"
