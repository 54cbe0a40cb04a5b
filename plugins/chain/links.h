/* SPDX-License-Identifier: Apache-2.0 */
/*
 * links.h - a link is one process of a chain: a program, or a run of stacked codecs.
 */
#ifndef CHAIN_LINKS_H
#define CHAIN_LINKS_H

#include "chain/stages.h"

#include <stdbool.h>

enum { LINKS_NAMES_MAX = 512 };

struct link {
    unsigned first, n;           /* stages, counted from 0 */
    bool stacked;                /* codecs */
    struct items options;        /* for the process */
    char names[LINKS_NAMES_MAX]; /* of the codecs, joined by ',' */
};

struct links {
    struct link link[STAGES_MAX];
    unsigned n;
};

/* Runs are as long as they can be.  Returns 0, or -1 when memory is out. */
int links_make(struct links *links, const struct stages *stages);
void links_release(struct links *links);

#endif
