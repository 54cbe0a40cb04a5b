/* SPDX-License-Identifier: Apache-2.0 */
#include "inline/table.h"

#include <string.h>

/* A plugin offers its codec under its own name. */
extern const ssp_codec obfs_local;
extern const ssp_codec obfs_server;

static const struct ss_inline_row rows[] = {
    {&obfs_local, "c"},
    {&obfs_server, "c|passthrough"},
};

enum { ROWS = sizeof rows / sizeof *rows };

const struct ss_inline_row *ss_inline_at(size_t i)
{
    return i < ROWS ? &rows[i] : NULL;
}

const struct ss_inline_row *ss_inline_find(const char *name)
{
    for (size_t i = 0; i < ROWS; i++) {
        if (strcmp(rows[i].codec->name, name) == 0)
            return &rows[i];
    }
    return NULL;
}
