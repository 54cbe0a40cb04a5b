/* SPDX-License-Identifier: Apache-2.0 */
/* chance.h - randomness and time that are the same in every run. */
#ifndef SSP_TESTING_CHANCE_H
#define SSP_TESTING_CHANCE_H

#include <ssplugin/drive.h>

/* xorshift64; never 0. */
struct ssp__chance {
    uint64_t state;
    uint64_t ms; /* since SSP_CHANCE_TIME */
};

enum { SSP_CHANCE_TIME = 1700000000 }; /* seconds since 1970 */

uint64_t ssp__chance_draw(struct ssp__chance *chance);
void ssp__chance_fill(struct ssp__chance *chance, void *bytes, size_t n);

/* A world that draws from chance, which is borrowed. */
ssp_world ssp__chance_world(struct ssp__chance *chance);

#endif
