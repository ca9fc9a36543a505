# SPDX-License-Identifier: MIT
# Programs as they are installed, each of which talks to itself without the library.
# shellcheck disable=SC2016 # variables in quotes are the programs'

setup() {
	load ../lib/helpers
	need_namespaces
}

bash_client='exec 5<>/dev/tcp/127.0.0.1/40000 && echo hello >&5 && read -r -t 5 answer <&5 &&
	echo "answer: $answer"'

@test "bash is refused" {
	run in_ns bash -c "$bash_client"
	said "answer: hello"
	run shimmed in_ns bash -c "$bash_client"
	[ "$status" = 1 ]
	said "bash: connect: Connection refused"
	repaired "reset in place" "connection refused"
}

@test "nc is refused" {
	need nc.openbsd
	run in_ns sh -c 'echo ping | timeout 10 nc.openbsd -N 127.0.0.1 40000'
	said "ping"
	[ "$status" = 0 ]
	run shimmed in_ns sh -c 'echo ping | timeout 10 nc.openbsd -v -N 127.0.0.1 40000'
	said "nc.openbsd: connect to 127.0.0.1 port 40000 (tcp) failed: Connection refused"
	[ "$status" = 1 ]
	repaired "reset in place" "connecting"
}

@test "a port scan with nc finds the port closed" {
	need nc.openbsd
	run in_ns nc.openbsd -z 127.0.0.1 40000
	[ "$status" = 0 ]
	run shimmed in_ns nc.openbsd -z 127.0.0.1 40000
	[ "$status" = 1 ]
	repaired "reset in place" "connecting"
}

@test "curl is refused" {
	need curl
	run in_ns curl -sS --max-time 10 http://127.0.0.1:40000/
	[ "$status" = 1 ] # that is, what it read is not HTTP/1
	[[ $output = *"HTTP/0.9"* ]]
	run shimmed in_ns curl -sS --max-time 10 http://127.0.0.1:40000/
	[ "$status" = 7 ]
	[[ $output = *"Failed to connect to 127.0.0.1"[:\ ]*40000* ]] # in one word, since curl 8.23 or so
	repaired "reset in place" "connecting"
}

# What the socket s is connected to, in three ways to connect it.
python_client='
import asyncio, socket, sys
address = ("127.0.0.1", 40000)

def tell(s):
    print("itself" if s.getsockname() == s.getpeername() else "another")

async def with_asyncio():
    reader, writer = await asyncio.open_connection(*address)
    tell(writer.get_extra_info("socket"))

try:
    if sys.argv[1] == "asyncio":
        asyncio.run(asyncio.wait_for(with_asyncio(), 10))
    elif sys.argv[1] == "timeout":
        tell(socket.create_connection(address, timeout=10))
    else:
        tell(socket.create_connection(address))
except OSError as e:
    print(type(e).__name__)'

@test "Python is refused" {
	need python3
	run in_ns python3 -c "$python_client" blocking
	said "itself"
	run shimmed in_ns python3 -c "$python_client" blocking
	said "ConnectionRefusedError"
	repaired "reset in place" "connection refused"
}

@test "Python with a timeout is refused" {
	need python3
	run in_ns python3 -c "$python_client" timeout
	said "itself"
	run shimmed in_ns python3 -c "$python_client" timeout
	said "ConnectionRefusedError"
	repaired "reset in place" "connecting"
}

@test "Python's asyncio is refused" {
	need python3
	run in_ns python3 -c "$python_client" asyncio
	said "itself"
	run shimmed in_ns python3 -c "$python_client" asyncio
	said "ConnectionRefusedError"
	repaired "reset in place" "connecting"
}

# Says what nginx answers while its upstream, port 40000, is down; the first argument is a
# directory for its configuration and its log.
nginx_client='
	dir=$1
	cat >"$dir/conf" <<-END
		user root;
		pid $dir/pid;
		error_log $dir/error.log;
		events {}
		http {
			access_log off;
			client_body_temp_path $dir/body;
			proxy_temp_path $dir/proxy;
			fastcgi_temp_path $dir/fastcgi;
			uwsgi_temp_path $dir/uwsgi;
			scgi_temp_path $dir/scgi;
			server {
				listen 127.0.0.1:8080;
				location / {
					proxy_pass http://127.0.0.1:40000;
					proxy_read_timeout 300ms;
				}
			}
		}
	END
	[ "$2" = 0 ] || echo "master_process off;" >>"$dir/conf" # it would set other groups
	nginx -p "$dir" -c "$dir/conf" || exit
	trap "kill \$(cat \"$dir/pid\")" EXIT
	curl -sS --max-time 30 -o "$dir/page" -w "status: %{http_code}\n" http://127.0.0.1:8080/'

# nginx_answers PREFIX...: the same, with PREFIX before the command.
nginx_answers() {
	run "$@" bash -c "$nginx_client" bash "$BATS_TEST_TMPDIR" "$(id -u)" 3>&-
}

@test "nginx reads its own request as the reply of its upstream, without the library" {
	need nginx curl
	nginx_answers in_ns
	[[ $output != *"status: 502"* ]]
	grep -q "upstream sent no valid HTTP/1.0 header" "$BATS_TEST_TMPDIR/error.log"
	grep -q "upstream timed out" "$BATS_TEST_TMPDIR/error.log"
}

@test "nginx answers 502 at once when its upstream is down, and its log says no more than that" {
	need nginx curl
	nginx_answers shimmed in_ns
	said "status: 502"
	repaired "reset in place" "connecting"
	local log=$BATS_TEST_TMPDIR/error.log
	grep -q "connect() failed (111: Connection refused) while connecting to upstream" "$log"
	run grep -e '\[crit\]' -e '\[alert\]' -e 'connect() failed (107' -e 'timed out' "$log"
	[ "$status" = 1 ]
}
