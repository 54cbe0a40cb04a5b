/* SPDX-License-Identifier: Apache-2.0 */
#include "host/reach.h"

#include <ssplugin/options.h>

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* An option path=/ is about a URL: who means files does not mean the root, which holds all. */
static bool is_root(const char *path)
{
    char real[PATH_MAX];
    return *path == '\0' || (realpath(path, real) != NULL && real[1] == '\0');
}

static void add(struct ssp_reach *reach, char *owned)
{
    if (owned != NULL && reach->n < SSP_REACH_MAX && !is_root(owned))
        reach->path[reach->n++] = owned;
    else
        free(owned);
}

/* Files are replaced by renaming, and are then others: what holds them has to be in reach.  path is
 * taken. */
static void add_directory(struct ssp_reach *reach, char *path)
{
    if (path == NULL)
        return;
    *strrchr(path, '/') = '\0';
    add(reach, path);
}

int ssp_reach_read(struct ssp_reach *reach, const char *options)
{
    *reach = (struct ssp_reach){.n = 0};
    if (options == NULL)
        return 0;
    size_t cap = strlen(options) + 2;
    char *text = malloc(cap);
    ssp_item item;
    if (text == NULL)
        return -1;
    /* A malformed rest is the plugin's to judge. */
    while (ssp_options_next(&options, text, cap, &item) == 1) {
        if (item.value == NULL || item.value[0] != '/')
            continue;
        add(reach, strdup(item.value));
        add_directory(reach, strdup(item.value));
        add_directory(reach, realpath(item.value, NULL));
    }
    free(text);
    return 0;
}

void ssp_reach_release(struct ssp_reach *reach)
{
    while (reach->n > 0)
        free((void *)(uintptr_t)reach->path[--reach->n]);
}
