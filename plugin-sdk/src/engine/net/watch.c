/* SPDX-License-Identifier: Apache-2.0 */
/* watch.c - an interest in a descriptor of others, in memory of its own. */
#include "net/interest.h"

#include <stdlib.h>

struct ssp__watch {
    struct ssp__interest interest;
    int fd;
    void (*fire)(void *arg);
    void *arg;
};

static void watched(void *arg)
{
    const struct ssp__watch *w = arg;
    w->fire(w->arg);
}

struct ssp__watch *ssp__watch_open(ssp_loop *loop, int fd, void (*fire)(void *arg), void *arg)
{
    static const struct ssp__reaction reaction = {.readable = watched};
    struct ssp__watch *w = calloc(1, sizeof *w);
    if (w == NULL)
        return NULL;
    *w = (struct ssp__watch){.interest = {.loop = loop, .reaction = &reaction, .arg = w},
                             .fd = fd,
                             .fire = fire,
                             .arg = arg};
    if (ssp__interest_set(&w->interest, fd, true, false))
        return w;
    free(w);
    return NULL;
}

void ssp__watch_close(struct ssp__watch *watch)
{
    if (watch == NULL)
        return;
    (void)ssp__interest_set(&watch->interest, watch->fd, false, false);
    free(watch);
}
