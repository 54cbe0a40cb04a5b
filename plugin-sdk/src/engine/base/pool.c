/* SPDX-License-Identifier: Apache-2.0 */
#include "base/pool.h"

#include <stdlib.h>
#include <string.h>

void ssp__pool_init(struct ssp__pool *pool, size_t keep_bytes)
{
    *pool = (struct ssp__pool){.keep_bytes = keep_bytes};
}

void ssp__pool_drain(struct ssp__pool *pool)
{
    for (int i = 0; i < SSP_POOL_CLASSES; i++) {
        while (pool->idle[i] != NULL) {
            void *block = pool->idle[i];
            memcpy(&pool->idle[i], block, sizeof(void *));
            free(block);
        }
    }
    pool->idle_bytes = 0;
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
    if (pool == NULL || pool->idle[class] == NULL)
        return malloc(real);
    void *block = pool->idle[class];
    memcpy(&pool->idle[class], block, sizeof(void *));
    pool->idle_bytes -= real;
    return block;
}

void ssp__pool_give(struct ssp__pool *pool, void *block, size_t size)
{
    if (pool == NULL || block == NULL || pool->idle_bytes + size > pool->keep_bytes) {
        free(block);
        return;
    }
    int class = class_of(size);
    memcpy(block, &pool->idle[class], sizeof(void *));
    pool->idle[class] = block;
    pool->idle_bytes += size;
}
