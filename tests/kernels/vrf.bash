# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2016 # for the inner shell

# in_vrf COMMAND...: in a namespace whose VRF red, device 2 or so in $red, has 192.0.2.1.
in_vrf() {
	in_ns sh -c 'ip link add red type vrf table 10 && ip link set red up &&
		ip addr add 192.0.2.1/24 dev red && red=$(ip -o link show red) &&
		export red=${red%%:*} && exec "$@"' sh "$@"
}

# Skips the test if the kernel has no VRF.
need_vrf() {
	in_vrf true 2>/dev/null || machine_cannot "the kernel has no VRF"
}
