#!/bin/sh
# SPDX-License-Identifier: MIT
# boot.sh KERNEL PROCESSORS INITRAMFS COMMAND...: runs the command as root in a machine of its own
# that has that kernel (of fetch.sh) and nothing but the files of the initramfs, and ends as it
# ended. ARCH is Debian's name of the machine, amd64 unless it is set. MODULES lists the kernel
# modules that it has, by name. It ends itself after BOOT_LIMIT seconds, 1800 unless that is set.
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

case ${ARCH:-amd64} in
amd64) console=ttyS0 emulator=x86_64 machine='q35 -cpu Nehalem' ;;
arm64) console=ttyAMA0 emulator=aarch64 machine='virt -cpu cortex-a57' ;;
s390x) console=ttysclp0 emulator=s390x machine='s390-ccw-virtio -cpu max' ;;
esac

return=$(printf '\r')
# By software, because KVM hangs where it is nested, and with a processor that can do less, which
# costs less. Without mitigations, for which software pays dearly, as for addresses that differ each
# time; and without the test of the timer, which fails on a busy machine. The console shows the
# command's output, and of the kernel's messages only the last ones of a kernel that panics. In the
# foreground, so that Ctrl-C ends it.
# shellcheck disable=SC2086 # words
timeout --foreground "${BOOT_LIMIT:-1800}" "qemu-system-$emulator" -M $machine -accel tcg \
	-smp "$processors" -m 768 -nodefaults -display none -no-reboot \
	-kernel "$kernel/vmlinuz" -initrd "$work/initrd" \
	-append "console=$console panic=-1 mitigations=off nokaslr norandmaps no_timer_check quiet loglevel=1" \
	-serial stdio </dev/null | {
	status=1
	while IFS= read -r line; do
		line=${line%"$return"}
		case $line in
		'exit status: '*) status=${line##* } ;;
		*'] reboot: '*) ;;
		*) printf '%s\n' "$line" ;;
		esac
	done
	exit "$status"
}
