/* SPDX-License-Identifier: Apache-2.0 */
#include "host/report/ratelimit.h"

enum { LINES_PER_SECOND = 50, BURST = 100 };

void ssp__ratelimit_refill(struct ssp__ratelimit *pace, uint64_t now_ms)
{
    uint64_t earned = (now_ms - pace->refilled_ms) * LINES_PER_SECOND / 1000;
    if (pace->refilled_ms == 0 || earned > BURST)
        earned = BURST;
    if (earned == 0)
        return;
    pace->refilled_ms = now_ms;
    pace->tokens =
        pace->tokens + (unsigned)earned > BURST ? BURST : pace->tokens + (unsigned)earned;
}

bool ssp__ratelimit_take(struct ssp__ratelimit *pace)
{
    if (pace->tokens == 0) {
        pace->dropped++;
        return false;
    }
    pace->tokens--;
    return true;
}
