# SPDX-License-Identifier: MIT
# What the tests of the supervisor share.

supervise="$build/supervise quiet"

need_supervisor() {
	need_namespaces
	in_ns "$build/supervise" strict true 2>/dev/null || cannot "there is no seccomp listener here"
}

# supervised WORD...: the client, in a namespace.
supervised() {
	in_ns $supervise "$client" "$@"
}

# self_connects WORD...: unsupervised, the client does connect to itself.
self_connects() {
	run in_ns "$client" "$@" names
	local names=("${lines[@]: -2}")
	[ "${names[0]#local: }" = "${names[1]#peer: }" ] || {
		printf 'not connected to itself:\n%s\n' "$output" >&2
		return 1
	}
}

# refused WORD...: so it does, and supervised it is refused; nothing is left, and a server is
# reached. The last two words are where to.
refused() {
	self_connects "$@"
	run supervised "$@" names error close timewait bindable 127.0.0.1 40000 bindable 0.0.0.0 40000
	said "connect: ECONNREFUSED"
	said "peer: ENOTCONN" "error: ok" "timewait: 0" "bindable: ok" "bindable: ok"
	reaches "$@"
}

reaches() {
	run supervised serve "${@: -2}" "$@" wait error names
	said "error: ok"
	[[ ${lines[-1]} == "peer: "*" ${*: -1}" && ${lines[-2]} == "local: "* ]]
	[[ ${lines[-2]} != *" ${*: -1}" ]]
}

# refused_later WORD...: the same for a non-blocking connect.
refused_later() {
	self_connects "$@"
	run supervised "$@" wait error names close timewait bindable 127.0.0.1 40000
	said "connect: EINPROGRESS" "error: ECONNREFUSED"
	said "peer: ENOTCONN" "timewait: 0" "bindable: ok"
	reaches "$@"
}
