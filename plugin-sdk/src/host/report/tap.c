/* SPDX-License-Identifier: Apache-2.0 */
#include "host/report/tap.h"

#include <stddef.h>

enum { REST_MS = 5 };

static void rest(struct ssp__tap *tap)
{
    ssp__deadline_set(tap->loop, &tap->rest, ssp__loop_now_ms(tap->loop) + REST_MS);
}

static void readable(void *arg)
{
    struct ssp__tap *tap = arg;
    ssp__watch_close(tap->watch);
    tap->watch = NULL;
    rest(tap);
    tap->read(tap->arg);
}

/* Tries again later when memory is out. */
static void watch(void *arg)
{
    struct ssp__tap *tap = arg;
    tap->watch = ssp__watch_open(tap->loop, tap->fd, readable, tap);
    if (tap->watch == NULL)
        rest(tap);
}

void ssp__tap_open(struct ssp__tap *tap)
{
    tap->rest = (struct ssp__deadline){.fire = watch, .arg = tap};
    watch(tap);
}

void ssp__tap_close(struct ssp__tap *tap)
{
    ssp__deadline_clear(&tap->rest);
    ssp__watch_close(tap->watch);
    tap->watch = NULL;
}
