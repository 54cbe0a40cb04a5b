/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pool.h - memory blocks of power-of-two sizes, kept for the next session that needs one.
 *
 * Sessions take a block when bytes have to wait and give it back when they are gone, so an idle
 * session holds none.  One pool per thread; not locked.
 */
#ifndef SSP_BASE_POOL_H
#define SSP_BASE_POOL_H

#include "base/slab.h"

#include <stddef.h>

enum {
    SSP_POOL_MIN_SHIFT = 6,    /* 64 bytes: the first of a slow peer */
    SSP_POOL_LARGE_SHIFT = 12, /* 4 KiB: smaller ones lie in slabs */
    SSP_POOL_MAX_SHIFT = 20,   /* 1 MiB */
    SSP_POOL_CLASSES = SSP_POOL_MAX_SHIFT - SSP_POOL_MIN_SHIFT + 1
};

struct ssp__pool {
    void *idle[SSP_POOL_CLASSES]; /* linked through their first word */
    struct ssp__slabs slabs;      /* of the small ones, and of objects of the owner */
    size_t idle_bytes;
    size_t spare_bytes; /* the least of idle_bytes since ssp__pool_shrink(): nothing needed them */
    size_t keep_bytes;  /* blocks beyond this are returned to the system */
};

void ssp__pool_init(struct ssp__pool *pool, size_t keep_bytes);
void ssp__pool_drain(struct ssp__pool *pool);

/* Returns to the system what no one has needed since the last call. */
void ssp__pool_shrink(struct ssp__pool *pool);

/* A block of at least *size bytes, at most 1 MiB; *size becomes its real size.  NULL when out of
 * memory.  A NULL pool means the system's allocator. */
void *ssp__pool_take(struct ssp__pool *pool, size_t *size);
void ssp__pool_give(struct ssp__pool *pool, void *block, size_t size);

#endif
