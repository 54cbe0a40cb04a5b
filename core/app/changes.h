/* SPDX-License-Identifier: Apache-2.0 */
/*
 * changes.h - what a new configuration means for the servers, or listeners, that run: a pure
 * function of both.
 *
 * They are told apart by where they listen.  A server whose key has changed has other clients from
 * then on; with any other setting the clients stay the same.
 */
#ifndef SS_APP_CHANGES_H
#define SS_APP_CHANGES_H

#include "conf/compare.h"

/* One that runs, or is to run. */
struct ss_party {
    const struct ss_conf *conf;
    enum ss_program program;
    uint8_t key[SS_KEY_PRINT]; /* of a server; clients have theirs with their servers */
};

enum ss_change_kind {
    SS_ADDED,
    SS_KEPT,
    SS_REPLACED, /* its sockets go on, and so do the sessions of the former one */
    SS_REKEYED   /* its sockets go on */
};

struct ss_change {
    enum ss_change_kind kind;
    size_t former; /* unless it is added: the one that runs */
};

enum { SS_CHANGES_WHY_MAX = 512 };

struct ss_parties {
    const struct ss_party *at;
    size_t n;
};

/*
 * Fills a change for each that is to run, and gone for each that runs.
 *
 * Returns 0, or -1 with a sentence in why: it takes a new socket in a place that is in use, or a
 * plugin, which cannot be started any more.
 */
int ss_changes_find(struct ss_change *change, struct ss_parties next, bool *gone,
                    struct ss_parties now, char why[SS_CHANGES_WHY_MAX]);

#endif
