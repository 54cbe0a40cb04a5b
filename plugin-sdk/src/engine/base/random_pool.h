/* SPDX-License-Identifier: Apache-2.0 */
/*
 * random_pool.h - the kernel's randomness in advance: one system call for a hundred salts.
 *
 * The pool wipes the bytes that it gives.  A process that forks leaves its child an empty pool, so
 * that no two processes take the same bytes.  A pool belongs to one thread.
 */
#ifndef SSP_BASE_RANDOM_POOL_H
#define SSP_BASE_RANDOM_POOL_H

#include <stddef.h>
#include <stdint.h>

enum { SSP_RANDOM_POOL = 4096 }; /* memory of a pool, its own pages */

struct ssp__random_pool {
    size_t left; /* 0: empty, as in a child */
    uint8_t bytes[SSP_RANDOM_POOL - sizeof(size_t)];
};

/* NULL where memory cannot be kept from children: Linux has it since 4.14. */
struct ssp__random_pool *ssp__random_pool_new(void);
void ssp__random_pool_free(struct ssp__random_pool *pool); /* accepts NULL */

/* As the random of an ssp_world whose arg is the pool. */
void ssp__random_pool_take(void *pool, void *bytes, size_t n);

#endif
