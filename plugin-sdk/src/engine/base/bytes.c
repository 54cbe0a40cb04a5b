/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bytes.h"

#include <string.h>

/* Makes room for n more bytes behind tail. */
static int reserve(struct ssp__bytes *b, struct ssp__pool *pool, size_t n)
{
    size_t len = ssp__bytes_len(b);
    if (b->cap - b->tail >= n)
        return 0;
    if (b->base != NULL && b->cap - len >= n) {
        memmove(b->base, b->base + b->head, len);
        b->head = 0;
        b->tail = len;
        return 0;
    }
    size_t cap = len + n;
    uint8_t *base = ssp__pool_take(pool, &cap);
    if (base == NULL)
        return -1;
    if (b->base != NULL)
        memcpy(base, b->base + b->head, len);
    ssp__pool_give(pool, b->base, b->cap);
    *b = (struct ssp__bytes){.base = base, .cap = cap, .tail = len};
    return 0;
}

int ssp__bytes_append(struct ssp__bytes *b, struct ssp__pool *pool, const void *data, size_t n)
{
    if (n == 0)
        return 0;
    if (n > ((size_t)1 << SSP_POOL_MAX_SHIFT) || reserve(b, pool, n) == -1)
        return -1;
    memcpy(b->base + b->tail, data, n);
    b->tail += n;
    return 0;
}

int ssp__bytes_move(struct ssp__bytes *to, struct ssp__bytes *from, struct ssp__pool *pool)
{
    if (to->base == NULL) {
        *to = *from;
        *from = (struct ssp__bytes){.base = NULL};
        return 0;
    }
    if (ssp__bytes_append(to, pool, ssp__bytes_data(from), ssp__bytes_len(from)) == -1)
        return -1;
    ssp__bytes_clear(from, pool);
    return 0;
}

void ssp__bytes_take(struct ssp__bytes *b, struct ssp__pool *pool, size_t n)
{
    b->head += n;
    if (b->head == b->tail)
        ssp__bytes_clear(b, pool);
}

void ssp__bytes_clear(struct ssp__bytes *b, struct ssp__pool *pool)
{
    ssp__pool_give(pool, b->base, b->cap);
    *b = (struct ssp__bytes){.base = NULL};
}
