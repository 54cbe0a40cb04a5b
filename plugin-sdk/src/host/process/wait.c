/* SPDX-License-Identifier: Apache-2.0 */
#include "host/process/wait.h"

#include "base/retry.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PAUSE_MS = 5 }; /* between looks where the kernel has no pidfd */

uint64_t ssp__wait_now_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

int ssp__wait_left(uint64_t until_ms)
{
    uint64_t now = ssp__wait_now_ms(), left = until_ms > now ? until_ms - now : 0;
    return left < INT_MAX ? (int)left : INT_MAX;
}

bool ssp__wait_exit(pid_t pid, uint64_t until_ms)
{
    struct pollfd p = {.fd = -1, .events = POLLIN};
    bool gone;
    while (!(gone = ssp__waitpid(pid, NULL, WNOHANG) != 0)) {
        int left = ssp__wait_left(until_ms);
        if (left == 0)
            break;
        if (p.fd == -1)
            p.fd = (int)syscall(SYS_pidfd_open, pid, 0);
        (void)poll(&p, 1, p.fd == -1 && left > PAUSE_MS ? PAUSE_MS : left);
    }
    if (p.fd != -1)
        (void)close(p.fd);
    return gone;
}
