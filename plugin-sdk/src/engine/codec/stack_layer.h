/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stack_layer.h - one layer of a stack in one direction: its input, its output and its replies.
 *
 * A position that has run records the result in its link and its direction; stack_conn.c chooses
 * the next one.
 */
#ifndef SSP_CODEC_STACK_LAYER_H
#define SSP_CODEC_STACK_LAYER_H

#include "codec/pump.h"
#include "codec/stack.h"

/* One layer of one connection. */
struct ssp__stack_link {
    ssp_conn conn;
    void *state;
    struct ssp__pump pump[2]; /* pump.in is what waits before the layer */
    bool idle[2];             /* it wants more input, and none has come since */
    bool owes[2];             /* it has more output without more input */
    bool waits[2];            /* for the other direction */
};

/* One direction. */
struct ssp__stack_direction {
    size_t start;           /* the positions before it are over */
    bool eof;               /* the last of them has ended: no bytes follow the waiting ones */
    bool failed;            /* it has failed: no bytes follow, but this is not the end of input */
    struct ssp__bytes tail; /* bytes that did not fit into the engine's view */
};

struct ssp__stack_conn {
    bool begun;
    struct ssp__pool *pool; /* that all queues are from; borrowed, or NULL */
    char *rule;             /* owned: the first that was broken; NULL: none was, or memory is out */
    struct ssp__stack_direction direction[2];
    struct ssp__stack_link link[];
};

/* Output of a layer that the next one reads where it is: in memory of the engine. */
struct ssp__stack_lent {
    const uint8_t *bytes;
    size_t n;   /* 0: nothing is lent */
    size_t pos; /* of the reader, whose queue is empty */
};

/* One call of the engine, in both directions of a stack. */
struct ssp__stack_run {
    const ssp_stack *stack;
    struct ssp__stack_conn *chain;
    ssp_conn *conn;    /* the engine's */
    ssp_io *io;        /* the engine's view, of the direction `called` */
    const uint8_t *in; /* the engine's input as the call began */
    size_t in_len;
    uint8_t *scratch; /* where that of the engine does not do; NULL: not needed yet */
    size_t scratch_cap;
    struct ssp__stack_lent lent;
    ssp_dir called, dir; /* dir is the one that moves now */
    bool foreign;        /* the first position disowns the input */
    bool full;           /* the engine's view has no room */
    size_t emitted;      /* bytes that layers have handed on */
};

static inline ssp_dir ssp__opposite(ssp_dir dir)
{
    return dir == SSP_WRAP ? SSP_UNWRAP : SSP_WRAP;
}

static inline size_t ssp__stack_layer_index(const struct ssp__stack_run *r, ssp_dir dir, size_t pos)
{
    return dir == SSP_WRAP ? pos : r->stack->n - 1 - pos;
}

static inline struct ssp__stack_link *ssp__stack_layer_link(const struct ssp__stack_run *r,
                                                            ssp_dir dir, size_t pos)
{
    return &r->chain->link[ssp__stack_layer_index(r, dir, pos)];
}

/* The queue before a position. */
static inline struct ssp__bytes *ssp__stack_layer_queue(const struct ssp__stack_run *r, ssp_dir dir,
                                                        size_t pos)
{
    return &ssp__stack_layer_link(r, dir, pos)->pump[dir].in;
}

static inline bool ssp__stack_layer_gone(const struct ssp__stack_run *r, ssp_dir dir, size_t pos)
{
    const struct ssp__pump *p = &ssp__stack_layer_link(r, dir, pos)->pump[dir];
    return p->fn == NULL && p->ahead == 0 && ssp__bytes_len(&p->in) == 0;
}

/* The first position from pos on that is still there; n when none is. */
static inline size_t ssp__stack_layer_present(const struct ssp__stack_run *r, ssp_dir dir,
                                              size_t pos)
{
    while (pos < r->stack->n && ssp__stack_layer_gone(r, dir, pos))
        pos++;
    return pos;
}

/* True when the position, of the direction that moves, reads the engine's view. */
static inline bool ssp__stack_layer_fed_by_engine(const struct ssp__stack_run *r, size_t pos)
{
    return r->dir == r->called && r->chain->direction[r->dir].start == 0 &&
           ssp__stack_layer_present(r, r->dir, 0) == pos;
}

/* New bytes or a changed state may concern this direction: marks its layers as not idle. */
void ssp__stack_run_wake(const struct ssp__stack_run *r, ssp_dir dir);

/* The direction that moves has failed at pos; rule is the one that was broken, or NULL. */
void ssp__stack_run_fail(struct ssp__stack_run *r, size_t pos, const char *rule);

/* When the timer of a position is due that has room behind it; SSP_NEVER for none. */
uint64_t ssp__stack_layer_due_ms(const struct ssp__stack_run *r, size_t pos);

/* Runs the codec of a position if it may, with those that read its output where it is, and tops its
 * queue up.  Returns whether anything has changed. */
bool ssp__stack_layer_turn(struct ssp__stack_run *r, size_t pos);

#endif
