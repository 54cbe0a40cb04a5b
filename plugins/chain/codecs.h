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

enum { CODECS_NAME_MAX = 64 };

/* A codec in a run, under a name that no other of the run has: options are told apart by it. */
struct codecs_layer {
    ssp_codec codec;
    char name[CODECS_NAME_MAX];
};

/* The place-th codec of a run, counted from 0, of which the ones before are filled in. */
void codecs_layer(struct codecs_layer *run, unsigned place, const ssp_codec *codec);

/* True when its table has this option; '-' and '_' are the same. */
bool codecs_knows(const ssp_codec *codec, const char *option);

#endif
