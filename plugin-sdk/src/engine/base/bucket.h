/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bucket.h - a token bucket: bytes at a rate that is exact over any time, in bursts of a twentieth
 * of a second.
 *
 * Bytes are taken once they have passed: what is then missing is a debt, and later bytes wait.
 * While some wait, tokens of up to a second are kept, so that a timer that is late costs none.
 */
#ifndef SSP_BASE_BUCKET_H
#define SSP_BASE_BUCKET_H

#include <ssplugin/codec.h>

#include <stdbool.h>
#include <stdint.h>

struct ssp__queue;

/* The clock is that of the callers, in milliseconds; a step of it neither blocks nor lets more
 * than a burst through. */
struct ssp__bucket {
    uint64_t rate;            /* bytes a second; 0: no limit */
    int64_t level;            /* thousandths of bytes */
    uint64_t filled_ms;       /* when level was right */
    struct ssp__queue *queue; /* of the relay: sessions that wait for tokens; NULL: none does */
    void (*changed)(struct ssp__queue *queue); /* the rate; set with queue */
};

/* Above, rates make no difference. */
#define SSP_RATE_MAX (UINT64_C(1) << 40)

/* Sets the rate, or another one: the level stays, up to a burst of it, and those that wait do so at
 * the new rate. */
void ssp__bucket_set(struct ssp__bucket *bucket, uint64_t rate);

/* False: nothing below needs to be called, nor does the time. */
static inline bool ssp__bucket_limits(const struct ssp__bucket *bucket)
{
    return bucket != NULL && bucket->rate != 0;
}

/* Bytes of a stream that may pass now; 0 also while they are too few to be worth a read. UINT64_MAX
 * without a limit. */
uint64_t ssp__bucket_room(struct ssp__bucket *bucket, uint64_t now_ms);

/* True when a packet may pass now. */
bool ssp__bucket_admits(struct ssp__bucket *bucket, uint64_t now_ms);

void ssp__bucket_take(struct ssp__bucket *bucket, uint64_t bytes);

/* Milliseconds until there are tokens for the reads of a hundredth of a second; at least 1. */
uint64_t ssp__bucket_wait_ms(struct ssp__bucket *bucket, uint64_t now_ms);

/* The least that room grants. */
uint64_t ssp__bucket_least(const struct ssp__bucket *bucket);

/* From a codec: payload of this connection takes tokens of the bucket, too, which stays as long as
 * the codec's state.  NULL: of none. */
void ssp__conn_meter(ssp_conn *conn, struct ssp__bucket *bucket);

#endif
