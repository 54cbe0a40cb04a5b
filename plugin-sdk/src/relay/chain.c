/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/chain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    HIGH_WATER = 64 * 1024, /* a position runs while less than this waits behind it */
    ROUNDS_MAX = 256,       /* replies to replies within one call */
    SWEEPS_MAX = 1 << 16,   /* far beyond what a window of input can cause */
    EMITTED_MAX = 64 << 20, /* bytes between layers in one call; the same */
    RULE_MAX = 160
};

/* One layer of one connection. */
struct link {
    ssp_conn conn;
    void *state;
    struct ssp_pump pump[2]; /* pump.in is what waits before the layer */
    bool idle[2];            /* it wants more, and nothing has come since */
    bool owes[2];            /* it has more to say without more input */
    bool waits[2];           /* for the other direction */
};

/* One direction. */
struct way {
    size_t start;          /* the positions before it are over */
    bool eof;              /* the last of them has ended: nothing follows what waits */
    bool failed;           /* it has failed: nothing follows, and that is no end */
    struct ssp_bytes tail; /* what did not fit into the engine's view */
};

struct ssp_chain {
    bool begun;
    char rule[RULE_MAX];
    struct way way[2];
    struct link link[];
};

/* One direction of a chain, under way. */
struct run {
    const struct ssp_stack *stack;
    struct ssp_chain *chain;
    ssp_conn *conn;    /* the engine's */
    struct ssp_io *io; /* the engine's view, of the direction `called` */
    uint8_t *scratch;  /* NULL: not needed yet */
    size_t scratch_cap;
    ssp_dir called, dir; /* dir is the one that moves now */
    bool foreign;        /* the first position disowns the input */
    bool full;           /* the engine's view is */
    size_t emitted;      /* bytes that layers have handed on */
};

/* ---- layout ---- */

static size_t aligned(size_t n)
{
    size_t a = _Alignof(max_align_t);
    return (n + a - 1) / a * a;
}

size_t ssp_chain_layout(struct ssp_stack *stack)
{
    size_t at = aligned(sizeof(struct ssp_chain) + stack->n * sizeof(struct link));
    for (size_t i = 0; i < stack->n; i++) {
        stack->layer[i].state_at = at;
        at += aligned(stack->layer[i].codec.state_size);
    }
    return at;
}

static struct ssp_chain *chain_of(const struct ssp_stack *stack, ssp_conn *conn, void *state)
{
    struct ssp_chain *chain = state;
    if (chain->begun)
        return chain;
    chain->begun = true;
    for (size_t i = 0; i < stack->n; i++) {
        const struct ssp_layer *layer = &stack->layer[i];
        struct link *l = &chain->link[i];
        l->conn = (ssp_conn){.role = conn->role, .conf = layer->conf, .world = conn->world};
        l->state = (uint8_t *)state + layer->state_at;
        ssp_pump_init(&l->pump[SSP_WRAP], &layer->codec, SSP_WRAP);
        ssp_pump_init(&l->pump[SSP_UNWRAP], &layer->codec, SSP_UNWRAP);
    }
    return chain;
}

void ssp_chain_close(ssp_conn *conn, void *state)
{
    const struct ssp_stack *stack = conn->conf;
    struct ssp_chain *chain = chain_of(stack, conn, state);
    for (size_t i = 0; i < stack->n; i++) {
        struct link *l = &chain->link[i];
        if (stack->layer[i].codec.close != NULL)
            stack->layer[i].codec.close(&l->conn, l->state);
        free(l->conn.why);
        ssp_bytes_clear(&l->pump[SSP_WRAP].in, NULL);
        ssp_bytes_clear(&l->pump[SSP_UNWRAP].in, NULL);
    }
    ssp_bytes_clear(&chain->way[SSP_WRAP].tail, NULL);
    ssp_bytes_clear(&chain->way[SSP_UNWRAP].tail, NULL);
}

/* ---- who is there ---- */

static ssp_dir opposite(ssp_dir dir)
{
    return dir == SSP_WRAP ? SSP_UNWRAP : SSP_WRAP;
}

static size_t layer_at(const struct run *r, ssp_dir dir, size_t pos)
{
    return dir == SSP_WRAP ? pos : r->stack->n - 1 - pos;
}

static struct link *link_at(const struct run *r, ssp_dir dir, size_t pos)
{
    return &r->chain->link[layer_at(r, dir, pos)];
}

static struct ssp_bytes *before(const struct run *r, ssp_dir dir, size_t pos)
{
    return &link_at(r, dir, pos)->pump[dir].in;
}

static bool gone(const struct run *r, ssp_dir dir, size_t pos)
{
    const struct ssp_pump *p = &link_at(r, dir, pos)->pump[dir];
    return p->fn == NULL && p->ahead == 0 && ssp_bytes_len(&p->in) == 0;
}

/* The first position from pos on that is still there; n when none is. */
static size_t present(const struct run *r, ssp_dir dir, size_t pos)
{
    while (pos < r->stack->n && gone(r, dir, pos))
        pos++;
    return pos;
}

/* Something has come, or may have been learnt. */
static void wake(const struct run *r, ssp_dir dir)
{
    for (size_t i = 0; i < r->stack->n; i++)
        r->chain->link[i].idle[dir] = false;
}

/* ---- what waits ---- */

static void fail(struct run *r, size_t pos, const char *rule)
{
    struct way *w = &r->chain->way[r->dir];
    w->start = pos + 1;
    w->failed = true;
    if (rule == NULL || r->chain->rule[0] != '\0')
        return;
    if (r->stack->n == 1)
        (void)snprintf(r->chain->rule, RULE_MAX, "%s", rule);
    else
        (void)snprintf(r->chain->rule, RULE_MAX, "(layer %.60s) %s",
                       r->stack->layer[layer_at(r, r->dir, pos)].codec.name, rule);
}

/* Bytes for a position, or for the end of the direction when it is n. */
static int enqueue(struct run *r, ssp_dir dir, size_t pos, const void *bytes, size_t n)
{
    bool ends = pos == r->stack->n;
    struct ssp_bytes *q = ends ? &r->chain->way[dir].tail : before(r, dir, pos);
    if (n == 0)
        return 0;
    if (!ends) {
        struct link *l = link_at(r, dir, pos);
        l->idle[dir] = false;
    }
    return ssp_bytes_append(q, r->io->pool, bytes, n);
}

/* To the engine's view as far as it has room, behind what waits for it. */
static int emit(struct run *r, const uint8_t *bytes, size_t n)
{
    size_t room = 0;
    if (r->dir == r->called && ssp_bytes_len(&r->chain->way[r->dir].tail) == 0)
        room = ssp_room_left(r->io) < n ? ssp_room_left(r->io) : n;
    ssp_put(r->io, bytes, room);
    return enqueue(r, r->dir, r->stack->n, bytes + room, n - room);
}

static void flush_tail(struct run *r)
{
    struct ssp_bytes *tail = &r->chain->way[r->called].tail;
    size_t n = ssp_bytes_len(tail), room = ssp_room_left(r->io);
    n = n < room ? n : room;
    ssp_put(r->io, ssp_bytes_data(tail), n);
    ssp_bytes_take(tail, r->io->pool, n);
}

/* What left the other direction is, for the engine, a reply. */
static int flush_reply(struct run *r)
{
    struct ssp_bytes *tail = &r->chain->way[opposite(r->called)].tail;
    int rc = ssp_bytes_append(r->io->reply, r->io->pool, ssp_bytes_data(tail), ssp_bytes_len(tail));
    ssp_bytes_clear(tail, r->io->pool);
    return rc;
}

/* ---- one position ---- */

/* What a position reads. */
struct source {
    const uint8_t *bytes;
    size_t n;
    bool engine; /* it is the engine's view, else the queue before the position */
    bool eof;
    bool cut; /* more waits than a window shows */
};

static bool fed_by_engine(const struct run *r, size_t pos)
{
    return r->dir == r->called && r->chain->way[r->dir].start == 0 && present(r, r->dir, 0) == pos;
}

static struct source source_of(const struct run *r, size_t pos)
{
    const struct way *w = &r->chain->way[r->dir];
    const struct ssp_bytes *q = before(r, r->dir, pos);
    size_t len = ssp_bytes_len(q);
    bool first = present(r, r->dir, w->start) == pos, engine = fed_by_engine(r, pos);
    if (engine && len == 0)
        return (struct source){r->io->in, r->io->in_len, true, r->io->eof, false};
    bool eof = first && (engine ? r->io->eof && r->io->in_len == 0 : w->eof);
    bool cut = len > SSP_WINDOW;
    return (struct source){ssp_bytes_data(q), cut ? SSP_WINDOW : len, false, eof && !cut, cut};
}

/* The queue of a layer that wants more gets what the engine has: the layers before it are gone.
 * Returns whether it got something. */
static bool top_up(struct run *r, size_t pos)
{
    struct link *l = link_at(r, r->dir, pos);
    size_t len = ssp_bytes_len(&l->pump[r->dir].in), n = r->io->in_len;
    if (len == 0 || len >= SSP_WINDOW || !l->idle[r->dir] || !fed_by_engine(r, pos))
        return false;
    n = n < SSP_WINDOW - len ? n : SSP_WINDOW - len;
    if (enqueue(r, r->dir, pos, r->io->in, n) == -1)
        fail(r, pos, "runs while memory is out");
    ssp_skip(r->io, n);
    return n > 0;
}

static bool room_behind(const struct run *r, size_t pos)
{
    size_t next = present(r, r->dir, pos + 1);
    if (next == r->stack->n)
        return r->dir != r->called || (!r->full && ssp_bytes_len(&r->chain->way[r->dir].tail) == 0);
    size_t len = ssp_bytes_len(before(r, r->dir, next));
    return len < HIGH_WATER || (link_at(r, r->dir, next)->idle[r->dir] && len < SSP_WINDOW);
}

/* The direction that was called runs whoever is not idle; the other one only who has a reason, and
 * nobody whose input is with the engine. */
static bool may_run(const struct run *r, size_t pos)
{
    const struct link *l = link_at(r, r->dir, pos);
    const struct way *w = &r->chain->way[r->dir];
    if (l->idle[r->dir] || gone(r, r->dir, pos) || !room_behind(r, pos))
        return false;
    if (r->dir == r->called || ssp_bytes_len(&l->pump[r->dir].in) > 0)
        return true;
    bool first = present(r, r->dir, w->start) == pos;
    return first ? w->eof : l->owes[r->dir];
}

/* An inner layer disowns what the outer ones understood: it and those inside of it are taken out,
 * and the connection goes elsewhere. */
static void divert(struct run *r, size_t pos)
{
    for (size_t i = 0; i <= layer_at(r, r->dir, pos); i++) {
        for (int dir = 0; dir < 2; dir++) {
            struct link *l = &r->chain->link[i];
            l->pump[dir].fn = NULL;
            l->pump[dir].need = 0;
            l->pump[dir].ahead = 0;
            l->idle[dir] = l->owes[dir] = false;
        }
    }
    ssp_conn_divert(r->conn);
}

static void disown(struct run *r, size_t pos)
{
    if (pos == 0 && r->dir == r->called)
        r->foreign = true;
    else if (r->dir == SSP_UNWRAP && r->conn->role == SSP_SERVER)
        divert(r, pos);
    else
        fail(r, pos, NULL);
}

static void note(struct run *r, size_t pos, const struct ssp_io *view, ssp_verdict verdict)
{
    struct link *l = link_at(r, r->dir, pos);
    l->waits[r->dir] = verdict == SSP_MORE && view->waits;
    l->idle[r->dir] = verdict == SSP_MORE;
    l->owes[r->dir] = verdict == SSP_OK;
    if (l->conn.why != NULL)
        ssp_conn_why(r->conn, "%s", l->conn.why);
    if (l->conn.diverted && !r->conn->diverted)
        ssp_conn_divert(r->conn);
    if (verdict == SSP_FAIL) {
        fail(r, pos, l->pump[r->dir].rule);
    } else if (verdict == SSP_FOREIGN) {
        disown(r, pos);
    } else if (verdict == SSP_END) {
        r->chain->way[r->dir].start = pos + 1;
        r->chain->way[r->dir].eof = true;
        wake(r, r->dir);
    }
}

/* Moves what a run has left in its view to the next position. */
static void hand_on(struct run *r, size_t pos, const struct ssp_io *view)
{
    size_t next = present(r, r->dir, pos + 1);
    int rc = 0;
    for (unsigned i = 0; i < view->pieces && rc == 0; i++) {
        const struct iovec *piece = &view->piece[i];
        rc = next == r->stack->n ? emit(r, piece->iov_base, piece->iov_len)
                                 : enqueue(r, r->dir, next, piece->iov_base, piece->iov_len);
    }
    if (rc == -1)
        fail(r, pos, "emits more than memory holds");
}

/* Where the replies of a layer go: before the next one on their way, or behind the last. */
struct way_back {
    size_t pos;
    struct ssp_bytes *queue, dropped; /* dropped: a layer on the way has ended */
    size_t waited;                    /* in the queue before */
};

static void open_way_back(const struct run *r, size_t pos, struct way_back *b)
{
    ssp_dir dir = opposite(r->dir);
    size_t n = r->stack->n;
    struct way *w = &r->chain->way[dir];
    b->dropped = (struct ssp_bytes){.base = NULL};
    b->pos = present(r, dir, n - pos);
    b->queue = b->pos == n ? &w->tail : before(r, dir, b->pos);
    if (w->start > n - pos)
        b->queue = &b->dropped;
    b->waited = ssp_bytes_len(b->queue);
}

/* Returns whether something was replied. */
static bool close_way_back(const struct run *r, struct way_back *b)
{
    ssp_dir dir = opposite(r->dir);
    bool replied = b->queue != &b->dropped && ssp_bytes_len(b->queue) > b->waited;
    ssp_bytes_clear(&b->dropped, r->io->pool);
    if (!replied || b->pos == r->stack->n)
        return replied;
    struct link *l = link_at(r, dir, b->pos);
    l->idle[dir] = false;
    if (b->waited == 0)
        l->pump[dir].scanned = l->pump[dir].need = 0;
    return true;
}

/* One run of a position between queues.  Returns whether anything has changed. */
static bool run_queued(struct run *r, size_t pos, struct way_back *back)
{
    struct link *l = link_at(r, r->dir, pos);
    struct ssp_pump *p = &l->pump[r->dir];
    const struct source from = source_of(r, pos);
    struct ssp_io view;
    view.in = from.bytes;
    view.in_len = from.n;
    view.eof = from.eof;
    view.out = r->scratch;
    view.out_cap = r->scratch_cap;
    view.starved = view.waits = false;
    view.reply = back->queue;
    view.pool = r->io->pool;
    ssp_pump_begin(p, &view);
    ssp_verdict verdict = ssp_pump_run(p, &l->conn, l->state, &view);
    ssp_pump_finish(p, &view);

    size_t consumed = from.n - view.in_len;
    r->emitted += view.total;
    hand_on(r, pos, &view);
    if (from.engine)
        ssp_skip(r->io, consumed);
    else
        ssp_bytes_take(&p->in, r->io->pool, consumed);
    note(r, pos, &view, verdict);
    if (from.cut && consumed > 0)
        l->idle[r->dir] = false;
    return consumed > 0 || view.total > 0 || (verdict != SSP_OK && verdict != SSP_MORE);
}

/* The only position that is left works on the engine's view itself. */
static bool run_alone(struct run *r, size_t pos, struct way_back *back)
{
    struct link *l = link_at(r, r->dir, pos);
    struct ssp_pump *p = &l->pump[r->dir];
    struct ssp_io *io = r->io;
    struct ssp_bytes *reply = io->reply;
    size_t unread = io->in_len, emitted = io->total;
    bool consumed = io->consumed;
    io->reply = back->queue;
    io->waits = false;
    ssp_pump_lend(p, io);
    ssp_verdict verdict = ssp_pump_run(p, &l->conn, l->state, io);
    ssp_pump_finish(p, io);
    io->reply = reply;
    io->need = io->scanned = 0;
    io->ahead = 0;
    io->consumed |= consumed;
    io->rule = NULL;
    r->full = verdict == SSP_OK;
    note(r, pos, io, verdict);
    return io->in_len != unread || io->total != emitted ||
           (verdict != SSP_OK && verdict != SSP_MORE);
}

static bool alone(const struct run *r, size_t pos)
{
    return fed_by_engine(r, pos) && ssp_bytes_len(before(r, r->dir, pos)) == 0 &&
           present(r, r->dir, pos + 1) == r->stack->n;
}

static bool run_position(struct run *r, size_t pos)
{
    const struct ssp_pump *p = &link_at(r, r->dir, pos)->pump[r->dir];
    ssp_codec_fn *fn = p->fn;
    struct way_back back;
    bool direct = alone(r, pos);
    if (!direct && r->scratch == NULL) {
        r->scratch_cap = r->stack->scratch;
        r->scratch = ssp_pool_take(r->io->pool, &r->scratch_cap);
        if (r->scratch == NULL) {
            fail(r, pos, "runs while memory is out");
            return true;
        }
    }
    open_way_back(r, pos, &back);
    bool moved = direct ? run_alone(r, pos, &back) : run_queued(r, pos, &back);
    bool replied = close_way_back(r, &back);
    return moved || replied || p->fn != fn;
}

/* ---- one call ---- */

/* Runs a direction until nobody in it can go on.  Returns whether anything has changed. */
static bool move(struct run *r, ssp_dir dir)
{
    bool moved = false, again = true;
    r->dir = dir;
    for (unsigned sweep = 0; again && !r->foreign; sweep++) {
        again = false;
        if (sweep == SWEEPS_MAX || r->emitted > EMITTED_MAX)
            fail(r, r->chain->way[dir].start, "never stops emitting");
        if (dir == r->called)
            flush_tail(r);
        for (size_t pos = r->chain->way[dir].start; pos < r->stack->n && !r->foreign; pos++) {
            if (may_run(r, pos))
                again |= run_position(r, pos);
            again |= top_up(r, pos);
        }
        moved |= again;
    }
    return moved;
}

/* The direction that was called, then the other one, as long as one teaches the other something.
 * One that waits for the engine's room will be called by the engine. */
static void move_both(struct run *r)
{
    ssp_dir other = opposite(r->called);
    bool stalled = ssp_bytes_len(&r->chain->way[other].tail) > 0;
    wake(r, r->called);
    for (unsigned round = 0; move(r, r->called) || round == 0; round++) {
        wake(r, other);
        if (r->foreign || stalled || !move(r, other))
            break;
        wake(r, r->called);
        r->dir = r->called;
        if (round == ROUNDS_MAX) {
            fail(r, 0, "never stops replying");
            break;
        }
    }
    r->dir = r->called;
    flush_tail(r);
    if (!stalled && flush_reply(r) == -1)
        fail(r, 0, "replies while memory is out");
}

/* What somebody holds back for the other direction is not over with the input. */
static bool waits(const struct run *r)
{
    bool any = false;
    for (size_t pos = r->chain->way[r->called].start; pos < r->stack->n; pos++)
        any |= link_at(r, r->called, pos)->waits[r->called];
    return any;
}

static ssp_verdict verdict_of(struct run *r)
{
    const struct way *w = &r->chain->way[r->called];
    size_t first = present(r, r->called, w->start);
    if (r->foreign)
        return SSP_FOREIGN;
    if (r->chain->way[opposite(r->called)].failed)
        return SSP_FAIL;
    if (ssp_bytes_len(&w->tail) > 0 || r->full) {
        r->io->starved = true;
        return SSP_OK;
    }
    if (w->failed)
        return SSP_FAIL;
    if (first == r->stack->n)
        return w->start > 0 ? SSP_END : SSP_CLEAR;
    if (fed_by_engine(r, first) && ssp_bytes_len(before(r, r->called, first)) == 0)
        r->io->need = link_at(r, r->called, first)->pump[r->called].need;
    r->io->waits = waits(r);
    return SSP_MORE;
}

static ssp_verdict call(ssp_conn *conn, void *state, ssp_io *io, ssp_dir dir)
{
    const struct ssp_stack *stack = conn->conf;
    struct run r = {.stack = stack,
                    .chain = chain_of(stack, conn, state),
                    .conn = conn,
                    .io = io,
                    .called = dir,
                    .dir = dir};
    move_both(&r);
    ssp_pool_give(io->pool, r.scratch, r.scratch_cap);
    ssp_verdict verdict = verdict_of(&r);
    if (verdict == SSP_FAIL && r.chain->rule[0] != '\0')
        io->rule = r.chain->rule;
    return verdict;
}

ssp_verdict ssp_chain_wrap(ssp_conn *conn, void *state, ssp_io *io)
{
    return call(conn, state, io, SSP_WRAP);
}

ssp_verdict ssp_chain_unwrap(ssp_conn *conn, void *state, ssp_io *io)
{
    return call(conn, state, io, SSP_UNWRAP);
}
