/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notices.h - lines of a plugin on SS_PLUGIN_NOTIFY_FD: KEY=value, one each.
 *
 * Splits bytes into keys and values.  Lines that are too long, malformed or too many are dropped,
 * which is logged once.
 */
#ifndef SSP_HOST_REPORT_NOTICES_H
#define SSP_HOST_REPORT_NOTICES_H

#include "host/report/ratelimit.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SSP_NOTICE_MAX = 4096,    /* bytes of a line */
    SSP_NOTICE_KEY_MAX = 32,  /* of them before the '=' */
    SSP_NOTICES_CHUNK = 16384 /* bytes of one read */
};

/* Both without control characters, borrowed for the call. */
typedef void ssp__notice_fn(void *arg, const char *key, const char *value);

struct ssp__notices {
    const char *name; /* of the plugin; this and the next two are set by the owner, borrowed */
    ssp__notice_fn *fn;
    void *arg;
    struct ssp__ratelimit pace; /* of all lines but READY */
    size_t len;
    bool skipping;                        /* what is left of a line that was too long */
    bool said_long, said_odd, said_flood; /* logged once for each start of the plugin */
    char line[SSP_NOTICE_MAX + 1];
};

/* Forgets an unfinished line and the lines logged once, when a plugin starts. */
void ssp__notices_begin(struct ssp__notices *n);

/* Reads once from the non-blocking fd and hands on the lines that are complete.  Returns the number
 * of bytes; 0 when nothing is there now or every writer is gone. */
size_t ssp__notices_read(struct ssp__notices *n, int fd, uint64_t now_ms);

#endif
