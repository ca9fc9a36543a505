# SPDX-License-Identifier: MIT
# noselfconn --check.

load ../lib/helpers
bats_require_minimum_version 1.5.0

setup() {
	need_namespaces
	wrapper=$top/scripts/noselfconn
	cd "$BATS_TEST_TMPDIR"
}

# check [LOW-HIGH] ARGUMENT...
check() {
	local range=40000-40001
	case $1 in [0-9]*-[0-9]*) range=$1 && shift ;; esac
	run in_ns "$range" "$wrapper" --check "$@"
}

# with_status STATUS TEXT...: of the last run, the status, and what the output has.
with_status() {
	[ "$status" = "$1" ] || { printf 'status %s\n%s\n' "$status" "$output" >&2; return 1; }
	local text
	for text in "${@:2}"; do
		[[ $output = *"$text"* ]] || { printf '%s\nlacks %s\n' "$output" "$text" >&2; return 1; }
	done
}

# serving PORT COMMAND...: runs the command while this process listens on the port.
serving() {
	in_ns python3 -c 'import socket, subprocess, sys
with socket.create_server(("127.0.0.1", int(sys.argv[1]))):
	sys.exit(subprocess.call(sys.argv[2:]))' "$@"
}

json() {
	python3 -c 'import json, sys; d = json.load(sys.stdin); print(eval(sys.argv[1]))' "$1" <<<"$output"
}

@test "a port that the kernel chooses first is at risk, and connects to itself" {
	check 40000
	with_status 1 'range: 40000 to 40001' 'Port 40000: at risk; ' 'even like its lower end'
	run in_ns bash -c 'exec 3<>/dev/tcp/127.0.0.1/40000'
	with_status 0
}

@test "a line of at most 80 characters shows the range, the ports at risk and the reserved ones" {
	check 32768-60999 40000
	with_status 1 $'\n32768 [----------x-----------------------------] 60999  x: at risk\n'
	check 40000-40009 40002
	with_status 1 $'\n40000 [--x-------] 40009  x: at risk\n'
	run in_ns 32768-60999 sh -c 'echo 32800-33999,60999 >/proc/sys/net/ipv4/ip_local_reserved_ports
		"$0" --check 33100; "$0" --check 40000' "$wrapper"
	with_status 1 \
		$'\n32768 [rr-------------------------------------r] 60999  r: reserved\n' \
		$'\n32768 [rr--------x----------------------------r] 60999  x: at risk  r: reserved\n'
	local line
	for line in "${lines[@]}"; do
		[[ $line != *' ['* ]] || [ ${#line} -le 80 ]
	done
}

@test "the parity that is chosen first is that of the range's lower end" {
	check 40001-40004 40003
	with_status 1 'Port 40003: at risk; ' 'odd like its lower end'
	check 40001-40004 40002
	with_status 1 'Port 40002: at risk, less so; ' 'even: chosen after the odd ones'
}

@test "what it says of a port fits into 80 columns, as does --help" {
	local ports
	for ports in '32768-60999 40000' '32768-60999 40001' '32768-60999 80' '32768-60999'; do
		check $ports
		printf '%s\n' "${lines[@]}" >>said
	done
	"$wrapper" --help >>said
	[ "$(wc -l <said)" -gt 40 ]
	run -1 grep -E '.{81}' said
}

@test "many reserved ports and many servers are counted, not written beyond 80 columns" {
	need python3
	run in_ns 32768-60999 sh -c 'seq -s, 40001 2 41199 >/proc/sys/net/ipv4/ip_local_reserved_ports
		exec "$@"' sh python3 -c 'import os, socket, subprocess, sys
def serve():
	s = socket.socket()
	s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
	s.bind(("127.0.0.1", 41000))
	s.listen()
	return s
there, done = os.pipe()
end, hold = os.pipe()
ours = [serve() for i in range(3)]
for i in range(8):
	if os.fork() == 0:
		os.close(hold)
		ours = serve()
		os.write(done, b".")
		os.read(end, 1)
		os._exit(0)
	os.read(there, 1)
sys.exit(subprocess.call(sys.argv[1:]))' "$wrapper" --check 41000
	with_status 1
	local line who='python3 \(pid [0-9]+\)'
	[[ ${lines[1]} =~ ^'Reserved ports: 40001,40003,'[0-9,]*[0-9]' and 59'[0-9]' more'$ ]]
	[[ ${lines[4]} =~ ^'  listening: '$who(,\ $who)+' and '[0-9]' more'$ ]]
	for line in "${lines[@]}"; do
		[[ $line = *sysctl* || ${#line} -le 80 ]]
	done
}

@test "a port outside the range is not at risk" {
	for port in 1 39999 40002 65535; do
		check $port
		with_status 0 "Port $port: not at risk; outside the ephemeral port range"
		[[ $output != *sysctl* ]]
	done
}

@test "a reserved port is not at risk, and isn't connected to itself" {
	reserved=/proc/sys/net/ipv4/ip_local_reserved_ports
	run in_ns 40000-40005 sh -c "echo 5,40000,40002-40003 >$reserved && \
		for p in 40000 40002 40003; do '$wrapper' --check \$p || exit; done"
	with_status 0 'Reserved ports: 5,40000,40002-40003' 'Port 40000: not at risk; ' 'but reserved' \
		'Port 40003: not at risk'
	run in_ns 40000-40005 sh -c "echo 5,40000,40002-40003 >$reserved && '$wrapper' --check 40004"
	with_status 1 "sysctl -w net.ipv4.ip_local_reserved_ports=5,40000,40002-40003,40004"
	run in_ns sh -c "echo 40000 >$reserved && bash -c 'exec 3<>/dev/tcp/127.0.0.1/40000'"
	with_status 1 'Connection refused'
}

@test "the sysctl line that it advises takes the port out of risk" {
	run in_ns bash -c '"$0" --check 40000 | sed -n "s/.*sysctl -w //p" >line
		sed -n "s/.*=//p" line >/proc/sys/net/ipv4/ip_local_reserved_ports
		"$0" --check 40000' "$wrapper"
	with_status 0 'Reserved ports: 40000' 'not at risk'
}

@test "it says who listens on the port, and who is connected to itself there" {
	need python3
	run serving 40000 "$wrapper" --check 40000
	with_status 1 'listening: python3 (pid '
	run in_ns bash -c 'exec 3<>/dev/tcp/127.0.0.1/40000 && "$0" --check 40000; :' "$wrapper"
	with_status 0 'listening: nobody' 'connected to itself right now: bash (pid '
}

@test "without a port it names those listened on that are at risk" {
	need python3
	run serving 40000 "$wrapper" --check
	with_status 1 'Port 40000: at risk' 'listening: python3'
	run serving 39999 "$wrapper" --check
	with_status 0 'No port that somebody listens on is at risk.'
	[[ $output != *39999* ]]
	check ''
	with_status 125
	run in_ns "$wrapper" --check
	with_status 0
}

@test "a server that listens on IPv6 is found too" {
	need python3
	run in_ns python3 -c 'import socket, subprocess, sys
with socket.create_server(("::1", 40000), family=socket.AF_INET6):
	sys.exit(subprocess.call(sys.argv[1:]))' "$wrapper" --check
	with_status 1 'Port 40000: at risk' 'listening: python3'
}

@test "--json says the same to a script" {
	need python3
	run serving 40000 "$wrapper" --check --json
	with_status 1
	[ "$(json 'd["range"], d["at_risk"], d["sysctl"]')" = \
		"([40000, 40001], [40000], 'net.ipv4.ip_local_reserved_ports=40000')" ]
	[ "$(json 'd["ports"][0]["listening"][0]["name"], d["ports"][0]["risk"]')" = "('python3', 'high')" ]
	check 40001 --json
	with_status 1
	[ "$(json '[(p["port"], p["risk"], p["listening"]) for p in d["ports"]]')" = "[(40001, 'low', [])]" ]
	check --json 80
	with_status 0
	[ "$(json 'd["ports"][0]["risk"], d["at_risk"], d["sysctl"]')" = "('none', [], None)" ]
}

# named NAME COMMAND...: run by a process of that name, which listens on port 40000.
named() {
	in_ns python3 -c 'import socket, subprocess, sys
open("/proc/self/comm", "w").write(sys.argv[1])
with socket.create_server(("127.0.0.1", 40000)):
	sys.exit(subprocess.call(sys.argv[2:]))' "$@"
}

@test "a process's name can break neither the lines nor the JSON" {
	need python3
	run named $'a"b\\c\td\e' "$wrapper" --check --json
	with_status 1
	[ "$(json 'd["ports"][0]["listening"][0]["name"]')" = 'a"b\c?d?' ]
	run named $'a"b\\c\td\e' "$wrapper" --check
	with_status 1 'listening: a"b\c?d? (pid '
	run named yes "$wrapper" --check
	with_status 1 'listening: yes (pid '
}

@test "a port that is none is 125" {
	for port in 0 -1 65536 99999 123456 http 80x 080 '8 0' ''; do
		run "$wrapper" --check "$port"
		with_status 125 "noselfconn: --check '$port'"
	done
	run "$wrapper" --check 80 81
	with_status 125 "noselfconn: --check takes one port"
	run "$wrapper" --check 80 --jso
	with_status 125 "noselfconn: --check '--jso': neither --json nor a port"
}

@test "every shell that a /bin/sh may be says the same" {
	need dash busybox mksh
	in_ns dash "$wrapper" --check --json 40000 >expected || [ $? = 1 ]
	[ -s expected ]
	for shell in 'busybox sh' 'bash --posix' mksh 'dash -eu'; do
		in_ns $shell "$wrapper" --check --json 40000 >got || [ $? = 1 ]
		diff expected got || return
	done
}

@test "it says whether programs that no preload reaches can be supervised" {
	"$build/supervise" warn+strict true || cannot "there is no seccomp listener here"
	run in_ns "$top/scripts/noselfconn" --check 40000
	[[ $output != *"supervise none here"* ]]
	run in_ns "$top/scripts/noselfconn" --check 40000 --json
	[[ $output = *'"supervisor": true}' ]]
	run in_ns "$build/tests/refuse" docker -- "$top/scripts/noselfconn" --check 40000
	[[ $output = *"It can supervise none here: the sockets of a child can't be reached"* ]]
	run -1 grep -E '.{81}' <<<"$output"
	run in_ns "$build/tests/refuse" docker -- "$top/scripts/noselfconn" --check 40000 --json
	[[ $output = *'"supervisor": false}' ]]
}
