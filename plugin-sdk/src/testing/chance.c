/* SPDX-License-Identifier: Apache-2.0 */
#include "testing/chance.h"

uint64_t ssp__chance_draw(struct ssp__chance *chance)
{
    chance->state ^= chance->state << 13;
    chance->state ^= chance->state >> 7;
    chance->state ^= chance->state << 17;
    return chance->state;
}

void ssp__chance_fill(struct ssp__chance *chance, void *bytes, size_t n)
{
    uint8_t *next = bytes;
    for (size_t i = 0; i < n; i++)
        next[i] = (uint8_t)(ssp__chance_draw(chance) >> 32);
}

static void fill(void *arg, void *bytes, size_t n)
{
    ssp__chance_fill(arg, bytes, n);
}

static int64_t unix_time(void *arg)
{
    const struct ssp__chance *chance = arg;
    return SSP_CHANCE_TIME + (int64_t)(chance->ms / 1000);
}

ssp_world ssp__chance_world(struct ssp__chance *chance)
{
    return (ssp_world){.random = fill, .unix_time = unix_time, .arg = chance};
}
