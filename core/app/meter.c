/* SPDX-License-Identifier: Apache-2.0 */
#include "app/meter.h"

#include <ssplugin/log.h>

#include <stdlib.h>

struct ss_meter *ss_meter_take(struct ss_meter *offered)
{
    struct ss_meter *a = offered != NULL ? offered : calloc(1, sizeof *a);
    if (a == NULL)
        ssp_error("out of memory");
    else
        a->holders++;
    return a;
}

void ss_meter_leave(struct ss_meter *a)
{
    if (a != NULL && --a->holders == 0)
        free(a);
}
