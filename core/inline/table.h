/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table.h - the codecs of plugins that this build has inside of its programs.
 */
#ifndef SS_INLINE_TABLE_H
#define SS_INLINE_TABLE_H

#include <ssplugin/codec.h>

struct ss_inline_row {
    const ssp_codec *codec; /* of one role; its name is that of the plugin */
    const char *alone;      /* options that need the plugin as a process, joined by '|' */
};

/* The row of that name, or NULL. */
const struct ss_inline_row *ss_inline_find(const char *name);

/* Row i, or NULL past the last. */
const struct ss_inline_row *ss_inline_at(size_t i);

#endif
