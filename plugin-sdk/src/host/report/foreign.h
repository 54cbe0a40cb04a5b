/* SPDX-License-Identifier: Apache-2.0 */
/*
 * foreign.h - connections that were not of the plugin's protocol, as its STATS count them: said at
 * most once a minute.
 */
#ifndef SSP_HOST_REPORT_FOREIGN_H
#define SSP_HOST_REPORT_FOREIGN_H

#include <stdbool.h>
#include <stdint.h>

/* Zero is that of a plugin that starts. */
struct ssp__foreign {
    uint64_t told; /* how many of them the log has */
    uint64_t told_ms;
    bool said;
};

/* Takes the value of a STATS line.  name is the plugin's. */
void ssp__foreign_count(struct ssp__foreign *f, const char *name, const char *stats,
                        uint64_t now_ms);

#endif
