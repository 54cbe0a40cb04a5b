/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/front_pump.h"

enum { MIN_ROOM = 4096, REPLIES_MAX = 64 * 1024 };

static ssp_verdict broken(ssp_io *io, const char *rule)
{
    if (io->rule == NULL)
        io->rule = rule;
    return SSP_FAIL;
}

/* Nothing runs between the call that replaces the target and the new one. */
static ssp_verdict pause_if(bool due, ssp_io *io, ssp_verdict verdict)
{
    if (!due || (verdict != SSP_OK && verdict != SSP_MORE))
        return verdict;
    ssp_wait(io);
    return SSP_MORE;
}

static ssp_verdict feed(ssp_conn *conn, void *state, ssp_io *io)
{
    struct ssp__front_pump *f = state;
    bool known = ssp__target_known(&f->target);
    size_t emitted = io->total, replied = ssp__io_replies(io);
    ssp_verdict verdict = f->front->feed(conn, f->state, io, &f->target);
    f->target.replaced = f->target.replaced && known;
    f->unused = f->unused && io->total == emitted;
    size_t replies = ssp__io_replies(io);
    bool waits = verdict == SSP_MORE && io->waits && replies > 0;
    f->full = waits || (replies > replied && replies >= REPLIES_MAX);
    if (f->target.replaced && io->total != emitted)
        return broken(io, "emits while it replaces its target");
    if (f->target.replaced && f->unused)
        return broken(io, "replaces a target that has got no byte");
    return pause_if(f->target.replaced || f->full, io, verdict);
}

static ssp_verdict answer(ssp_conn *conn, void *state, ssp_io *io)
{
    struct ssp__front_pump *f = state;
    ssp_verdict verdict = f->front->answer(conn, f->state, io, &f->target, f->reach);
    return pause_if(f->target.replaced, io, verdict);
}

static void open_answer(struct ssp__front_pump *f)
{
    f->answer =
        (struct ssp__pump){.fn = f->front->answer != NULL ? answer : NULL, .min_room = MIN_ROOM};
    f->reach = SSP_REACHED;
    f->ended = false;
}

void ssp__front_pump_open(struct ssp__front_pump *f, const struct ssp__front *front,
                          const struct ssp__address *reached)
{
    f->front = front;
    f->pump.fn = feed;
    f->pump.min_room = MIN_ROOM;
    open_answer(f);
    if (front->open != NULL)
        front->open(&f->conn, f->state, reached);
}

void ssp__front_pump_renew(struct ssp__front_pump *f, struct ssp__pool *pool)
{
    ssp__bytes_clear(&f->answer.in, pool);
    open_answer(f);
    f->target.replaced = f->target.over = false;
    f->unused = ssp__target_known(&f->target);
}

ssp_verdict ssp__front_pump_run(struct ssp__front_pump *f, ssp_io *io)
{
    ssp_verdict verdict = ssp__pump_run(&f->pump, &f->conn, f, io);
    bool known = ssp__target_known(&f->target), clear = f->pump.fn == NULL;
    if (verdict == SSP_FOREIGN || verdict == SSP_END || verdict == SSP_FAIL)
        f->pump.fn = NULL;
    if (verdict == SSP_FOREIGN || verdict == SSP_FAIL)
        return SSP_FAIL;
    if (clear && !known)
        return broken(io, "is done without a target");
    if (io->total > 0 && !known && !f->target.replaced)
        return broken(io, "emits before it has named a target");
    if (clear)
        f->answer.fn = NULL;
    return verdict;
}

ssp_verdict ssp__front_pump_answer(struct ssp__front_pump *f, ssp_io *io)
{
    ssp_verdict verdict = ssp__pump_run(&f->answer, &f->conn, f, io);
    if (verdict == SSP_FOREIGN || verdict == SSP_END || verdict == SSP_FAIL)
        f->answer.fn = NULL;
    return verdict == SSP_FOREIGN ? SSP_FAIL : verdict;
}

void ssp__front_pump_close(struct ssp__front_pump *f, struct ssp__pool *pool)
{
    ssp__bytes_clear(&f->pump.in, pool);
    ssp__bytes_clear(&f->answer.in, pool);
    ssp__conn_release(&f->conn);
    if (f->front != NULL && f->front->close != NULL)
        f->front->close(f->state);
}
