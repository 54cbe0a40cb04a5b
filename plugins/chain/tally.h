/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tally.h - combines the notices of the processes of a chain into the notices of the chain.
 */
#ifndef CHAIN_TALLY_H
#define CHAIN_TALLY_H

#include "chain/links.h"

enum { TALLY_TEXT_MAX = 256 };

/* Zero is valid: nothing is known. */
struct tally {
    const struct links *links;
    char stats[STAGES_MAX][TALLY_TEXT_MAX]; /* the last STATS of each link */
};

void tally_stats(struct tally *tally, unsigned link, const char *value);

/* "STATS" of the whole: that of the link nearest to Shadowsocks, then "N.up=... N.down=..." of
 * each link that has reported, N being its first stage.  Returns text. */
const char *tally_compose(const struct tally *tally, char *text, size_t cap);

/* The client options of a server, as options of stage N of a chain. */
void tally_client_options(struct items *items, unsigned stage, const char *options);

#endif
