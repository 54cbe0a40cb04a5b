/* SPDX-License-Identifier: Apache-2.0 */
#include "app/meter.h"

#include <ssplugin/log.h>

#include <stdlib.h>

static struct ss_meter *make(unsigned others)
{
    struct ss_meter *a = calloc(1, sizeof *a + others * sizeof a->mate[0]);
    if (a == NULL) {
        ssp_error("out of memory");
        return NULL;
    }
    a->others = others;
    a->traffic.mate = others > 0 ? a->mate : NULL;
    return a;
}

struct ss_meter *ss_meter_take(struct ss_meter *offered, unsigned others)
{
    struct ss_meter *a = offered != NULL ? offered : make(others);
    if (a != NULL)
        a->holders++;
    return a;
}

void ss_meter_leave(struct ss_meter *a)
{
    if (a != NULL && --a->holders == 0)
        free(a);
}
