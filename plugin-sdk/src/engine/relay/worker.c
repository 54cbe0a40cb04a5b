/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/worker.h"

#include <stdlib.h>

enum {
    POOL_KEEP = 8 << 20,
    /* Output of one turn: a window of input, its framing, and what one more call may need. */
    OUT_SIZE = (int)SSP_WINDOW + 128 * 1024
};

struct ssp__worker *ssp__worker_new(ssp_loop *loop, struct ssp__resolver *resolver)
{
    struct ssp__worker *w = calloc(1, sizeof *w);
    if (w == NULL)
        return NULL;
    w->loop = loop;
    w->resolver = resolver;
    w->world = *ssp_world_real();
    ssp__pool_init(&w->pool, POOL_KEEP);
    w->in = malloc(SSP_WINDOW);
    w->out = malloc(OUT_SIZE);
    w->admission = ssp__admission_new(&w->world);
    w->refusals = ssp__log_limit_new(loop, &w->world, "handshakes that failed");
    w->failures = ssp__log_limit_new(loop, &w->world, "connections that failed");
    if (w->in == NULL || w->out == NULL || w->admission == NULL || w->refusals == NULL ||
        w->failures == NULL) {
        ssp__worker_free(w);
        return NULL;
    }
    w->io.out = w->out;
    w->io.out_cap = OUT_SIZE;
    w->io.pool = &w->pool;
    return w;
}

void ssp__worker_free(struct ssp__worker *w)
{
    if (w == NULL)
        return;
    ssp__admission_free(w->admission);
    ssp__log_limit_free(w->refusals);
    ssp__log_limit_free(w->failures);
    ssp__pipes_close(&w->pipes);
    ssp__pool_drain(&w->pool);
    free(w->in);
    free(w->out);
    free(w);
}
