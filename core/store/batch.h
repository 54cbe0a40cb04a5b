/* SPDX-License-Identifier: Apache-2.0 */
/*
 * batch.h - traffic that is to be added to the store at once, and once only: the store notes the
 * sequence number of the last batch of each node, so that one that is sent again is not added
 * again.
 */
#ifndef SS_STORE_BATCH_H
#define SS_STORE_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ss_batch_entry {
    unsigned port;
    char *name;        /* of a user; owned; NULL: the port itself */
    uint64_t up, down; /* new bytes */
    uint64_t total;    /* of both, of all nodes, once it has been added */
    bool totalled;     /* the store has told it */
};

/* Zero is an empty one. */
struct ss_batch {
    struct ss_batch_entry *at; /* owned */
    size_t n, cap;
};

/* Returns false when memory is out. */
bool ss_batch_add(struct ss_batch *batch, unsigned port, const char *name, uint64_t up,
                  uint64_t down);
void ss_batch_release(struct ss_batch *batch);

/*
 * The program of the store.  Keys: that of the node, and of the traffic of each port.  Arguments:
 * the sequence number, and for each entry the number of its key, the name or nothing, up, down.
 *
 * It answers whether it has added the batch, and for each entry both totals; -1 stands for one that
 * cannot be added to: the others are.
 */
extern const char ss_batch_script[];

/* Takes the answer.  An entry that the store refused goes into *rest.  Returns false for an answer
 * that is none. */
bool ss_batch_answer(struct ss_batch *batch, const long long *numbers, size_t n,
                     struct ss_batch *rest);

#endif
