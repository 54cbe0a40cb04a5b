/* SPDX-License-Identifier: Apache-2.0 */
#include "host/process/hardening.h"

#include "host/process/seccomp.h"

#include <errno.h>
#include <sys/prctl.h>
#include <sys/resource.h>

void ssp__harden_process(bool cores)
{
    const struct rlimit none = {0, 0};
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    (void)prctl(PR_SET_DUMPABLE, cores, 0, 0, 0);
    if (!cores)
        (void)setrlimit(RLIMIT_CORE, &none);
}

int ssp__harden_calls(void)
{
    struct ssp__sandbox filter = {.ruleset_fd = -1};
    if (!SSP_SANDBOX_POSSIBLE)
        return 0;
    ssp__seccomp_prepare(&filter, SSP_SECCOMP_HOST);
    errno = ENOSYS;
    return filter.filter_len > 0 ? ssp__seccomp_enter(&filter) : -1;
}
