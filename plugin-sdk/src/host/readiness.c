/* SPDX-License-Identifier: Apache-2.0 */
#include "host/readiness.h"

enum { HANDED_MS = 1000 };

void ssp__readiness_limit(ssp_host *h)
{
    bool waits = h->handed && h->seen_listening && h->conf.ready_ms > HANDED_MS;
    bool started = h->conf.ready == SSP_READY_STARTED;
    ssp__host_limit(h, started ? 0 : waits ? HANDED_MS : h->conf.ready_ms);
}

void ssp__readiness_reached(ssp_host *h)
{
    ssp__deadline_clear(&h->due);
    h->state = READY;
    h->port_tries = 0;
    if (h->reload)
        ssp__guardian_reload(&h->guardian);
    if (h->retired)
        ssp__guardian_retire(&h->guardian);
    h->conf.on_ready(h->conf.arg);
}

/* A socket that was handed over listens before the plugin has read its options: READY=1 tells that
 * it serves.  A plugin that never says so counts as ready after a while. */
void ssp__readiness_consider(ssp_host *h)
{
    bool serves = !h->handed || h->said_ready || ssp__host_elapsed_ms(h) >= HANDED_MS;
    if (h->state == STARTING && h->seen_listening && serves)
        ssp__readiness_reached(h);
}
