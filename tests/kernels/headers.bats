# SPDX-License-Identifier: MIT
# What the newest kernel's headers name, this project knows: an option that is added there shows
# here, before anybody has such a kernel.

load ../lib/helpers

# The options that no TCP socket can be asked for, or that are in the table by another name; and
# what only looks like an option by its name.
elsewhere="
SO_SECURITY_AUTHENTICATION SO_SECURITY_ENCRYPTION_TRANSPORT SO_SECURITY_ENCRYPTION_NETWORK
SO_PEERSEC SO_PEERGROUPS SO_PEERPIDFD SO_RIGHTS_NOTRUNC
SO_DETACH_REUSEPORT_BPF SO_DEVMEM_LINEAR SO_DEVMEM_DMABUF
IP_IPSEC_POLICY IP_XFRM_POLICY IPV6_IPSEC_POLICY IPV6_XFRM_POLICY
IP_ADD_MEMBERSHIP IP_DROP_MEMBERSHIP IP_UNBLOCK_SOURCE IP_BLOCK_SOURCE IP_ADD_SOURCE_MEMBERSHIP
IP_DROP_SOURCE_MEMBERSHIP IP_MSFILTER IPV6_ADD_MEMBERSHIP IPV6_DROP_MEMBERSHIP
IPV6_JOIN_ANYCAST IPV6_LEAVE_ANYCAST
IPV6_CHECKSUM IPV6_NEXTHOP IPV6_AUTHHDR IPV6_HDRINCL IPV6_HOPLIMIT
TCP_REPAIR_OPTIONS TCP_MD5SIG_EXT TCP_AO_ADD_KEY TCP_AO_DEL_KEY TCP_AO_INFO TCP_AO_GET_KEYS
TCP_AO_REPAIR
IP_PMTUDISC_DONT IPV6_PMTUDISC_DONT IPV6_FL_A_GET IPV6_FL_S_NONE IPV6_FL_S_ANY
IPV6_TLV_PAD1 IPV6_TLV_CALIPSO IPV6_TLV_JUMBO IPV6_TLV_HAO
TCP_REPAIR_OFF TCP_MD5SIG_MAXKEYLEN TCP_AO_MAXKEYLEN"

# options_of HEADERS: "LEVEL NUMBER NAME" of each constant that may be one.
options_of() {
	local level file prefix
	while read -r level file prefix; do
		sed -nE "s/^#define[[:space:]]+(${prefix}_[A-Z0-9_]+)[[:space:]]+([0-9]+)([[:space:]].*)?$/$level \2 \1/p" \
			"$1/$file"
	done <<-'END'
		SOL_SOCKET asm-generic/socket.h SO
		IPPROTO_IP linux/in.h IP
		IPPROTO_IPV6 linux/in6.h IPV6
		IPPROTO_TCP linux/tcp.h TCP
	END
}

# all_known HEADERS
all_known() {
	local level number name unknown=''
	options_of "$1" >"$BATS_TEST_TMPDIR/options"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/options")" -gt 170 ]
	"$build/tests/options" list | sed 's/^\([^ ]* [^ ]*\) .*/\1/' >"$BATS_TEST_TMPDIR/table"
	while read -r level number name; do
		grep -qx "$level $number" "$BATS_TEST_TMPDIR/table" || grep -qw "$name" <<<"$elsewhere" ||
			unknown+="$level $number $name"$'\n'
	done <"$BATS_TEST_TMPDIR/options"
	[ -z "$unknown" ] || { printf 'not in the table:\n%s' "$unknown" >&2; false; }
}

@test "the table of options has every option that this machine's headers name" {
	[ -e /usr/include/linux/tcp.h ] || machine_cannot "the headers of the kernel are not installed"
	all_known /usr/include
}

@test "the table of options has every option that the newest kernel's headers name" {
	local headers
	headers=$("$top/tests/kernels/fetch.sh" headers 2>"$BATS_TEST_TMPDIR/reason") ||
		machine_cannot "$(cat "$BATS_TEST_TMPDIR/reason")"
	all_known "$headers"
}
