/* SPDX-License-Identifier: Apache-2.0 */
/*
 * slab.h - objects that come and go with connections, in memory of their own: pages go back to the
 * system as soon as all of their objects are gone.
 *
 * In the heap of malloc they would lie between small things that stay, and no page would ever be
 * free.  Not locked.
 */
#ifndef SSP_BASE_SLAB_H
#define SSP_BASE_SLAB_H

#include <stddef.h>

enum {
    SSP_SLAB_STEP = 64,  /* sizes are rounded up to that */
    SSP_SLAB_MAX = 4096, /* larger ones come from malloc */
    SSP_SLAB_CLASSES = SSP_SLAB_MAX / SSP_SLAB_STEP
};

struct ssp__slab;

/* Zero is valid and empty. */
struct ssp__slabs {
    struct ssp__slab *open[SSP_SLAB_CLASSES]; /* lists: those that have room */
};

/* An object of n zero bytes, n > 0; NULL when memory is out. */
void *ssp__slab_take(struct ssp__slabs *slabs, size_t n);
void ssp__slab_give(struct ssp__slabs *slabs, void *object, size_t n); /* accepts NULL */

/* Releases the spare slabs; those with objects in them stay. */
void ssp__slabs_trim(struct ssp__slabs *slabs);

#endif
