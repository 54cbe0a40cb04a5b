/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bytes.h"

#include <string.h>

/* Makes room for n more bytes behind tail. */
static int reserve(struct ssp_bytes *b, struct ssp_pool *pool, size_t n)
{
    size_t len = ssp_bytes_len(b);
    if (b->cap - b->tail >= n)
        return 0;
    if (b->base != NULL && b->cap - len >= n) {
        memmove(b->base, b->base + b->head, len);
        b->head = 0;
        b->tail = len;
        return 0;
    }
    size_t cap = len + n;
    uint8_t *base = ssp_pool_take(pool, &cap);
    if (base == NULL)
        return -1;
    if (b->base != NULL)
        memcpy(base, b->base + b->head, len);
    ssp_pool_give(pool, b->base, b->cap);
    *b = (struct ssp_bytes){.base = base, .cap = cap, .tail = len};
    return 0;
}

int ssp_bytes_append(struct ssp_bytes *b, struct ssp_pool *pool, const void *data, size_t n)
{
    if (n == 0)
        return 0;
    if (n > ((size_t)1 << SSP_POOL_MAX_SHIFT) || reserve(b, pool, n) == -1)
        return -1;
    memcpy(b->base + b->tail, data, n);
    b->tail += n;
    return 0;
}

void ssp_bytes_take(struct ssp_bytes *b, struct ssp_pool *pool, size_t n)
{
    b->head += n;
    if (b->head == b->tail)
        ssp_bytes_clear(b, pool);
}

void ssp_bytes_clear(struct ssp_bytes *b, struct ssp_pool *pool)
{
    ssp_pool_give(pool, b->base, b->cap);
    *b = (struct ssp_bytes){.base = NULL};
}
