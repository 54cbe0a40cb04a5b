/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bytes.h - a queue of bytes in one pooled block: append at the end, take from the front.
 *
 * Zero is a valid empty queue.  An empty queue holds no block.
 */
#ifndef SSP_BASE_BYTES_H
#define SSP_BASE_BYTES_H

#include "base/pool.h"

#include <stddef.h>
#include <stdint.h>

struct ssp__bytes {
    uint8_t *base; /* owned block, or NULL */
    size_t cap;    /* size of the block */
    size_t head;   /* first byte in use */
    size_t tail;   /* just past the last */
};

static inline const uint8_t *ssp__bytes_data(const struct ssp__bytes *b)
{
    return b->base == NULL ? NULL : b->base + b->head;
}

static inline size_t ssp__bytes_len(const struct ssp__bytes *b)
{
    return b->tail - b->head;
}

/* Appends n bytes.  Returns 0, or -1 when memory is out or the queue would exceed 1 MiB; the queue
 * is unchanged then. */
int ssp__bytes_append(struct ssp__bytes *b, struct ssp__pool *pool, const void *data, size_t n);

/* Moves all of from behind to; the same limits. */
int ssp__bytes_move(struct ssp__bytes *to, struct ssp__bytes *from, struct ssp__pool *pool);

/* Drops n bytes from the front; gives the block back when none is left. */
void ssp__bytes_take(struct ssp__bytes *b, struct ssp__pool *pool, size_t n);

void ssp__bytes_clear(struct ssp__bytes *b, struct ssp__pool *pool);

#endif
