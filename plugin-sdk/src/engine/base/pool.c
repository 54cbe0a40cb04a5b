/* SPDX-License-Identifier: Apache-2.0 */
#include "base/pool.h"

#include <stdlib.h>
#include <string.h>

static const size_t large = (size_t)1 << SSP_POOL_LARGE_SHIFT;

void ssp__pool_init(struct ssp__pool *pool, size_t keep_bytes)
{
    *pool = (struct ssp__pool){.keep_bytes = keep_bytes};
}

/* Frees idle blocks, the largest first, until so many bytes are left. */
static void free_down_to(struct ssp__pool *pool, size_t left)
{
    for (int i = SSP_POOL_CLASSES - 1; i >= 0; i--) {
        while (pool->idle[i] != NULL && pool->idle_bytes > left) {
            void *block = pool->idle[i];
            memcpy(&pool->idle[i], block, sizeof(void *));
            pool->idle_bytes -= (size_t)1 << (i + SSP_POOL_MIN_SHIFT);
            free(block);
        }
    }
}

void ssp__pool_drain(struct ssp__pool *pool)
{
    free_down_to(pool, 0);
    ssp__slabs_trim(&pool->slabs);
}

void ssp__pool_shrink(struct ssp__pool *pool)
{
    free_down_to(pool, pool->idle_bytes - pool->spare_bytes);
    pool->spare_bytes = pool->idle_bytes;
    ssp__slabs_trim(&pool->slabs);
}

static int class_of(size_t size)
{
    int shift = SSP_POOL_MIN_SHIFT;
    while (shift < SSP_POOL_MAX_SHIFT && ((size_t)1 << shift) < size)
        shift++;
    return shift - SSP_POOL_MIN_SHIFT;
}

void *ssp__pool_take(struct ssp__pool *pool, size_t *size)
{
    int class = class_of(*size);
    size_t real = (size_t)1 << (class + SSP_POOL_MIN_SHIFT);
    if (*size > real)
        return NULL;
    *size = real;
    if (pool != NULL && real < large)
        return ssp__slab_take(&pool->slabs, real);
    if (pool == NULL || pool->idle[class] == NULL)
        return malloc(real);
    void *block = pool->idle[class];
    memcpy(&pool->idle[class], block, sizeof(void *));
    pool->idle_bytes -= real;
    if (pool->idle_bytes < pool->spare_bytes)
        pool->spare_bytes = pool->idle_bytes;
    return block;
}

void ssp__pool_give(struct ssp__pool *pool, void *block, size_t size)
{
    if (pool != NULL && size < large) {
        ssp__slab_give(&pool->slabs, block, size);
        return;
    }
    if (pool == NULL || block == NULL || pool->idle_bytes + size > pool->keep_bytes) {
        free(block);
        return;
    }
    int class = class_of(size);
    memcpy(block, &pool->idle[class], sizeof(void *));
    pool->idle[class] = block;
    pool->idle_bytes += size;
}
