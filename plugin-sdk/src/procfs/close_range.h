/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSP_PROCFS_CLOSE_RANGE_H
#define SSP_PROCFS_CLOSE_RANGE_H

#include <limits.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SSP__CLOSE_AT_EXEC = 1 << 2 }; /* CLOSE_RANGE_CLOEXEC */

/* close_range(2): not every libc wraps it. */
static inline int ssp__close_range(unsigned first, unsigned last, unsigned flags)
{
    return (int)syscall(SYS_close_range, first, last, flags);
}

#endif
