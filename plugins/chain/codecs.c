/* SPDX-License-Identifier: Apache-2.0 */
#include "chain/codecs.h"

#include "wrap/options.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* A plugin of this folder offers its codec under its own name. */
extern const ssp_codec obfs_local;
extern const ssp_codec obfs_server;
#ifdef CHAIN_WITH_OPENSSL
extern const ssp_codec tls_wrap;
extern const ssp_codec ws_wrap;
#endif

static const ssp_codec *const all[] = {
    &obfs_local,
    &obfs_server,
#ifdef CHAIN_WITH_OPENSSL
    &tls_wrap,
    &ws_wrap,
#endif
};

const ssp_codec *codecs_find(const char *name)
{
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (strcmp(all[i]->name, name) == 0)
            return all[i];
    }
    return NULL;
}

void codecs_layer(struct codecs_layer *run, unsigned place, const ssp_codec *codec)
{
    struct codecs_layer *layer = &run[place];
    bool taken = false;
    for (unsigned i = 0; i < place; i++)
        taken = taken || run[i].codec.options == codec->options;
    (void)snprintf(layer->name, sizeof layer->name, taken ? "%.40s-%u" : "%.40s", codec->name,
                   place + 1);
    layer->codec = *codec;
    layer->codec.name = layer->name;
}

bool codecs_knows(const ssp_codec *codec, const char *option)
{
    for (const ssp_option *row = codec->options; row != NULL && row->name != NULL; row++) {
        if (wrap_same_name(row->name, option))
            return true;
    }
    return false;
}
