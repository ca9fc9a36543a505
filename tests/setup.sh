#!/bin/sh
# setup.sh PROGRAM...: makes sure that these are installed. What is missing comes from the
# distribution's packages when root and apt-get are there; else it is named in one line, with
# exit status 1.
set -eu

package_of() {
	case $1 in
	cc | gcc) echo gcc libc6-dev ;;
	nc | nc.openbsd) echo netcat-openbsd ;;
	nc.traditional) echo netcat-traditional ;;
	nginx) echo nginx-light ;;
	python3) echo python3-minimal python3 ;;
	ip | ss) echo iproute2 ;;
	clang-tidy | clang-format | clang) echo "$1" ;;
	*) echo "$1" ;;
	esac
}

missing='' packages=''
for program; do
	if ! command -v "$program" >/dev/null 2>&1; then
		missing="$missing $program"
		packages="$packages $(package_of "$program")"
	fi
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
	echo "installing:$packages" >&2
	export DEBIAN_FRONTEND=noninteractive
	# shellcheck disable=SC2086 # a list of words
	apt-get install -y -qq --no-install-recommends $packages >/dev/null 2>&1 || {
		apt-get update -qq >/dev/null
		apt-get install -y -qq --no-install-recommends $packages >/dev/null
	}
else
	echo "missing:$missing (Debian packages:$packages)" >&2
	exit 1
fi
