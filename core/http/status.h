/* SPDX-License-Identifier: Apache-2.0 */
/* status.h - the page for people at the proxy's own address: its servers, its traffic, its use. */
#ifndef SS_HTTP_STATUS_H
#define SS_HTTP_STATUS_H

#include "base/address.h"

#include <stdbool.h>
#include <stdio.h>

enum { SS_STATUS_SERVERS = 64, SS_STATUS_SAMPLES = 60, SS_STATUS_PLUGIN_MAX = 48 };

enum ss_status_state { SS_STATUS_UP, SS_STATUS_STARTING, SS_STATUS_FAILING, SS_STATUS_DEAD };

struct ss_status_server {
    char address[SSP_HOST_MAX + 8];
    const char *method;
    char plugin[SS_STATUS_PLUGIN_MAX]; /* its name only: options may be secrets; empty: none */
    enum ss_status_state state;
    unsigned failures;   /* since it was reached last */
    unsigned latency_ms; /* 0: not known */
};

/* Counters at a time. */
struct ss_status_sample {
    uint64_t ms, up, down;
};

struct ss_status {
    unsigned live;
    uint64_t accepted, failed, up, down, packets_up, packets_down;
    struct ss_status_server server[SS_STATUS_SERVERS];
    size_t servers, hidden; /* shown, and those for which there was no room */
    struct ss_status_sample sample[SS_STATUS_SAMPLES]; /* the oldest first */
    size_t samples;
    bool users; /* clients name themselves */
};

/* Adds the counters at this time, in place of the last sample if that is less than a second behind
 * the one before it. */
void ss_status_note(struct ss_status *status, uint64_t now_ms);

/* Writes the page of a proxy that is reached there: a host and a port. */
void ss_status_write(const struct ss_status *status, const char *where, FILE *out);

#endif
