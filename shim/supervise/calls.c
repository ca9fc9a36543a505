/* SPDX-License-Identifier: MIT */
#include "calls.h"

#include <linux/audit.h>

#define X32(number) (0x40000000 | (number))

const struct abi abis[] = {
#if defined __x86_64__ || defined __i386__
        {AUDIT_ARCH_X86_64, {42, 44, 46, 307, NO_CALL, 425}},
        {AUDIT_ARCH_X86_64, {X32(42), X32(44), X32(518), X32(538), NO_CALL, X32(425)}},
        {AUDIT_ARCH_I386, {362, 369, 370, 345, 102, 425}},
#elif defined __aarch64__
        {AUDIT_ARCH_AARCH64, {203, 206, 211, 269, NO_CALL, 425}},
        {AUDIT_ARCH_ARM, {283, 290, 296, 374, NO_CALL, 425}},
#endif
        {0, {0}},
};

enum call call_of(const struct seccomp_data *data)
{
	for (const struct abi *abi = abis; abi->arch != 0; abi++)
		for (enum call call = 0; abi->arch == data->arch && call < CALLS; call++)
			if (abi->numbers[call] == (uint32_t)data->nr)
				return call;
	return CALLS;
}

bool is_wide(const struct seccomp_data *data)
{
	return (data->arch & __AUDIT_ARCH_64BIT) != 0 && (data->nr & X32(0)) == 0;
}
