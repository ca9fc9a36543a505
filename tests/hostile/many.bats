# SPDX-License-Identifier: MIT
# A port where nothing listens, on the ordinary ephemeral port range, again and again.

load ../lib/helpers

setup() {
	need_namespaces
}

@test "without the library, a hundred thousand connects to a closed even port meet themselves" {
	run in_ns 32768-60999 "$build/tests/many" 127.0.0.1 50000 100000
	[[ ${lines[-1]} = "attempt "*": connected to itself" ]]
}

@test "a hundred thousand connects to a closed even port are all refused, no descriptor is lost" {
	run shimmed in_ns 32768-60999 "$build/tests/many" 127.0.0.1 50000 100000
	said "refused: 100000" "descriptors lost: none"
	# They would have been connected to themselves.
	repaired "reset in place" "connect*" 127.0.0.1:50000
}
