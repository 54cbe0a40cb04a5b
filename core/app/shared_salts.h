/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shared_salts.h - the keeper of a node of a fleet: what it keeps waits for the store, and for the
 * file of the node, if that has one; what other nodes have seen goes into the rings.
 */
#ifndef SS_APP_SHARED_SALTS_H
#define SS_APP_SHARED_SALTS_H

#include "crypto/recent.h"

enum { SS_SHARED_SALTS_MAX = 65536 }; /* that wait; older ones are lost to the other nodes */

struct ss_shared_salts;

/* inner, borrowed, is the keeper of the file; may be NULL.  NULL when memory is out. */
struct ss_shared_salts *ss_shared_salts_new(const struct ss_recent_keeper *inner);
void ss_shared_salts_free(struct ss_shared_salts *salts); /* its rings are freed; accepts NULL */

const struct ss_recent_keeper *ss_shared_salts_keeper(const struct ss_shared_salts *salts);

/* Takes what waits, as the store has it: a text of the caller's, of *len bytes; NULL when nothing
 * does. *lost is the number of those that were given up. */
uint8_t *ss_shared_salts_take(struct ss_shared_salts *salts, size_t *len, size_t *lost);

void ss_shared_salts_learn(struct ss_shared_salts *salts, const struct ss_recent_kept *kept,
                           size_t n, int64_t now);

#endif
