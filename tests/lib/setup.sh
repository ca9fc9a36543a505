#!/bin/sh
# setup.sh PROGRAM...: makes sure that these are installed; NAME.pc is a library to compile with,
# NAME.so one to preload, /NAME a file, and 'COMPILER -OPTION' must be able to link a program.
# What is missing comes from the distribution's packages when root and apt-get are there; else it
# is named in one line, with exit status 1.
set -eu

package_of() {
	case $1 in
	cc | gcc) echo gcc libc6-dev ;;
	nc | nc.openbsd) echo netcat-openbsd ;;
	nc.traditional) echo netcat-traditional ;;
	nginx) echo nginx-light ;;
	python3) echo python3-minimal python3 ;;
	ip | ss) echo iproute2 ;;
	nm | readelf) echo binutils ;;
	telnet) echo inetutils-telnet ;;
	php) echo php-cli ;;
	node) echo nodejs ;;
	redis-cli) echo redis-tools ;;
	psql) echo postgresql-client ;;
	mariadb) echo mariadb-client ;;
	ssh) echo openssh-client ;;
	dropbear) echo dropbear-bin ;;
	apache2) echo apache2-bin ;;
	javac) echo default-jdk-headless ;;
	libevent.pc) echo libevent-dev ;;
	libuv.pc) echo libuv1-dev ;;
	gio-2.0.pc) echo libglib2.0-dev ;;
	clang-tidy | clang-format | clang) echo "$1" ;;
	musl-gcc) echo musl-tools ;;
	'gcc -m32') echo gcc-multilib ;;
	'clang --target=aarch64-linux-gnu') echo clang binutils-aarch64-linux-gnu \
		libc6-dev-arm64-cross libgcc-12-dev-arm64-cross ;;
	'clang --target=s390x-linux-gnu') echo clang binutils-s390x-linux-gnu \
		libc6-dev-s390x-cross libgcc-12-dev-s390x-cross ;;
	qemu-*) echo qemu-user ;;
	libsocket_wrapper.so) echo libsocket-wrapper ;;
	libeatmydata.so) echo libeatmydata1 ;;
	libasan.so) echo libasan8 ;;
	*libfaketime.so.1) echo libfaketime ;;
	setcap) echo libcap2-bin ;;
	valgrind) echo valgrind libc6-dbg ;;
	setpriv) echo util-linux ;;
	script) echo bsdutils ;;
	*/bash_completion) echo bash-completion ;;
	*) echo "$1" ;;
	esac
}

is_there() {
	case $1 in
	*.pc) pkg-config --exists "${1%.pc}" ;;
	*.so | *.so.*) set -- /usr/lib/*/"$1" && [ -e "$1" ] ;;
	/*) [ -e "$1" ] ;;
	*' '-*) echo 'int main(void) { return 0; }' | $1 -x c -o /dev/null - ;;
	*) command -v "$1" ;;
	esac >/dev/null 2>&1
}

missing='' packages=''
for program; do
	if ! is_there "$program"; then
		missing="$missing $program"
		packages="$packages $(package_of "$program")"
	fi
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
	echo "installing:$packages" >&2
	export DEBIAN_FRONTEND=noninteractive
	# No service is to be started: the tests run their own.
	policy=/usr/sbin/policy-rc.d
	if [ ! -e $policy ]; then
		trap 'rm -f $policy' EXIT
		trap 'exit 1' INT TERM
		printf '#!/bin/sh\nexit 101\n' >$policy
		chmod +x $policy
	fi
	set -- install -y -qq --no-install-recommends -o DPkg::Lock::Timeout=300
	# shellcheck disable=SC2086 # a list of words
	apt-get "$@" $packages >/dev/null 2>&1 || {
		apt-get update -qq >/dev/null
		apt-get "$@" $packages >/dev/null
	}
else
	echo "missing:$missing (Debian packages:$packages)" >&2
	exit 1
fi
