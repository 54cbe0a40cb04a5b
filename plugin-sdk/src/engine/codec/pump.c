/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/pump.h"

enum { DEFAULT_ROOM = 4096 };

size_t ssp__pump_min_room(const ssp_codec *codec)
{
    return codec->min_room != 0 ? codec->min_room : DEFAULT_ROOM;
}

void ssp__pump_init(struct ssp__pump *pump, const ssp_codec *codec, ssp_dir dir)
{
    pump->fn = dir == SSP_WRAP ? codec->wrap : codec->unwrap;
    pump->min_room = (uint32_t)ssp__pump_min_room(codec);
    pump->unwraps = dir == SSP_UNWRAP;
}

void ssp__pump_lend(const struct ssp__pump *pump, ssp_io *io)
{
    io->need = pump->need;
    io->scanned = pump->scanned;
    io->ahead = pump->ahead;
    io->consumed = pump->consumed;
    io->waits = pump->waits;
    io->rule = NULL;
}

void ssp__pump_begin(const struct ssp__pump *pump, ssp_io *io)
{
    ssp__pump_lend(pump, io);
    ssp__io_flush(io);
}

void ssp__pump_finish(struct ssp__pump *pump, const ssp_io *io)
{
    pump->need = io->need;
    pump->scanned = io->scanned;
    pump->ahead = io->ahead;
    pump->consumed = io->consumed;
    pump->waits = io->waits;
    pump->rule = io->rule;
}

static ssp_verdict broken(ssp_io *io, const char *rule)
{
    if (io->rule == NULL)
        io->rule = rule;
    return SSP_FAIL;
}

static bool full(const struct ssp__pump *pump, const ssp_io *io)
{
    return ssp_room_left(io) < pump->min_room || io->pieces > SSP_IO_PIECES - SSP_IO_PIECES_SPARE;
}

/* Identity: everything passes, and the end of input is the end. */
static ssp_verdict pass_all(ssp_io *io)
{
    ssp_pass(io, io->in_len);
    return io->eof ? SSP_END : SSP_MORE;
}

/* The bytes promised by an earlier ssp_pass_ahead(). */
static void pass_promised(ssp_io *io)
{
    size_t n = io->ahead < io->in_len ? (size_t)io->ahead : io->in_len;
    io->ahead -= n;
    ssp_pass(io, n);
}

/* The codec wants input that will not come. */
static ssp_verdict at_eof(const ssp_io *io)
{
    return io->in_len > 0 || io->ahead > 0 ? SSP_FAIL : SSP_END;
}

static ssp_verdict judge_more(ssp_io *io)
{
    if (io->ahead > 0)
        return io->eof ? at_eof(io) : SSP_MORE;
    if (io->waits)
        return SSP_MORE;
    if (io->eof)
        return at_eof(io);
    if (io->need > SSP_WINDOW)
        return broken(io, "asks for more input than the window holds");
    return SSP_MORE;
}

/* The target cannot be changed once a plain byte has been emitted. */
static bool may_divert(const struct ssp__pump *pump, const ssp_conn *conn, size_t emitted)
{
    return conn->role == SSP_SERVER && !conn->spoken && !(pump->unwraps && emitted > 0);
}

/* Output of the call would have two receivers. */
static bool may_recall(const struct ssp__pump *pump, const ssp_conn *conn, const ssp_io *io,
                       size_t emitted, ssp_verdict verdict)
{
    return conn->role == SSP_SERVER && pump->unwraps && io->total == emitted && io->ahead == 0 &&
           (verdict == SSP_OK || verdict == SSP_MORE);
}

static ssp_dir dir_of(const struct ssp__pump *pump)
{
    return pump->unwraps ? SSP_UNWRAP : SSP_WRAP;
}

void ssp__pump_forget(struct ssp__pump *pump)
{
    pump->need = pump->scanned = 0;
    pump->ahead = 0;
    pump->waits = false;
}

uint64_t ssp__pump_due_ms(const struct ssp__pump *pump, const ssp_conn *conn)
{
    bool may = conn->timers != NULL && pump->fn != NULL && pump->ahead == 0;
    return may ? conn->timers->due_ms[dir_of(pump)] : SSP_NEVER;
}

/* True when a timer has expired; an open promise to pass has been kept before. */
static bool due(const struct ssp__pump *pump, const ssp_conn *conn, const ssp_io *io)
{
    return conn->timers != NULL && io->timed && conn->timers->due_ms[dir_of(pump)] <= io->now_ms;
}

/* Times that the call asked for count from its end. */
static void start_timers(ssp_conn *conn, uint64_t now_ms)
{
    struct ssp__conn_timers *t = conn->timers;
    for (int dir = 0; t != NULL && dir < 2; dir++) {
        t->due_ms[dir] += t->fresh[dir] ? now_ms : 0;
        t->fresh[dir] = false;
    }
}

static ssp_verdict call(const struct ssp__pump *pump, ssp_conn *conn, void *state, ssp_io *io)
{
    io->fired = due(pump, conn, io);
    if (io->fired)
        conn->timers->due_ms[dir_of(pump)] = SSP_NEVER;
    ssp_verdict verdict = pump->fn(conn, state, io);
    start_timers(conn, io->now_ms);
    return conn->timerless ? broken(io, "asks for a timer while memory is out") : verdict;
}

/* Checks a verdict against what its call has read of `unread` bytes and added to `emitted`. */
static ssp_verdict judge(struct ssp__pump *pump, ssp_io *io, ssp_verdict verdict, size_t unread,
                         size_t emitted)
{
    bool progress = io->in_len != unread || io->total != emitted || io->ahead > 0;
    switch (verdict) {
    case SSP_OK:
        pump->again = progress || io->starved;
        if (progress)
            return SSP_OK;
        if (io->starved)
            return emitted > 0 ? SSP_OK : broken(io, "asks for more room than min_room");
        if (unread == 0)
            return judge_more(io);
        return broken(io, "answers OK without progress");
    case SSP_MORE:
        return judge_more(io);
    case SSP_CLEAR:
        pump->fn = NULL;
        return SSP_OK;
    case SSP_FOREIGN:
        return io->consumed ? broken(io, "answers FOREIGN after it consumed") : SSP_FOREIGN;
    case SSP_END:
        return SSP_END;
    case SSP_FAIL:
        return SSP_FAIL;
    }
    return broken(io, "answers an unknown verdict");
}

/* One call of the codec, its verdict checked against the rules.  SSP_OK: call again. */
static ssp_verdict step(struct ssp__pump *pump, ssp_conn *conn, void *state, ssp_io *io)
{
    size_t unread = io->in_len, emitted = io->total;
    bool asked = conn->divert_asked;
    io->need = 0;
    io->starved = io->waits = false;
    pump->again = false;

    ssp_verdict verdict = call(pump, conn, state, io);
    if (io->rule != NULL)
        return SSP_FAIL;
    if (asked && !conn->divert_asked) {
        pump->again = verdict == SSP_OK;
        return may_recall(pump, conn, io, emitted, verdict)
                   ? SSP_MORE
                   : broken(io, "recalls a connection in wrap, with output, or at its end");
    }
    if (conn->divert_asked != asked && !may_divert(pump, conn, emitted))
        return broken(io, "diverts a connection too late, or as a client");
    if (verdict != SSP_MORE)
        io->need = 0; /* a request counts with MORE only */
    return judge(pump, io, verdict, unread, emitted);
}

static ssp_verdict run(struct ssp__pump *pump, ssp_conn *conn, void *state, ssp_io *io)
{
    while (!full(pump, io)) {
        if (io->ahead > 0) {
            pass_promised(io);
            if (io->ahead > 0)
                return judge_more(io);
        }
        if (pump->fn == NULL)
            return pass_all(io);
        bool idle = io->in_len < io->need || (io->in_len == 0 && io->consumed && !pump->again);
        if (idle && !io->eof && !due(pump, conn, io))
            return SSP_MORE;

        ssp_verdict verdict = step(pump, conn, state, io);
        if (verdict != SSP_OK)
            return verdict;
        if (io->starved && pump->fn != NULL)
            return SSP_OK;
    }
    return SSP_OK;
}

ssp_verdict ssp__pump_run(struct ssp__pump *pump, ssp_conn *conn, void *state, ssp_io *io)
{
    ssp_verdict verdict = run(pump, conn, state, io);
    if (pump->unwraps && io->total > 0)
        conn->spoken = true;
    return verdict;
}
