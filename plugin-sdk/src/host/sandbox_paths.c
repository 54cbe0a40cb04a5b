/* SPDX-License-Identifier: Apache-2.0 */
#include "host/sandbox_paths.h"

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

static void add(struct ssp__sandbox_paths *reach, char *owned)
{
    if (owned != NULL && reach->n < SSP_REACH_MAX && !is_root(owned))
        reach->path[reach->n++] = owned;
    else
        free(owned);
}

/* Files are replaced by renaming, and are then others: what holds them has to be in reach.  path is
 * taken. */
static void add_directory(struct ssp__sandbox_paths *reach, char *path)
{
    if (path == NULL)
        return;
    *strrchr(path, '/') = '\0';
    add(reach, path);
}

int ssp__sandbox_paths_read(struct ssp__sandbox_paths *reach, const char *options)
{
    *reach = (struct ssp__sandbox_paths){.n = 0};
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

void ssp__sandbox_paths_release(struct ssp__sandbox_paths *reach)
{
    while (reach->n > 0)
        free((void *)(uintptr_t)reach->path[--reach->n]);
}
