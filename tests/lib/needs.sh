# shellcheck shell=sh
# SPDX-License-Identifier: MIT
# What the tests need of a machine, for setup.sh and helpers.bash: NAME is a program; NAME.so and
# NAME.so.1 a library to preload, NAME.pc one to compile with, /NAME a file, 'COMPILER -OPTION'
# what must be able to link a program, php-NAME an extension of PHP, npm:NAME@VERSION a package of
# npm, and i386 what builds and runs programs of that machine.
PATH=$PATH:/usr/sbin:/sbin # not in every user's
npm_folder=${XDG_CACHE_HOME:-${HOME-}/.cache}/noselfconn/npm

is_there() {
	case $1 in
	i386) links 'gcc -m32' && { runs_i386 || is_there qemu-i386; } ;;
	*.pc) pkg-config --exists "${1%.pc}" ;;
	*.so | *.so.*) set -- /usr/lib/*/"$1" && [ -e "$1" ] ;;
	/*) [ -e "$1" ] ;;
	npm:*) [ -d "$npm_folder/${1#npm:}" ] ;;
	php-*) php -m | grep -x "${1#php-}" ;;
	*' '-*) links "$1" ;;
	*) command -v "$1" ;;
	esac >/dev/null 2>&1
}

# links 'COMPILER [OPTION]...'
links() {
	# shellcheck disable=SC2086 # words
	echo 'int main(void) { return 0; }' | $1 -x c -o /dev/null -
}

# Does the kernel run programs of i386? Not all do, on machines where the compiler makes them.
runs_i386() (
	program=$(mktemp) || return
	echo 'int main(void) { return 0; }' | gcc -m32 -x c -o "$program" - && "$program"
	status=$?
	rm -f "$program"
	return $status
) 2>/dev/null

# The Debian packages of a need.
packages_of() {
	case $1 in
	podman) echo podman crun ;;
	cc | gcc) echo gcc libc6-dev ;;
	busybox) echo busybox-static ;;
	nc | nc.openbsd) echo netcat-openbsd ;;
	nc.traditional) echo netcat-traditional ;;
	nginx) echo nginx-light ;;
	npm:*) is_there npm || echo npm ;;
	python3) echo python3-minimal python3 ;;
	ip | ss | tc) echo iproute2 ;;
	nm | readelf | objdump) echo binutils ;;
	telnet) echo inetutils-telnet ;;
	php) echo php-cli ;;
	php-sockets) echo php-common ;;
	node) echo nodejs ;;
	redis-cli) echo redis-tools ;;
	psql) echo postgresql-client ;;
	mariadb) echo mariadb-client ;;
	ssh) echo openssh-client ;;
	dropbear | dropbearkey) echo dropbear-bin ;;
	apache2) echo apache2-bin ;;
	java | javac) echo default-jdk-headless ;;
	libevent.pc) echo libevent-dev ;;
	libuv.pc) echo libuv1-dev ;;
	liburing.pc) echo liburing-dev ;;
	go) echo golang-go ;;
	gio-2.0.pc) echo libglib2.0-dev ;;
	*/yaml/__init__.py) echo python3-yaml ;;
	apparmor_parser) echo apparmor ;;
	systemd-analyze) echo systemd ;;
	musl-gcc) echo musl-tools ;;
	'gcc -m32') echo gcc-multilib ;;
	i386) if links 'gcc -m32' 2>/dev/null; then echo qemu-user; else echo gcc-multilib; fi ;;
	'clang --target=aarch64-linux-gnu') cross_packages aarch64-linux-gnu arm64 ;;
	'clang --target=arm-linux-gnueabihf') cross_packages arm-linux-gnueabihf armhf ;;
	'clang --target=s390x-linux-gnu') cross_packages s390x-linux-gnu s390x ;;
	qemu-system-x86_64) echo qemu-system-x86 ;;
	qemu-system-aarch64) echo qemu-system-arm ;;
	qemu-system-s390x) echo qemu-system-s390x qemu-system-misc ;; # in Debian 12, among others
	qemu-*) echo qemu-user ;;
	libproxychains.so.4) echo libproxychains4 ;;
	torsocks/*) echo torsocks ;;
	mptcpize/*) echo mptcpize ;;
	libsocket_wrapper.so) echo libsocket-wrapper ;;
	libeatmydata.so) echo libeatmydata1 ;;
	*libfaketime.so.1) echo libfaketime ;;
	setcap) echo libcap2-bin ;;
	valgrind) echo valgrind libc6-dbg ;;
	setpriv | unshare) echo util-linux ;;
	script) echo bsdutils ;;
	ps | pgrep) echo procps ;;
	dpkg-deb) echo dpkg ;;
	modprobe) echo kmod ;;
	nft) echo nftables ;;
	*/asio.hpp) echo libasio-dev ;;
	*/bash_completion) echo bash-completion ;;
	*) echo "$1" ;;
	esac
}

# cross_packages TARGET ARCHITECTURE: for clang, which takes the libgcc that gcc's version has.
cross_packages() {
	echo clang "binutils-$1" "libc6-dev-$2-cross" \
		"libgcc-$(gcc -dumpversion)-dev-$2-cross"
}
