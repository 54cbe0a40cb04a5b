/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ratelimit.h - limits the lines of a plugin to 50 a second after a burst of 100.
 */
#ifndef SSP_HOST_REPORT_RATELIMIT_H
#define SSP_HOST_REPORT_RATELIMIT_H

#include <stdbool.h>
#include <stdint.h>

/* Zero is a fresh one. */
struct ssp__ratelimit {
    unsigned tokens; /* lines that may pass now */
    uint64_t refilled_ms;
    unsigned long dropped; /* lines that were dropped; the reporter sets it to 0 */
};

void ssp__ratelimit_refill(struct ssp__ratelimit *pace, uint64_t now_ms);

/* True when one more line may pass; else it is counted as dropped. */
bool ssp__ratelimit_take(struct ssp__ratelimit *pace);

#endif
