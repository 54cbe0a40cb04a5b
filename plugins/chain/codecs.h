/* SPDX-License-Identifier: Apache-2.0 */
/*
 * codecs.h - the plugins that are part of this program: consecutive ones run as one stack, in one
 * process.
 */
#ifndef CHAIN_CODECS_H
#define CHAIN_CODECS_H

#include <ssplugin/codec.h>

#include <stdbool.h>

/* The codec of that name, or NULL. */
const ssp_codec *codecs_find(const char *name);

enum { CODECS_NAME_MAX = 64 };

/* A codec in a run, under a name that is unique in the run and selects its options. */
struct codecs_layer {
    ssp_codec codec;
    char name[CODECS_NAME_MAX];
};

/* Fills in the codec at `place` of a run, counted from 0; those before it are filled in. */
void codecs_layer(struct codecs_layer *run, unsigned place, const ssp_codec *codec);

/* True when its table has this option; '-' and '_' are the same. */
bool codecs_knows(const ssp_codec *codec, const char *option);

#endif
