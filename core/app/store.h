/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store.h - a server as a node of a fleet: users, limits, traffic and the salts of the last minute
 * are in a store that all nodes have, Redis or Valkey.
 *
 * The node serves from its own memory, and exchanges with the store several times a second, in a
 * thread: nothing waits for it, and without it the node goes on with its last copy.
 */
#ifndef SS_APP_STORE_H
#define SS_APP_STORE_H

#include "app/serving.h"

struct ss_store;

/* *store is NULL where the configuration names none.  inner is the keeper of the node's own file,
 * or NULL.  Returns 0, or -1 after a log line. */
int ss_store_open(struct ss_store **store, const struct ss_conf *conf,
                  const struct ss_recent_keeper *inner);

/* The keeper of its salts; NULL for NULL. */
const struct ss_recent_keeper *ss_store_keeper(const struct ss_store *store);

/* Before the first client: exchanges once, for a few seconds at most, and then again and again.
 * Returns 0, or -1 after a log line; accepts NULL, as all below. */
int ss_store_begin(struct ss_store *store, struct ss_serving *serving);

struct ss_store_counts {
    bool up;           /* the last exchange had a connection */
    bool copied;       /* age_ms has a beginning */
    uint64_t age_ms;   /* since the last exchange without an error */
    uint64_t errors;   /* exchanges with one */
    uint64_t commands; /* sent */
};
struct ss_store_counts ss_store_counts(const struct ss_store *store); /* not NULL */

/* Instances are about to go: what they have carried is noted. */
void ss_store_gather(struct ss_store *store);

/* Other instances serve: the users are read at once. */
void ss_store_read_again(struct ss_store *store);

/* Exchanges once more, and ends. */
void ss_store_end(struct ss_store *store);
void ss_store_free(struct ss_store *store); /* rings and instances are gone */

#endif
