/* SPDX-License-Identifier: Apache-2.0 */
/*
 * codecs.h - the plugins that this program has inside: a run of them works as one, in one process.
 */
#ifndef CHAIN_CODECS_H
#define CHAIN_CODECS_H

#include <ssplugin/codec.h>

#include <stdbool.h>

/* The codec of that name, or NULL. */
const ssp_codec *codecs_find(const char *name);

/* True when its table has this option; '-' and '_' are the same. */
bool codecs_knows(const ssp_codec *codec, const char *option);

#endif
