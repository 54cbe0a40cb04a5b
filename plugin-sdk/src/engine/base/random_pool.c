/* SPDX-License-Identifier: Apache-2.0 */
#include "base/random_pool.h"

#include <ssplugin/drive.h>

#include <string.h>
#include <sys/mman.h>

struct ssp__random_pool *ssp__random_pool_new(void)
{
    void *memory = mmap(NULL, sizeof(struct ssp__random_pool), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return NULL;
    if (madvise(memory, sizeof(struct ssp__random_pool), MADV_WIPEONFORK) == 0) {
        (void)madvise(memory, sizeof(struct ssp__random_pool), MADV_DONTDUMP);
        return memory;
    }
    (void)munmap(memory, sizeof(struct ssp__random_pool));
    return NULL;
}

void ssp__random_pool_free(struct ssp__random_pool *pool)
{
    if (pool == NULL)
        return;
    explicit_bzero(pool, sizeof *pool);
    (void)munmap(pool, sizeof *pool);
}

void ssp__random_pool_take(void *arg, void *bytes, size_t n)
{
    struct ssp__random_pool *pool = arg;
    const ssp_world *kernel = ssp_world_real();
    if (n > sizeof pool->bytes) {
        kernel->random(kernel->arg, bytes, n);
        return;
    }
    if (n > pool->left) {
        kernel->random(kernel->arg, pool->bytes, sizeof pool->bytes);
        pool->left = sizeof pool->bytes;
    }
    pool->left -= n;
    memcpy(bytes, pool->bytes + pool->left, n);
    explicit_bzero(pool->bytes + pool->left, n);
}
