/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bucket.h"

#include "base/io.h"

enum {
    PARTS = 1000, /* of a byte: a rate is so many of them in a millisecond */
    BURST_MS = 50,
    LATE_MS = 1000, /* tokens that wait for those who wait for them */
    BATCH_MS = 10,
    LEAST = 1400 /* bytes of a read: about those of a packet */
};

uint64_t ssp__bucket_least(const struct ssp__bucket *b)
{
    return b->rate < LEAST ? b->rate : LEAST;
}

static int64_t capacity(const struct ssp__bucket *b)
{
    uint64_t burst = b->rate * (b->queue != NULL ? LATE_MS : BURST_MS);
    uint64_t least = ssp__bucket_least(b) * PARTS;
    return (int64_t)(burst > least ? burst : least);
}

/* A bucket begins empty.  A burst of a higher rate would be one of many seconds. */
void ssp__bucket_set(struct ssp__bucket *b, uint64_t rate)
{
    b->rate = rate < SSP_RATE_MAX ? rate : SSP_RATE_MAX;
    int64_t full = capacity(b);
    b->level = b->level < full ? b->level : full;
    if (b->queue != NULL)
        b->changed(b->queue);
}

/* A clock that steps back loses the tokens of one call. */
static void fill(struct ssp__bucket *b, uint64_t now_ms)
{
    int64_t full = capacity(b);
    uint64_t passed = now_ms > b->filled_ms ? now_ms - b->filled_ms : 0;
    b->filled_ms = now_ms;
    if (b->level >= full)
        return;
    if (passed > (uint64_t)(full - b->level) / b->rate)
        b->level = full;
    else
        b->level += (int64_t)(passed * b->rate);
}

uint64_t ssp__bucket_room(struct ssp__bucket *b, uint64_t now_ms)
{
    if (b->rate == 0)
        return UINT64_MAX;
    fill(b, now_ms);
    uint64_t bytes = b->level > 0 ? (uint64_t)b->level / PARTS : 0;
    return bytes >= ssp__bucket_least(b) ? bytes : 0;
}

bool ssp__bucket_admits(struct ssp__bucket *b, uint64_t now_ms)
{
    if (b->rate == 0)
        return true;
    fill(b, now_ms);
    return b->level > 0;
}

void ssp__bucket_take(struct ssp__bucket *b, uint64_t bytes)
{
    if (b->rate != 0)
        b->level -= (int64_t)bytes * PARTS;
}

uint64_t ssp__bucket_wait_ms(struct ssp__bucket *b, uint64_t now_ms)
{
    uint64_t least = ssp__bucket_least(b) * PARTS, batch = b->rate * BATCH_MS;
    int64_t wanted = (int64_t)(batch > least ? batch : least);
    if (b->rate == 0)
        return 1;
    fill(b, now_ms);
    if (b->level >= wanted)
        return 1;
    return ((uint64_t)(wanted - b->level) + b->rate - 1) / b->rate;
}

void ssp__conn_meter(ssp_conn *conn, struct ssp__bucket *bucket)
{
    conn->bucket = bucket;
}
