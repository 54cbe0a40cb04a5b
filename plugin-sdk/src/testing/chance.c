/* SPDX-License-Identifier: Apache-2.0 */
#include "testing/chance.h"

uint64_t ssp_chance_draw(struct ssp_chance *chance)
{
    chance->state ^= chance->state << 13;
    chance->state ^= chance->state >> 7;
    chance->state ^= chance->state << 17;
    return chance->state;
}

void ssp_chance_fill(struct ssp_chance *chance, void *bytes, size_t n)
{
    uint8_t *next = bytes;
    for (size_t i = 0; i < n; i++)
        next[i] = (uint8_t)(ssp_chance_draw(chance) >> 32);
}

static void fill(void *arg, void *bytes, size_t n)
{
    ssp_chance_fill(arg, bytes, n);
}

static int64_t unix_time(void *arg)
{
    (void)arg;
    return SSP_CHANCE_TIME;
}

ssp_world ssp_chance_world(struct ssp_chance *chance)
{
    return (ssp_world){.random = fill, .unix_time = unix_time, .arg = chance};
}
