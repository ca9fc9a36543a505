#!/bin/sh
# SPDX-License-Identifier: MIT
# boot.sh KERNEL PROCESSORS INITRAMFS COMMAND...: runs the command as root in a machine of its own
# that has that kernel (of fetch.sh) and nothing but the files of the initramfs, and ends as it
# ended. MODULES lists the kernel modules that the machine has, by name. BOOT_LOG, if it is set, is
# where the kernel's messages go. It ends itself after BOOT_LIMIT seconds, 600 unless that is set.
set -eu
here=$(cd "$(dirname "$0")" && pwd)

kernel=$1 processors=$2 initramfs=$3
shift 3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP

# The modules and what they depend on, in the order in which they are loaded. What is built in has
# no file.
mkdir -p "$work/root/modules"
version=$(ls "$kernel/lib/modules")
number=1000
for module in ${MODULES-}; do
	modprobe -d "$kernel" -S "$version" --show-depends "$module" 2>/dev/null || :
done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' | while read -r file; do
	number=$((number + 1))
	case $file in
	*.xz) xz -dc "$file" ;;
	*.zst) zstd -qdc "$file" ;;
	*) cat "$file" ;;
	esac >"$work/root/modules/$number-$(basename "${file%%.ko*}").ko"
done
cp "$here/init" "$work/root/init"
for word; do
	printf "'%s' " "$(printf %s "$word" | sed "s/'/'\\\\''/g")"
done >"$work/root/command"
(cd "$work/root" && find . | busybox cpio -o -H newc 2>/dev/null) | cat "$initramfs" - >"$work/initrd"

# By software, because KVM hangs where it is nested. Without mitigations, for which software pays
# dearly. The second serial port is the command's output.
timeout "${BOOT_LIMIT:-600}" qemu-system-x86_64 -M q35 -accel tcg -cpu max -smp "$processors" \
	-m 768 -nodefaults -display none -no-reboot -kernel "$kernel/vmlinuz" -initrd "$work/initrd" \
	-append "console=ttyS0 panic=-1 mitigations=off quiet" \
	-serial "file:${BOOT_LOG:-/dev/null}" -serial stdio </dev/null | {
	status=1
	while IFS= read -r line; do
		case $line in
		'exit status: '*) status=${line##* } ;;
		*) printf '%s\n' "$line" ;;
		esac
	done
	exit "$status"
}
