/* SPDX-License-Identifier: MIT */
#include "calls.h"

#include <linux/audit.h>
#include <stddef.h>

#define X32(number) (0x40000000 | (number))

const struct call calls[] = {
#if defined __x86_64__ || defined __i386__
        {AUDIT_ARCH_X86_64, 42, CONNECTS, true},
        {AUDIT_ARCH_X86_64, 44, SENDS, true},
        {AUDIT_ARCH_X86_64, 46, SENDS_MESSAGE, true},
        {AUDIT_ARCH_X86_64, 307, SENDS_MESSAGES, true},
        {AUDIT_ARCH_X86_64, 425, MAKES_RING, true},
        {AUDIT_ARCH_X86_64, X32(42), CONNECTS, false},
        {AUDIT_ARCH_X86_64, X32(44), SENDS, false},
        {AUDIT_ARCH_X86_64, X32(518), SENDS_MESSAGE, false},
        {AUDIT_ARCH_X86_64, X32(538), SENDS_MESSAGES, false},
        {AUDIT_ARCH_X86_64, X32(425), MAKES_RING, false},
        {AUDIT_ARCH_I386, 362, CONNECTS, false},
        {AUDIT_ARCH_I386, 369, SENDS, false},
        {AUDIT_ARCH_I386, 370, SENDS_MESSAGE, false},
        {AUDIT_ARCH_I386, 345, SENDS_MESSAGES, false},
        {AUDIT_ARCH_I386, 102, SOCKETCALL, false},
        {AUDIT_ARCH_I386, 425, MAKES_RING, false},
#elif defined __aarch64__
        {AUDIT_ARCH_AARCH64, 203, CONNECTS, true},
        {AUDIT_ARCH_AARCH64, 206, SENDS, true},
        {AUDIT_ARCH_AARCH64, 211, SENDS_MESSAGE, true},
        {AUDIT_ARCH_AARCH64, 269, SENDS_MESSAGES, true},
        {AUDIT_ARCH_AARCH64, 425, MAKES_RING, true},
        {AUDIT_ARCH_ARM, 283, CONNECTS, false},
        {AUDIT_ARCH_ARM, 290, SENDS, false},
        {AUDIT_ARCH_ARM, 296, SENDS_MESSAGE, false},
        {AUDIT_ARCH_ARM, 374, SENDS_MESSAGES, false},
        {AUDIT_ARCH_ARM, 425, MAKES_RING, false},
#endif
        {0, 0, CONNECTS, false},
};

const struct call *find_call(const struct seccomp_data *data)
{
	for (const struct call *call = calls; call->arch != 0; call++)
		if (call->arch == data->arch && call->number == (uint32_t)data->nr)
			return call;
	return NULL;
}
