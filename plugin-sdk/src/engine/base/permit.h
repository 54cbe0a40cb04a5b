/* SPDX-License-Identifier: Apache-2.0 */
/*
 * permit.h - whether an address may be dialed, asked of each address just before it is.
 */
#ifndef SSP_BASE_PERMIT_H
#define SSP_BASE_PERMIT_H

#include "base/address.h"

enum { SSP_PERMIT_WHY_MAX = 96 };

/* a is that of e, or one of those that the name e has.  False with a phrase in why that names the
 * rule. */
typedef bool ssp__permit_fn(const void *arg, const struct ssp__endpoint *e,
                            const struct ssp__address *a, char why[SSP_PERMIT_WHY_MAX]);

struct ssp__permit {
    ssp__permit_fn *fn; /* NULL: every address may */
    const void *arg;    /* borrowed */
};

static inline bool ssp__permitted(const struct ssp__permit *permit, const struct ssp__endpoint *e,
                                  const struct ssp__address *a, char why[SSP_PERMIT_WHY_MAX])
{
    return permit->fn == NULL || permit->fn(permit->arg, e, a, why);
}

#endif
