/* SPDX-License-Identifier: Apache-2.0 */
/*
 * heartbeat.h - tells a service manager every few seconds that the loop turns, and what it does.
 */
#ifndef SS_APP_HEARTBEAT_H
#define SS_APP_HEARTBEAT_H

#include "engine/engine.h"

enum { SS_STATUS_MAX = 256 };

/* Writes one line about the process. */
typedef void ss_status_fn(void *arg, char text[SS_STATUS_MAX]);

/* It must not move.  Zero is a stopped one. */
struct ss_heartbeat {
    ssp_loop *loop;
    struct ssp__timer timer;
    unsigned period_ms;
    bool watched;         /* the service manager ends a process that is silent */
    ss_status_fn *status; /* may be NULL; arg is borrowed */
    void *arg;
};

/* Begins, if a service manager listens: half the time that it allows, 10 s at most. */
void ss_heartbeat_start(struct ss_heartbeat *beat, ssp_loop *loop);
void ss_heartbeat_stop(struct ss_heartbeat *beat);

#endif
