/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/stack_conn.h"

#include "codec/stack_layer.h"

#include <stdlib.h>
#include <string.h>

enum {
    ROUNDS_MAX = 256,      /* replies to replies within one call */
    SWEEPS_MAX = 1 << 16,  /* far beyond what a window of input can cause */
    EMITTED_MAX = 64 << 20 /* bytes between layers in one call; the same */
};

/* ---- layout ---- */

static size_t aligned(size_t n)
{
    size_t a = _Alignof(max_align_t);
    return (n + a - 1) / a * a;
}

size_t ssp__stack_conn_layout(ssp_stack *stack)
{
    size_t at = aligned(sizeof(struct ssp__stack_conn) + stack->n * sizeof(struct ssp__stack_link));
    for (size_t i = 0; i < stack->n; i++) {
        stack->layer[i].state_at = at;
        at += aligned(stack->layer[i].codec.state_size);
    }
    return at;
}

static struct ssp__stack_conn *chain_of(const ssp_stack *stack, ssp_conn *conn, void *state)
{
    struct ssp__stack_conn *chain = state;
    if (chain->begun)
        return chain;
    chain->begun = true;
    for (size_t i = 0; i < stack->n; i++) {
        const struct ssp__stack_layer *layer = &stack->layer[i];
        struct ssp__stack_link *l = &chain->link[i];
        l->conn = (ssp_conn){
            .role = conn->role, .conf = layer->conf, .world = conn->world, .outer = conn};
        l->state = (uint8_t *)state + layer->state_at;
        ssp__pump_init(&l->pump[SSP_WRAP], &layer->codec, SSP_WRAP);
        ssp__pump_init(&l->pump[SSP_UNWRAP], &layer->codec, SSP_UNWRAP);
    }
    return chain;
}

void ssp__stack_conn_close(ssp_conn *conn, void *state)
{
    const ssp_stack *stack = conn->conf;
    struct ssp__stack_conn *chain = chain_of(stack, conn, state);
    for (size_t i = 0; i < stack->n; i++) {
        struct ssp__stack_link *l = &chain->link[i];
        if (stack->layer[i].codec.close != NULL)
            stack->layer[i].codec.close(&l->conn, l->state);
        ssp__conn_release(&l->conn);
        ssp__bytes_clear(&l->pump[SSP_WRAP].in, chain->pool);
        ssp__bytes_clear(&l->pump[SSP_UNWRAP].in, chain->pool);
    }
    ssp__bytes_clear(&chain->direction[SSP_WRAP].tail, chain->pool);
    ssp__bytes_clear(&chain->direction[SSP_UNWRAP].tail, chain->pool);
    free(chain->rule);
}

/* ---- output ---- */

static void flush_tail(struct ssp__stack_run *r)
{
    struct ssp__bytes *tail = &r->chain->direction[r->called].tail;
    size_t n = ssp__bytes_len(tail), room = ssp__io_room(r->io);
    n = n < room ? n : room;
    ssp_put(r->io, ssp__bytes_data(tail), n);
    ssp__bytes_take(tail, r->io->pool, n);
}

/* The output of the other direction is a reply for the engine. */
static int flush_reply(struct ssp__stack_run *r)
{
    struct ssp__bytes *tail = &r->chain->direction[ssp__opposite(r->called)].tail;
    int rc = 0;
    if (r->io->reply != NULL)
        rc = ssp__bytes_append(r->io->reply, r->io->pool, ssp__bytes_data(tail),
                               ssp__bytes_len(tail));
    ssp__bytes_clear(tail, r->io->pool);
    return rc;
}

/* ---- one call ---- */

/* Runs a direction until none of its layers can go on.  Returns whether anything has changed. */
static bool move(struct ssp__stack_run *r, ssp_dir dir)
{
    bool moved = false, again = true;
    r->dir = dir;
    for (unsigned sweep = 0; again && !r->foreign; sweep++) {
        again = false;
        size_t start = r->chain->direction[dir].start, last = r->stack->n - 1;
        if (sweep == SWEEPS_MAX || r->emitted > EMITTED_MAX)
            ssp__stack_run_fail(r, start < last ? start : last, "never stops emitting");
        if (dir == r->called)
            flush_tail(r);
        for (size_t pos = r->chain->direction[dir].start; pos < r->stack->n && !r->foreign; pos++)
            again |= ssp__stack_layer_turn(r, pos);
        moved |= again;
    }
    return moved;
}

/* Runs the direction that was called, then the other one, as long as one changes the other.  The
 * engine calls again the one that waits for room. */
static void move_both(struct ssp__stack_run *r)
{
    ssp_dir other = ssp__opposite(r->called);
    bool stalled = ssp__bytes_len(&r->chain->direction[other].tail) > 0;
    ssp__stack_run_wake(r, r->called);
    for (unsigned round = 0; move(r, r->called) || round == 0; round++) {
        ssp__stack_run_wake(r, other);
        if (r->foreign || stalled || !move(r, other))
            break;
        ssp__stack_run_wake(r, r->called);
        r->dir = r->called;
        if (round == ROUNDS_MAX) {
            ssp__stack_run_fail(r, 0, "never stops replying");
            break;
        }
    }
    r->dir = r->called;
    flush_tail(r);
    if (!stalled && flush_reply(r) == -1)
        ssp__stack_run_fail(r, 0, "replies while memory is out");
}

/* A layer that waits for the other direction may emit more after the end of input. */
static bool waits(const struct ssp__stack_run *r)
{
    bool any = false;
    for (size_t pos = r->chain->direction[r->called].start; pos < r->stack->n; pos++)
        any |= ssp__stack_layer_link(r, r->called, pos)->waits[r->called];
    return any;
}

static ssp_verdict verdict_of(struct ssp__stack_run *r)
{
    const struct ssp__stack_direction *w = &r->chain->direction[r->called];
    size_t first = ssp__stack_layer_present(r, r->called, w->start);
    if (r->foreign)
        return SSP_FOREIGN;
    if (r->chain->direction[ssp__opposite(r->called)].failed)
        return SSP_FAIL;
    if (ssp__bytes_len(&w->tail) > 0 || r->full) {
        r->io->starved = true;
        return SSP_OK;
    }
    if (w->failed)
        return SSP_FAIL;
    if (first == r->stack->n)
        return w->start > 0 ? SSP_END : SSP_CLEAR;
    if (ssp__stack_layer_fed_by_engine(r, first) &&
        ssp__bytes_len(ssp__stack_layer_queue(r, r->called, first)) == 0)
        r->io->need = ssp__stack_layer_link(r, r->called, first)->pump[r->called].need;
    r->io->waits = waits(r);
    return SSP_MORE;
}

/* Each direction of the whole is to be called for the first of its layers' timers. */
static void set_timers(struct ssp__stack_run *r)
{
    for (int dir = 0; dir < 2; dir++) {
        uint64_t first = SSP_NEVER;
        r->dir = (ssp_dir)dir;
        for (size_t pos = r->chain->direction[dir].start; pos < r->stack->n; pos++) {
            uint64_t due = ssp__stack_layer_due_ms(r, pos);
            first = due < first ? due : first;
        }
        ssp__conn_timer_at(r->conn, r->dir, first);
    }
    r->dir = r->called;
}

static ssp_verdict call(ssp_conn *conn, void *state, ssp_io *io, ssp_dir dir)
{
    const ssp_stack *stack = conn->conf;
    struct ssp__stack_run r = {.stack = stack,
                               .chain = chain_of(stack, conn, state),
                               .conn = conn,
                               .io = io,
                               .in = io->in,
                               .in_len = io->in_len,
                               .called = dir,
                               .dir = dir};
    r.chain->pool = io->pool;
    move_both(&r);
    set_timers(&r);
    ssp__pool_give(io->pool, r.scratch, r.scratch_cap);
    ssp_verdict verdict = verdict_of(&r);
    if (verdict == SSP_FAIL && r.chain->rule != NULL)
        io->rule = r.chain->rule;
    return verdict;
}

ssp_verdict ssp__stack_conn_wrap(ssp_conn *conn, void *state, ssp_io *io)
{
    return call(conn, state, io, SSP_WRAP);
}

ssp_verdict ssp__stack_conn_unwrap(ssp_conn *conn, void *state, ssp_io *io)
{
    return call(conn, state, io, SSP_UNWRAP);
}
