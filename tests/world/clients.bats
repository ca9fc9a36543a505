#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What programs make of a connection to themselves, and of what the library gives them instead.
# A row is a test: it needs programs, what the program says when it is connected to itself
# (alone), its words for a refused connection (refused), the server to try it with (clients/
# serve.py) and the command. All destinations are 127.0.0.1 port 40000.

load ../lib/helpers

setup() {
	need_namespaces
	need python3
	clients=$BATS_TEST_DIRNAME/clients
	export LC_ALL=C
	unset http_proxy HTTP_PROXY all_proxy ALL_PROXY
	cd "$BATS_TEST_TMPDIR"
}

# What is not the same in two runs of a program: times and process numbers.
without_accidents() {
	tr -cd '[:print:]\n' | sed -E '
		s/^\[[A-Z][a-z]{2} [A-Z][a-z]{2} .. [0-9:.]+ [0-9]{4}\] //
		s/^[0-9]{4}[-\/][0-9]{2}[-\/][0-9]{2} [0-9:]{8} //
		s/\[pid [0-9]+:tid [0-9]+\] //
		s/\b[0-9]+#[0-9]+: //
		s/([a-z])\[[0-9]+\]/\1/
		s/^[0-9A-F]+:error/error/
		s/after [0-9]+ ms/after 0 ms/'
}

# ran RANGE COMMAND...: sets output to what the command says in a namespace with that ephemeral
# port range, its exit status, and the state that it leaves port 40000 in.
ran() {
	local range=$1
	shift
	output=$(in_ns "$range" bash -c '
		set -o pipefail
		timeout 60 "$@" </dev/null 2>&1 | cat
		echo "exit status: $?"
		"$0" bindable 127.0.0.1 40000
		awk "\$2 == \$3 && \$4 == \"06\" { print \"TIME_WAIT: of a self-connection\" }" \
			/proc/net/tcp /proc/net/tcp6' "$client" "$@" 3>&- | without_accidents)
}

has() {
	case $output in
	*"$1"*) ;;
	*) printf '%s: the output lacks: %s\n%s\n' "$case" "$1" "$output" >&2; return 1 ;;
	esac
}

same_as() {
	[ "$output" = "$1" ] || {
		printf '%s: instead of\n%s\nthe output is\n%s\n' "$case" "$1" "$output" >&2
		return 1
	}
}

# The line of the output that $1 is part of, as Markdown has it in a table.
line_with() {
	grep -m 1 -F -- "$1" <<<"$output" |
		sed -E "s/\`/'/g; s/^ +| +\$//g; s/(.{120}).+/\1…/; s/\|/\\\\|/g; s/.*/\`&\`/"
}

# proven COMMAND...: without the library the command talks to itself, with it it is refused like
# any other, and still reaches a server that is there.
proven() {
	local with="env LD_PRELOAD=$library${LD_PRELOAD:+:$LD_PRELOAD}${single:+:$single} NOSELFCONN_LOG=$PWD/log"
	local case self expected

	case='connected to itself'
	patience=2 ran 40000-40001 "$@"
	has "$alone"
	has 'bindable: EADDRINUSE'
	has 'TIME_WAIT: of a self-connection'
	self=$(line_with "$alone")

	export patience=20
	case='refused by a port out of the range'
	ran 50000-50001 "$@"
	has "$refused"
	has 'bindable: ok'
	expected=$output
	case='refused with the library'
	ran 40000-40001 $with "$@"
	same_as "$expected"
	# Where there are threads, it is prevented: none of them can have seen a self-connection.
	if [ -n "${prevented-}" ]; then
		[ ! -s log ] || { echo 'not prevented:'; tail -n 1 log; return 1; } >&2
	else
		grep -q 'self-connection at 127.0.0.1:40000' log
	fi
	[ -z "${AFFECTED-}" ] || printf '| %s | %s | %s |\n' "${BATS_TEST_DESCRIPTION% does not *}" \
		"$self" "$(line_with "$refused")" >"$AFFECTED/$(printf %03d "$BATS_TEST_NUMBER")"

	rm -f log
	case='with a server'
	ran 40000-40999 python3 "$clients/serve.py" "$server" "$@"
	has hello
	expected=${output%bindable:*}
	case='with a server and the library'
	ran 40000-40999 python3 "$clients/serve.py" "$server" $with "$@"
	output=${output%bindable:*} same_as "$expected"
	not_repaired
}

# compiled LIBRARY: clients/LIBRARY.c, with pkg-config's word for how.
compiled() {
	need cc pkg-config
	# shellcheck disable=SC2046 # a list of words
	cc -std=gnu11 -Wall -Wextra -Werror -o "$1" "$clients/$1.c" $(pkg-config --cflags --libs "$1")
}

@test "bash (/dev/tcp) does not talk to itself" {
	alone='received ping' refused='connect: Connection refused' server=line
	proven bash -c '
		exec 3<>/dev/tcp/127.0.0.1/40000 || exit
		echo ping >&3
		read -r line <&3
		echo "received $line"'
}

@test "a loop that waits for a server (bash) does not talk to itself" {
	alone='is available' refused='is not available' server=line
	proven bash -c '
		for try in 1 2 3 4 5; do
			if (exec 3<>/dev/tcp/127.0.0.1/40000) 2>/dev/null; then
				echo "hello is available after $try of 5 tries"
				exit
			fi
		done
		echo "hello is not available after $try tries"
		exit 1'
}

@test "nc.openbsd (in dash) does not talk to itself" {
	need dash nc.openbsd
	alone=succeeded! refused='Connection refused' server=line
	proven dash -c 'echo ping | nc.openbsd -v -N 127.0.0.1 40000'
}

@test "nc.traditional does not talk to itself" {
	need nc.traditional
	alone=open refused='Connection refused' server=line
	proven sh -c 'echo ping | nc.traditional -nv -q $patience 127.0.0.1 40000'
}

@test "ncat does not talk to itself" {
	need ncat
	alone=ping refused='Connection refused' server=line
	proven sh -c 'echo ping | ncat 127.0.0.1 40000'
}

@test "telnet does not talk to itself" {
	need telnet
	mkfifo input
	alone='Connected to' refused='Connection refused' server=line
	proven bash -c 'exec 0<>input; echo ping >&0; timeout $patience telnet 127.0.0.1 40000'
}

@test "socat does not talk to itself" {
	need socat
	alone=ping refused='Connection refused' server=line
	proven sh -c 'echo ping | socat - TCP:127.0.0.1:40000'
}

@test "curl does not talk to itself" {
	need curl
	alone='Received HTTP/0.9' refused='Failed to connect' server=http
	proven curl -q -sS http://127.0.0.1:40000/
}

@test "wget does not talk to itself" {
	need wget
	alone='GET / HTTP/1.1' refused='Connection refused' server=http
	proven sh -c 'wget --no-config -nv -t 1 -T $patience -O - http://127.0.0.1:40000/'
}

@test "Python (socket) does not talk to itself" {
	alone='received ping' refused='ConnectionRefusedError: [Errno 111]' server=line
	proven python3 -c '
import socket
s = socket.create_connection(("127.0.0.1", 40000))
s.sendall(b"ping\n")
print("received", s.recv(99).decode())'
}

@test "Python (socket with timeout) does not talk to itself" {
	alone='received ping' refused='ConnectionRefusedError: [Errno 111]' server=line
	proven python3 -c '
import socket
s = socket.create_connection(("127.0.0.1", 40000), timeout=20)
s.sendall(b"ping\n")
print("received", s.recv(99).decode())'
}

@test "Python (asyncio) does not talk to itself" {
	alone='received ping' refused='ConnectionRefusedError: [Errno 111]' server=line
	proven python3 -c '
import asyncio
async def ask():
    reader, writer = await asyncio.open_connection("127.0.0.1", 40000)
    writer.write(b"ping\n")
    print("received", (await reader.readline()).decode())
    writer.close()
asyncio.run(ask())'
}

@test "Python (http.client) does not talk to itself" {
	alone='BadStatusLine: GET / HTTP/1.1' refused='ConnectionRefusedError: [Errno 111]' server=http
	proven python3 -c '
import http.client
connection = http.client.HTTPConnection("127.0.0.1", 40000)
connection.request("GET", "/")
print(connection.getresponse().read().decode())'
}

@test "Perl (IO::Socket with Timeout) does not talk to itself" {
	need perl
	alone='received ping' refused='Connection refused' server=line
	proven perl -MIO::Socket::INET -e '
		$s = IO::Socket::INET->new(PeerAddr => "127.0.0.1:40000", Timeout => 20) or die "$@\n";
		$s->print("ping\n");
		print "received ", $s->getline'
}

@test "Ruby (TCPSocket) does not talk to itself" {
	need ruby
	[ "$(ruby -e 'puts Dir.children("/proc/self/task").size')" = 1 ] || prevented=yes # Ruby 3.3
	alone='received ping' refused='Connection refused' server=line
	proven ruby -rsocket -e '
		s = TCPSocket.new("127.0.0.1", 40000)
		s.puts "ping"
		puts "received " + s.gets'
}

@test "PHP (fsockopen) does not talk to itself" {
	need php
	alone='received ping' refused='Connection refused' server=line
	proven php -n -r '
		$s = fsockopen("127.0.0.1", 40000, $errno, $error, 20) or exit(1);
		fwrite($s, "ping\n");
		echo "received ", fgets($s);'
}

# PHP opens its extensions with RTLD_DEEPBIND.
@test "PHP (curl) does not talk to itself" {
	need php php-curl
	alone='Received HTTP/0.9' refused='Failed to connect' server=http
	proven php -r '
		$c = curl_init("http://127.0.0.1:40000/");
		curl_exec($c) or exit(curl_error($c) . "\n");'
}

@test "PHP (sockets) does not talk to itself" {
	need php php-sockets
	alone='received ping' refused='Connection refused' server=line
	proven php -r '
		$s = socket_create(AF_INET, SOCK_STREAM, SOL_TCP);
		socket_connect($s, "127.0.0.1", 40000) or exit(1);
		socket_write($s, "ping\n");
		echo "received ", socket_read($s, 9);'
}

@test "PHP (pgsql) does not talk to itself" {
	need php php-pgsql
	alone='received invalid response to SSL negotiation' refused='Connection refused' server=psql
	proven php -r '
		set_error_handler(fn($number, $text) => print((strstr($text, "failed: ") ?: $text) . "\n"));
		$db = pg_connect("host=127.0.0.1 port=40000 user=me dbname=me") or exit(1);
		echo pg_fetch_result(pg_query($db, "select reply"), 0);'
}

@test "Node.js (net) does not talk to itself" {
	prevented=yes
	need node
	alone='received ping' refused='connect ECONNREFUSED' server=line
	proven node -e '
		s = net.connect(40000, "127.0.0.1", () => s.write("ping\n"))
		s.on("data", data => { console.log("received " + data); s.end() })'
}

@test "Node.js (http) does not talk to itself" {
	prevented=yes
	need node
	alone='Parse Error: Expected HTTP/' refused='connect ECONNREFUSED' server=http
	proven node -e 'http.get("http://127.0.0.1:40000/", reply => reply.pipe(process.stdout))'
}

@test "redis-cli does not talk to itself" {
	need redis-cli
	alone=ping refused='Connection refused' server=redis
	proven redis-cli -h 127.0.0.1 -p 40000 ping
}

@test "psql does not talk to itself" {
	need psql
	alone='received invalid response to SSL negotiation' refused='Connection refused' server=psql
	proven psql -X -h 127.0.0.1 -p 40000 -U me -c 'select reply' me
}

@test "mariadb does not talk to itself" {
	need mariadb
	alone='Lost connection' refused="Can't connect to" server=mysql
	proven sh -c '
		mariadb --no-defaults -h 127.0.0.1 -P 40000 --connect-timeout=$patience -e "select reply"'
}

@test "ssh does not talk to itself" {
	need ssh dropbear dropbearkey
	echo hello >banner
	dropbearkey -t ed25519 -f key
	alone=kex_protocol_error refused='Connection refused' server="inetd dropbear -i -r key -b banner"
	proven sh -c 'timeout $patience ssh -F none -o BatchMode=yes -o StrictHostKeyChecking=no \
		-o UserKnownHostsFile=/dev/null -p 40000 127.0.0.1'
}

@test "git does not talk to itself" {
	need git
	git init -q --bare repository
	git -C repository update-ref refs/heads/hello "$(
		git -C repository -c user.name=me -c user.email=me commit-tree -m hello \
			"$(git -C repository hash-object -w -t tree /dev/null)")"
	alone="unexpected 'git-upload-pack" refused='Connection refused'
	server="inetd git daemon --inetd --export-all --base-path=$PWD"
	proven git ls-remote git://127.0.0.1:40000/repository
}

@test "openssl s_client does not talk to itself" {
	need openssl
	export CERTIFICATE=$PWD/certificate
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=server \
		-keyout key -out "$CERTIFICATE" 2>/dev/null
	cat key >>"$CERTIFICATE"
	alone='unexpected message' refused='Connection refused' server=tls
	proven openssl s_client -quiet -connect 127.0.0.1:40000
}

@test "rsync does not talk to itself" {
	need rsync
	printf '[hello]\npath = %s\n' "$PWD" >rsyncd.conf
	alone='io timeout' refused='Connection refused'
	server="inetd rsync --daemon --config=$PWD/rsyncd.conf"
	proven sh -c 'rsync --timeout=$patience rsync://127.0.0.1:40000/'
}

@test "nginx (proxy_pass) does not talk to itself" {
	need nginx curl
	alone='upstream sent no valid HTTP/1.0 header' refused='Connection refused' server=http
	proven sh "$clients/nginx.sh"
}

@test "Apache (mod_proxy) does not talk to itself" {
	need apache2 curl
	alone='error reading response' refused='Connection refused' server=http
	in_ns unshare --user true 2>/dev/null || machine_cannot "there are no user namespaces"
	# It insists on giving up root's identity: it gets one that is not root.
	proven unshare --user --map-user=1000 --map-group=1000 sh "$clients/apache.sh"
}

@test "libevent (bufferevent) does not talk to itself" {
	need libevent.pc
	compiled libevent
	alone='received ping' refused='Connection refused' server=line
	proven ./libevent 127.0.0.1 40000
}

@test "libuv does not talk to itself" {
	need libuv.pc
	compiled libuv
	alone='received ping' refused='connection refused' server=line
	proven ./libuv 127.0.0.1 40000
}

@test "GLib (GSocketClient) does not talk to itself" {
	prevented=yes
	need gio-2.0.pc
	compiled gio-2.0
	alone='received ping' refused='Connection refused' server=line
	proven ./gio-2.0 127.0.0.1 40000
}

@test "Asio (4 threads) does not talk to itself" {
	need g++ /usr/include/asio.hpp
	g++ -std=gnu++17 -Wall -Wextra -Werror -pthread -o asio "$clients/asio.cpp"
	prevented=yes
	alone='received ping' refused='Connection refused' server=line
	proven ./asio 127.0.0.1 40000
}

@test "Java (Socket) does not talk to itself" {
	need java javac
	javac -d . "$clients/Client.java"
	prevented=yes
	alone='received ping' refused='Connection refused' server=line
	proven java -Xshare:auto -XX:TieredStopAtLevel=1 Client 127.0.0.1 40000
}

@test "Java (NIO, with a thread that selects) does not talk to itself" {
	need java javac
	javac -d . "$clients/Selecting.java"
	prevented=yes
	alone='received ping' refused='Connection refused' server=line
	proven java -Xshare:auto -XX:TieredStopAtLevel=1 Selecting 127.0.0.1 40000
}

@test "Rust (TcpStream) does not talk to itself" {
	need rustc
	rustc --edition 2021 -o rust "$clients/rust.rs"
	alone='received ping' refused='Connection refused' server=line
	proven ./rust 127.0.0.1:40000
}
