/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exchange.h - one exchange of a node with the store of its fleet, in a thread beside the loop:
 * traffic and salts go there, salts and users of the others come back.
 *
 * Keys, below the prefix of the place:
 *   :users:PORT    hash, name -> see store/user.h
 *   :version       number; another one than before: users are read again
 *   :traffic:PORT  hash, up, down, up:NAME, down:NAME -> bytes
 *   :node:ID       hash, sequence -> of the last batch of a node; expires after a week
 *   :salts         stream of two minutes, n -> ID, r -> see store/salts.h
 */
#ifndef SS_APP_EXCHANGE_H
#define SS_APP_EXCHANGE_H

#include "proto/users.h"
#include "store/batch.h"
#include "store/place.h"
#include "store/salts.h"

#include <stdatomic.h>

enum { SS_EXCHANGE_WHY_MAX = 256, SS_EXCHANGE_NODE = 17, SS_EXCHANGE_ID = 48 };

/* A port whose users the store has. */
struct ss_exchange_port {
    unsigned port;
    const struct ss_cipher *cipher;
    struct ss_users *users; /* held */
    bool read;              /* what follows is of this exchange */
    struct ss_users_change change;
    struct ss_batch totals;           /* of users with a limit */
    char remark[SS_EXCHANGE_WHY_MAX]; /* of a user that is left out; or empty */
};

/* Zero is a closed one; the thread's while it runs. */
struct ss_exchange {
    struct ss_store_place place;
    char node[SS_EXCHANGE_NODE];
    void *connection; /* NULL: none */

    uint64_t sequence;     /* of the batch */
    struct ss_batch batch; /* until it has been added */
    struct ss_batch added; /* it, with its totals */
    struct ss_batch rest;  /* what the store refused to add */

    uint8_t *salts; /* to be sent; owned */
    size_t salts_len;
    char seen[SS_EXCHANGE_ID];      /* the last message of the stream; empty: none yet */
    struct ss_recent_kept *learned; /* of other nodes; owned */
    size_t learneds;

    int64_t deadline_ms;     /* of CLOCK_MONOTONIC: when the exchange that runs gives up */
    const atomic_bool *stop; /* borrowed while it runs */
    bool hurries;            /* stop was seen */

    bool whole; /* users are read, whatever the version */
    char version[SS_EXCHANGE_ID];
    struct ss_exchange_port *port; /* owned */
    size_t ports;

    uint64_t commands;             /* since the start */
    char why[SS_EXCHANGE_WHY_MAX]; /* the first thing that went wrong; or empty */
};

/* Returns false where this build has no client for stores. */
bool ss_exchange_possible(void);

/* Gives up after so long, however slowly the store answers, and soon after *stop is true. */
void ss_exchange_run(struct ss_exchange *exchange, const atomic_bool *stop, unsigned limit_ms);

/* Forgets what the last run has brought. */
void ss_exchange_clear(struct ss_exchange *exchange);
void ss_exchange_close(struct ss_exchange *exchange);

#endif
