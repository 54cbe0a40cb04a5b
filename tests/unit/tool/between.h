/* SPDX-License-Identifier: Apache-2.0 */
/*
 * between.h - a pair of plugins in one relay, with at most one flaw.
 */
#ifndef BETWEEN_H
#define BETWEEN_H

#include "check/scene.h"

enum flaw {
    HONEST,
    FLIPS_UP, /* a bit of the byte at `at` */
    FLIPS_DOWN,
    SWAPS_DOWN, /* the byte at `at` and the next */
    LOSES_DOWN, /* the byte at `at` */
    CUTS_SHORT, /* the answer ends in front of `at` */
    ADDS_ONE,   /* a byte at the end of the answer */
    FULL_CLOSE, /* a FIN of one side ends both */
    CROSSES /* the second connection gets what is meant for the first, and the other way round */
};

enum { BETWEEN_LINKS = 4 };

struct passage {
    struct watch watch; /* first */
    struct link_between *link;
    uint64_t moved;
    bool ended;
};

struct link_between {
    struct between *between;
    struct passage side[2]; /* 0 is the client's */
};

struct between {
    struct watch watch; /* first */
    struct scene *scene;
    uint16_t port, target;
    enum flaw flaw;
    uint64_t at; /* offset on the wire */
    struct link_between link[BETWEEN_LINKS];
    unsigned links;
};

void between_open(struct between *between, struct scene *scene, uint16_t target, enum flaw flaw,
                  uint64_t at);
void between_close(struct between *between);

#endif
