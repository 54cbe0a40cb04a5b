/* SPDX-License-Identifier: Apache-2.0 */
#include "host/report/foreign.h"

#include <ssplugin/log.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { PAUSE_MS = 60000 };

/* The number behind "foreign=", 0 without one. */
static uint64_t count_of(const char *stats)
{
    static const char key[] = "foreign=";
    for (const char *at = stats; (at = strstr(at, key)) != NULL; at += sizeof key - 1) {
        if (at == stats || at[-1] == ' ')
            return strtoull(at + sizeof key - 1, NULL, 10);
    }
    return 0;
}

void ssp__foreign_count(struct ssp__foreign *f, const char *name, const char *stats,
                        uint64_t now_ms)
{
    uint64_t n = count_of(stats);
    if (n <= f->logged || (f->said && now_ms - f->logged_ms < PAUSE_MS))
        return;
    ssp_info("plugin %s: %" PRIu64 " connections were not of its protocol: the other end has no "
             "plugin, another one or other options, or scans",
             name, n - f->logged);
    f->logged = n;
    f->logged_ms = now_ms;
    f->said = true;
}
