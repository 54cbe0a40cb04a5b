/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/stack_layer.h"

#include <stdint.h>
#include <stdio.h>

enum { HIGH_WATER = 64 * 1024 /* a position runs while less than this waits behind it */ };

void ssp__stack_run_wake(const struct ssp__stack_run *r, ssp_dir dir)
{
    for (size_t i = 0; i < r->stack->n; i++)
        r->chain->link[i].idle[dir] = false;
}

/* ---- queues ---- */

void ssp__stack_run_fail(struct ssp__stack_run *r, size_t pos, const char *rule)
{
    struct ssp__stack_direction *w = &r->chain->direction[r->dir];
    w->start = pos < w->start ? w->start : pos + 1;
    w->failed = true;
    if (rule == NULL || r->chain->rule != NULL)
        return;
    const char *name = r->stack->layer[ssp__stack_layer_index(r, r->dir, pos)].codec.name;
    bool one = r->stack->n == 1;
    if (asprintf(&r->chain->rule, "%s%.60s%s%s", one ? "" : "(layer ", one ? "" : name,
                 one ? "" : ") ", rule) == -1)
        r->chain->rule = NULL;
}

/* Queues bytes before a position, or at the end of the direction when it is n. */
static int enqueue(struct ssp__stack_run *r, ssp_dir dir, size_t pos, const void *bytes, size_t n)
{
    bool ends = pos == r->stack->n;
    struct ssp__bytes *q =
        ends ? &r->chain->direction[dir].tail : ssp__stack_layer_queue(r, dir, pos);
    if (n == 0)
        return 0;
    if (!ends) {
        struct ssp__stack_link *l = ssp__stack_layer_link(r, dir, pos);
        l->idle[dir] = false;
    }
    return ssp__bytes_append(q, r->io->pool, bytes, n);
}

static bool within(const uint8_t *at, const uint8_t *memory, size_t size)
{
    return (uintptr_t)at - (uintptr_t)memory < size;
}

/* True for memory of the engine, which stays as it is until the engine has written its pieces. */
static bool lasts(const struct ssp__stack_run *r, const uint8_t *bytes)
{
    return r->dir == r->called &&
           (within(bytes, r->in, r->in_len) || within(bytes, r->io->out, r->io->out_cap));
}

/* Puts bytes into the engine's view as far as it has room, behind bytes that wait for it. */
static int emit(struct ssp__stack_run *r, const uint8_t *bytes, size_t n)
{
    size_t room = 0;
    if (r->dir == r->called && ssp__bytes_len(&r->chain->direction[r->dir].tail) == 0) {
        if (lasts(r, bytes) && ssp__io_refer(r->io, bytes, n))
            return 0;
        room = ssp__io_room(r->io) < n ? ssp__io_room(r->io) : n;
    }
    ssp_put(r->io, bytes, room);
    return enqueue(r, r->dir, r->stack->n, bytes + room, n - room);
}

/* ---- one position ---- */

/* The input of a position. */
struct source {
    const uint8_t *bytes;
    size_t n;
    bool engine; /* it is the engine's view */
    bool lent;   /* it is the output of the layer before; else the queue before the position */
    bool eof;
    bool cut; /* more waits than a window shows */
};

static struct source source_of(const struct ssp__stack_run *r, size_t pos)
{
    const struct ssp__stack_direction *w = &r->chain->direction[r->dir];
    const struct ssp__bytes *q = ssp__stack_layer_queue(r, r->dir, pos);
    size_t len = ssp__bytes_len(q);
    bool first = ssp__stack_layer_present(r, r->dir, w->start) == pos,
         engine = ssp__stack_layer_fed_by_engine(r, pos);
    bool eof = first && (engine ? r->io->eof && r->io->in_len == 0 : w->eof);
    bool cut = len > SSP_WINDOW;
    if (r->lent.n > 0)
        return (struct source){.bytes = r->lent.bytes, .n = r->lent.n, .lent = true, .eof = eof};
    if (engine && len == 0)
        return (struct source){
            .bytes = r->io->in, .n = r->io->in_len, .engine = true, .eof = r->io->eof};
    return (struct source){
        .bytes = ssp__bytes_data(q), .n = cut ? SSP_WINDOW : len, .eof = eof && !cut, .cut = cut};
}

/* Moves input of the engine to the queue of a layer that wants more and has no layer before it: as
 * much as it asks for, since it reads the rest where it is.  Returns whether bytes were moved. */
static bool top_up(struct ssp__stack_run *r, size_t pos)
{
    struct ssp__stack_link *l = ssp__stack_layer_link(r, r->dir, pos);
    const struct ssp__pump *p = &l->pump[r->dir];
    size_t len = ssp__bytes_len(&p->in), n = r->io->in_len;
    size_t most = p->need > len ? p->need : SSP_WINDOW;
    if (len == 0 || len >= SSP_WINDOW || !l->idle[r->dir] ||
        !ssp__stack_layer_fed_by_engine(r, pos))
        return false;
    n = n < most - len ? n : most - len;
    if (enqueue(r, r->dir, pos, r->io->in, n) == -1)
        ssp__stack_run_fail(r, pos, "runs while memory is out");
    ssp_skip(r->io, n);
    return n > 0;
}

static bool room_behind(const struct ssp__stack_run *r, size_t pos)
{
    size_t next = ssp__stack_layer_present(r, r->dir, pos + 1);
    if (next == r->stack->n)
        return r->dir != r->called ||
               (!r->full && ssp__bytes_len(&r->chain->direction[r->dir].tail) == 0);
    size_t len = ssp__bytes_len(ssp__stack_layer_queue(r, r->dir, next));
    return len < HIGH_WATER ||
           (ssp__stack_layer_link(r, r->dir, next)->idle[r->dir] && len < SSP_WINDOW);
}

/* A layer that is idle never runs.  In the direction that was not called, a layer needs queued
 * input, a pending end, or output that it still owes. */
static bool may_run(const struct ssp__stack_run *r, size_t pos)
{
    const struct ssp__stack_link *l = ssp__stack_layer_link(r, r->dir, pos);
    const struct ssp__stack_direction *w = &r->chain->direction[r->dir];
    if (pos < w->start || l->idle[r->dir] || ssp__stack_layer_gone(r, r->dir, pos) ||
        !room_behind(r, pos))
        return false;
    if (r->dir == r->called || ssp__bytes_len(&l->pump[r->dir].in) > 0)
        return true;
    bool first = ssp__stack_layer_present(r, r->dir, w->start) == pos;
    return first ? w->eof : l->owes[r->dir];
}

/* An inner layer disowns the output of the outer ones: it and the layers inside of it are removed,
 * and the connection goes to a fallback. */
static void divert(struct ssp__stack_run *r, size_t pos)
{
    for (size_t i = 0; i <= ssp__stack_layer_index(r, r->dir, pos); i++) {
        for (int dir = 0; dir < 2; dir++) {
            struct ssp__stack_link *l = &r->chain->link[i];
            l->pump[dir].fn = NULL;
            l->pump[dir].need = 0;
            l->pump[dir].ahead = 0;
            l->idle[dir] = l->owes[dir] = false;
        }
    }
    ssp_conn_divert(r->conn);
}

static void disown(struct ssp__stack_run *r, size_t pos)
{
    if (pos == 0 && r->dir == r->called)
        r->foreign = true;
    else if (r->dir == SSP_UNWRAP && r->conn->role == SSP_SERVER)
        divert(r, pos);
    else
        ssp__stack_run_fail(r, pos, NULL);
}

static void note(struct ssp__stack_run *r, size_t pos, const ssp_io *view, ssp_verdict verdict)
{
    struct ssp__stack_link *l = ssp__stack_layer_link(r, r->dir, pos);
    l->waits[r->dir] = verdict == SSP_MORE && view->waits;
    l->idle[r->dir] = verdict == SSP_MORE;
    l->owes[r->dir] = verdict == SSP_OK;
    if (l->conn.why != NULL)
        ssp_conn_why(r->conn, "%s", l->conn.why);
    if (l->conn.bucket != NULL)
        r->conn->bucket = l->conn.bucket;
    if (l->conn.user != NULL)
        r->conn->user = l->conn.user;
    if (l->conn.divert_asked && !r->conn->divert_asked)
        ssp_conn_divert(r->conn);
    if (verdict == SSP_FAIL) {
        ssp__stack_run_fail(r, pos, l->pump[r->dir].rule);
    } else if (verdict == SSP_FOREIGN) {
        disown(r, pos);
    } else if (verdict == SSP_END) {
        r->chain->direction[r->dir].start = pos + 1;
        r->chain->direction[r->dir].eof = true;
        ssp__stack_run_wake(r, r->dir);
    }
}

/* Lends the output of a run, if it is one piece that may stay where it is, to a layer that has
 * nothing else to read. */
static bool lend(struct ssp__stack_run *r, size_t next, const ssp_io *view)
{
    const uint8_t *bytes = view->pieces == 1 ? view->piece[0].iov_base : NULL;
    if (bytes == NULL || !lasts(r, bytes) || view->total > SSP_WINDOW ||
        ssp__bytes_len(ssp__stack_layer_queue(r, r->dir, next)) > 0)
        return false;
    r->lent = (struct ssp__stack_lent){.bytes = bytes, .n = view->total, .pos = next};
    ssp__stack_layer_link(r, r->dir, next)->idle[r->dir] = false;
    return true;
}

/* Moves the output of a run from its view to the next position. */
static void hand_on(struct ssp__stack_run *r, size_t pos, const ssp_io *view)
{
    size_t next = ssp__stack_layer_present(r, r->dir, pos + 1);
    int rc = 0;
    if (next < r->stack->n && lend(r, next, view))
        return;
    for (unsigned i = 0; i < view->pieces && rc == 0; i++) {
        const struct iovec *piece = &view->piece[i];
        rc = next == r->stack->n ? emit(r, piece->iov_base, piece->iov_len)
                                 : enqueue(r, r->dir, next, piece->iov_base, piece->iov_len);
    }
    if (rc == -1)
        ssp__stack_run_fail(r, pos, "emits more than memory holds");
}

/* The queue for replies of a layer: before the next one on their way, or behind the last. */
struct reply_path {
    size_t pos;
    struct ssp__bytes *queue, dropped; /* dropped: a layer on the way has ended */
    size_t waited;                     /* in the queue before */
};

static void open_reply_path(const struct ssp__stack_run *r, size_t pos, struct reply_path *b)
{
    ssp_dir dir = ssp__opposite(r->dir);
    size_t n = r->stack->n;
    struct ssp__stack_direction *w = &r->chain->direction[dir];
    b->dropped = (struct ssp__bytes){.base = NULL};
    b->pos = ssp__stack_layer_present(r, dir, n - pos);
    b->queue = b->pos == n ? &w->tail : ssp__stack_layer_queue(r, dir, b->pos);
    if (w->start > n - pos || w->start == n)
        b->queue = &b->dropped;
    b->waited = ssp__bytes_len(b->queue);
}

/* NULL: a layer on the way has ended. */
static struct ssp__bytes *replies_to(struct reply_path *b)
{
    return b->queue == &b->dropped ? NULL : b->queue;
}

/* Returns whether something was replied. */
static bool close_reply_path(const struct ssp__stack_run *r, struct reply_path *b)
{
    ssp_dir dir = ssp__opposite(r->dir);
    bool replied = b->queue != &b->dropped && ssp__bytes_len(b->queue) > b->waited;
    ssp__bytes_clear(&b->dropped, r->io->pool);
    if (!replied || b->pos == r->stack->n)
        return replied;
    struct ssp__stack_link *l = ssp__stack_layer_link(r, dir, b->pos);
    l->idle[dir] = false;
    if (b->waited == 0)
        l->pump[dir].scanned = l->pump[dir].need = 0;
    return true;
}

/* ---- runs ---- */

/* Room in the engine's scratch for the output of a position, no less than in that of the stack, and
 * as much as leaves some for the layers behind it.  0: there is too little. */
static size_t room_of_engine(const struct ssp__stack_run *r, size_t pos)
{
    size_t least = r->stack->scratch, room = ssp_room_left(r->io);
    size_t reserve = (r->stack->n - 1 - pos) * least;
    if (r->dir != r->called || ssp__bytes_len(&r->chain->direction[r->dir].tail) > 0 ||
        r->io->pieces > SSP_IO_PIECES - SSP_IO_PIECES_SPARE)
        return 0;
    return room >= reserve + least ? room - reserve : 0;
}

/* Gives a view its scratch: the engine's, so that output need not be copied, or that of the stack.
 * Returns false when memory is out. */
static bool find_scratch(struct ssp__stack_run *r, size_t pos, ssp_io *view)
{
    view->out = r->io->out + r->io->out_len;
    view->out_cap = room_of_engine(r, pos);
    if (view->out_cap > 0)
        return true;
    if (r->scratch == NULL) {
        r->scratch_cap = r->stack->scratch;
        r->scratch = ssp__pool_take(r->io->pool, &r->scratch_cap);
    }
    view->out = r->scratch;
    view->out_cap = r->scratch_cap;
    return r->scratch != NULL;
}

/* Takes what a run has consumed out of its source, and keeps the rest of a loan. */
static void consume(struct ssp__stack_run *r, size_t pos, const struct source *from, size_t n)
{
    if (from->engine)
        ssp_skip(r->io, n);
    else if (!from->lent)
        ssp__bytes_take(ssp__stack_layer_queue(r, r->dir, pos), r->io->pool, n);
    else if (enqueue(r, r->dir, pos, from->bytes + n, from->n - n) == -1)
        ssp__stack_run_fail(r, pos, "runs while memory is out");
}

/* One run of a position with a view of its own.  Returns whether anything has changed. */
static bool run_queued(struct ssp__stack_run *r, size_t pos, struct reply_path *back)
{
    struct ssp__stack_link *l = ssp__stack_layer_link(r, r->dir, pos);
    struct ssp__pump *p = &l->pump[r->dir];
    const struct source from = source_of(r, pos);
    ssp_io view;
    r->lent.n = 0;
    if (!find_scratch(r, pos, &view)) {
        ssp__stack_run_fail(r, pos, "runs while memory is out");
        return true;
    }
    view.in = from.bytes;
    view.in_len = from.n;
    view.eof = from.eof;
    view.starved = view.waits = view.fired = false;
    view.timed = r->io->timed && r->dir == r->called;
    view.now_ms = r->io->now_ms;
    view.reply = replies_to(back);
    view.pool = r->io->pool;
    ssp__pump_begin(p, &view);
    ssp_verdict verdict = ssp__pump_run(p, &l->conn, l->state, &view);
    ssp__pump_finish(p, &view);

    size_t consumed = from.n - view.in_len;
    r->emitted += view.total;
    if (view.out != r->scratch)
        r->io->out_len += view.out_len;
    hand_on(r, pos, &view);
    consume(r, pos, &from, consumed);
    note(r, pos, &view, verdict);
    /* It has read its queue only, and there is more. */
    if ((from.cut && consumed > 0) ||
        (!from.engine && r->io->in_len > 0 && ssp__bytes_len(&p->in) == 0 &&
         ssp__stack_layer_fed_by_engine(r, pos)))
        l->idle[r->dir] = false;
    return consumed > 0 || view.total > 0 || (verdict != SSP_OK && verdict != SSP_MORE);
}

/* The last remaining position works on the engine's view itself. */
static bool run_alone(struct ssp__stack_run *r, size_t pos, struct reply_path *back)
{
    struct ssp__stack_link *l = ssp__stack_layer_link(r, r->dir, pos);
    struct ssp__pump *p = &l->pump[r->dir];
    ssp_io *io = r->io;
    struct ssp__bytes *reply = io->reply;
    size_t unread = io->in_len, emitted = io->total;
    bool consumed = io->consumed;
    io->reply = replies_to(back);
    io->waits = false;
    ssp__pump_lend(p, io);
    ssp_verdict verdict = ssp__pump_run(p, &l->conn, l->state, io);
    ssp__pump_finish(p, io);
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

static bool alone(const struct ssp__stack_run *r, size_t pos)
{
    return ssp__stack_layer_fed_by_engine(r, pos) &&
           ssp__bytes_len(ssp__stack_layer_queue(r, r->dir, pos)) == 0 &&
           ssp__stack_layer_present(r, r->dir, pos + 1) == r->stack->n;
}

static bool run_position(struct ssp__stack_run *r, size_t pos)
{
    const struct ssp__pump *p = &ssp__stack_layer_link(r, r->dir, pos)->pump[r->dir];
    ssp_codec_fn *fn = p->fn;
    struct reply_path back;
    bool direct = r->lent.n == 0 && alone(r, pos);
    open_reply_path(r, pos, &back);
    bool moved = direct ? run_alone(r, pos, &back) : run_queued(r, pos, &back);
    bool replied = close_reply_path(r, &back);
    return moved || replied || p->fn != fn;
}

uint64_t ssp__stack_layer_due_ms(const struct ssp__stack_run *r, size_t pos)
{
    const struct ssp__stack_link *l = ssp__stack_layer_link(r, r->dir, pos);
    uint64_t due = ssp__pump_due_ms(&l->pump[r->dir], &l->conn);
    return due != SSP_NEVER && room_behind(r, pos) ? due : SSP_NEVER;
}

/* A loan ends with the call: a layer that may not run now has it in its queue. */
static void follow_loan(struct ssp__stack_run *r)
{
    const struct ssp__stack_lent lent = r->lent;
    if (may_run(r, lent.pos)) {
        (void)run_position(r, lent.pos);
        return;
    }
    r->lent.n = 0;
    if (enqueue(r, r->dir, lent.pos, lent.bytes, lent.n) == -1)
        ssp__stack_run_fail(r, lent.pos, "runs while memory is out");
}

bool ssp__stack_layer_turn(struct ssp__stack_run *r, size_t pos)
{
    bool ran = may_run(r, pos) && run_position(r, pos);
    while (r->lent.n > 0)
        follow_loan(r);
    return top_up(r, pos) || ran;
}
