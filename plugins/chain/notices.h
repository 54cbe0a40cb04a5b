/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notices.h - combines the notices of the processes of a chain into the notices of the chain.
 */
#ifndef CHAIN_NOTICES_H
#define CHAIN_NOTICES_H

#include "chain/processes.h"

enum { NOTICES_TEXT_MAX = 256 };

/* Zero is valid: nothing is known. */
struct notices {
    const struct processes *processes;
    char stats[STAGES_MAX][NOTICES_TEXT_MAX]; /* the last STATS of each process */
};

void notices_stats(struct notices *notices, unsigned process, const char *value);

/* "STATS" of the whole: that of the process nearest to Shadowsocks, then "N.up=... N.down=..." of
 * each process that has reported, N being its first stage.  Returns text. */
const char *notices_compose(const struct notices *notices, char *text, size_t cap);

/* The client options of a server, as options of stage N of a chain. */
void notices_client_options(struct items *items, unsigned stage, const char *options);

#endif
