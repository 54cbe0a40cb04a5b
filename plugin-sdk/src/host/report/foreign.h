/* SPDX-License-Identifier: Apache-2.0 */
/*
 * foreign.h - connections of other protocols, which the plugin counts in its STATS: logged at most
 * once a minute.
 */
#ifndef SSP_HOST_REPORT_FOREIGN_H
#define SSP_HOST_REPORT_FOREIGN_H

#include <stdbool.h>
#include <stdint.h>

/* Zero is the state at the start of a plugin. */
struct ssp__foreign {
    uint64_t logged; /* how many of them have been logged */
    uint64_t logged_ms;
    bool said;
};

/* Takes the value of a STATS line.  name is the plugin's. */
void ssp__foreign_count(struct ssp__foreign *f, const char *name, const char *stats,
                        uint64_t now_ms);

#endif
