/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stack.h - the inside of ssp_stack: several codecs as one (see ssplugin/drive.h).
 */
#ifndef SSP_CODEC_STACK_H
#define SSP_CODEC_STACK_H

#include <ssplugin/drive.h>

struct ssp__stack_layer {
    ssp_codec codec; /* adopted */
    const void *conf;
    size_t state_at; /* of the codec's state in the state of the stack */
};

/* Const once it has been made, and shared by all connections. */
struct ssp_stack {
    ssp_codec codec; /* the whole */
    char *name;      /* "inner+outer" */
    size_t scratch;  /* output room for each layer */
    size_t n;
    struct ssp__stack_layer layer[]; /* [0] is nearest to the plain side */
};

#endif
