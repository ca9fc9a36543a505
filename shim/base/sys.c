/* SPDX-License-Identifier: MIT */
#include "sys.h"

#include <errno.h>
#include <unistd.h>

#if defined __i386__
/*
 * int 0x80, because the faster way leads through the C library's TLS. %ebp can't be named as an
 * operand; the sixth argument and the number take its place in turn.
 */
long sys(long number, long a, long b, long c, long d, long e, long f)
{
	long six[2] = {number, f};
	long result;
	__asm__ volatile("pushl %%ebp\n\t"
	                 "movl 4(%%eax), %%ebp\n\t"
	                 "movl (%%eax), %%eax\n\t"
	                 "int $0x80\n\t"
	                 "popl %%ebp"
	                 : "=a"(result)
	                 : "0"(six), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e)
	                 : "memory", "cc");
	return result;
}
#elif !defined __x86_64__ && !defined __aarch64__ && !defined __s390x__
long sys(long number, long a, long b, long c, long d, long e, long f)
{
	int before = errno;
	long result = syscall(number, a, b, c, d, e, f);
	if (result == -1)
		result = -errno;
	errno = before;
	return result;
}
#endif
