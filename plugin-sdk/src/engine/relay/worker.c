/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/worker.h"

#include <malloc.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    POOL_KEEP = 8 << 20,
    /* Output of one turn: a window of input, its framing, and what one more call may need. */
    OUT_SIZE = (int)SSP_WINDOW + 128 * 1024,
    TIDY_MS = 10000,
    QUIET = 100 /* sessions that end in that time, or fewer */
};

/* The pages that lie in the block whole; what is in them is lost. */
static void forget_pages(uint8_t *block, size_t n)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t skip = (page - (uintptr_t)block % page) % page;
    if (n > skip + page)
        (void)madvise(block + skip, (n - skip) / page * page, MADV_DONTNEED);
}

/* glibc keeps what is freed, page by page. */
static void trim_heap(void)
{
#ifdef __GLIBC__
    (void)malloc_trim(0);
#endif
}

static void tidy(void *arg)
{
    struct ssp__worker *w = arg;
    bool quiet = w->stirred <= QUIET && !w->bulk;
    ssp__pool_shrink(&w->pool);
    if (quiet) {
        forget_pages(w->in, SSP_WINDOW);
        forget_pages(w->out, OUT_SIZE);
        trim_heap();
    }
    w->stirred = 0;
    w->bulk = false;
    if (!quiet || w->pool.idle_bytes > 0)
        ssp__timer_start(w->loop, &w->tidy, TIDY_MS);
}

static void tidy_later(struct ssp__worker *w)
{
    if (w->tidy.lane == NULL)
        ssp__timer_start(w->loop, &w->tidy, TIDY_MS);
}

void ssp__worker_stir(struct ssp__worker *w)
{
    w->stirred++;
    tidy_later(w);
}

void ssp__worker_read_much(struct ssp__worker *w)
{
    if (w->bulk)
        return;
    w->bulk = true;
    tidy_later(w);
}

static void set_world(struct ssp__worker *w)
{
    w->world = *ssp_world_real();
    w->random = ssp__random_pool_new();
    if (w->random == NULL)
        return;
    w->world.random = ssp__random_pool_take;
    w->world.arg = w->random;
}

struct ssp__worker *ssp__worker_new(ssp_loop *loop, struct ssp__resolver *resolver,
                                    void (*expire)(void *session))
{
    struct ssp__worker *w = calloc(1, sizeof *w);
    if (w == NULL)
        return NULL;
    w->loop = loop;
    w->resolver = resolver;
    w->expire = expire;
    set_world(w);
    ssp__pool_init(&w->pool, POOL_KEEP);
    w->in = malloc(SSP_WINDOW);
    w->out = malloc(OUT_SIZE);
    w->admission = ssp__admission_new(&w->world, &w->pool.slabs);
    w->refusals = ssp__log_limit_new(loop, &w->world, "handshakes that failed");
    w->failures = ssp__log_limit_new(loop, &w->world, "connections that failed");
    if (w->in == NULL || w->out == NULL || w->admission == NULL || w->refusals == NULL ||
        w->failures == NULL) {
        ssp__worker_free(w);
        return NULL;
    }
    w->tidy = (struct ssp__timer){.fire = tidy, .arg = w};
    w->io.out = w->out;
    w->io.out_cap = OUT_SIZE;
    w->io.pool = &w->pool;
    return w;
}

struct ssp__batch *ssp__worker_batch(struct ssp__worker *w)
{
    if (w->batch == NULL)
        w->batch = ssp__batch_new(w->loop);
    return w->batch;
}

void ssp__worker_free(struct ssp__worker *w)
{
    if (w == NULL)
        return;
    ssp__admission_free(w->admission);
    ssp__log_limit_free(w->refusals);
    ssp__log_limit_free(w->failures);
    ssp__timer_stop(&w->tidy);
    ssp__pipes_close(&w->pipes);
    ssp__batch_free(w->batch);
    ssp__pool_drain(&w->pool);
    ssp__random_pool_free(w->random);
    free(w->in);
    free(w->out);
    free(w);
}
