/* SPDX-License-Identifier: Apache-2.0 */
/* allocations.c - the allocator as a program under LD_PRELOAD sees it: each block counts as one,
 * whoever asks for it, libraries included. */
#include "fault.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* dlsym() itself may allocate before the allocator is known. */
static _Alignas(16) unsigned char early[4096];
static size_t early_used;

static void *early_block(size_t size)
{
    size_t start = (early_used + 15) & ~(size_t)15;
    if (size > sizeof early - start)
        abort();
    early_used = start + size;
    return early + start;
}

static bool is_early(const void *block)
{
    const unsigned char *at = block;
    return at >= early && at < early + sizeof early;
}

static struct {
    bool searching;
    void *(*malloc)(size_t);
    void *(*calloc)(size_t, size_t);
    void *(*realloc)(void *, size_t);
    void (*free)(void *);
    int (*posix_memalign)(void **, size_t, size_t);
    void *(*aligned_alloc)(size_t, size_t);
} real;

static void find(void)
{
    if (real.free != NULL || real.searching)
        return;
    real.searching = true;
    *(void **)&real.malloc = dlsym(RTLD_NEXT, "malloc");
    *(void **)&real.calloc = dlsym(RTLD_NEXT, "calloc");
    *(void **)&real.realloc = dlsym(RTLD_NEXT, "realloc");
    *(void **)&real.posix_memalign = dlsym(RTLD_NEXT, "posix_memalign");
    *(void **)&real.aligned_alloc = dlsym(RTLD_NEXT, "aligned_alloc");
    *(void **)&real.free = dlsym(RTLD_NEXT, "free");
    real.searching = false;
}

void *malloc(size_t size)
{
    find();
    if (real.malloc == NULL)
        return early_block(size);
    return fault_hits(FAULT_alloc) ? NULL : real.malloc(size);
}

void *calloc(size_t n, size_t size)
{
    find();
    if (real.calloc == NULL)
        return early_block(n * size);
    return fault_hits(FAULT_alloc) ? NULL : real.calloc(n, size);
}

void *realloc(void *block, size_t size)
{
    find();
    if (real.realloc == NULL || is_early(block))
        abort();
    return fault_hits(FAULT_alloc) ? NULL : real.realloc(block, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    find();
    return fault_hits(FAULT_alloc) ? NULL : real.aligned_alloc(alignment, size);
}

int posix_memalign(void **block, size_t alignment, size_t size)
{
    find();
    return fault_hits(FAULT_alloc) ? ENOMEM : real.posix_memalign(block, alignment, size);
}

void free(void *block)
{
    find();
    if (block != NULL && !is_early(block))
        real.free(block);
}
