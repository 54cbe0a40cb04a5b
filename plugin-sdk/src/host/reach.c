/* SPDX-License-Identifier: Apache-2.0 */
#include "host/reach.h"

#include <ssplugin/options.h>

#include <stdlib.h>
#include <string.h>

int ssp_reach_read(struct ssp_reach *reach, const char *options)
{
    *reach = (struct ssp_reach){.text = NULL};
    if (options == NULL)
        return 0;
    size_t cap = strlen(options) + 2, n = 0;
    char *next = reach->text = malloc(2 * cap);
    ssp_item item;
    if (next == NULL)
        return -1;
    /* A malformed rest is the plugin's to judge. */
    while (n < SSP_REACH_MAX && ssp_options_next(&options, next, cap, &item) == 1) {
        if (item.value == NULL || item.value[0] != '/')
            continue;
        size_t used = (size_t)(item.value - next) + strlen(item.value) + 1;
        reach->path[n++] = item.value;
        next += used;
    }
    return 0;
}

void ssp_reach_release(struct ssp_reach *reach)
{
    free(reach->text);
    *reach = (struct ssp_reach){.text = NULL};
}
