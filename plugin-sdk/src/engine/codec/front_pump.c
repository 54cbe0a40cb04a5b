/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/front_pump.h"

enum { MIN_ROOM = 4096 };

static ssp_verdict feed(ssp_conn *conn, void *state, ssp_io *io)
{
    struct ssp__front_pump *f = state;
    return f->front->feed(conn, f->state, io, &f->target);
}

void ssp__front_pump_open(struct ssp__front_pump *f, const struct ssp__front *front,
                          const struct ssp__address *reached)
{
    f->front = front;
    f->pump.fn = feed;
    f->pump.min_room = MIN_ROOM;
    if (front->open != NULL)
        front->open(&f->conn, f->state, reached);
}

static ssp_verdict broken(ssp_io *io, const char *rule)
{
    if (io->rule == NULL)
        io->rule = rule;
    return SSP_FAIL;
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
    if (io->total > 0 && !known)
        return broken(io, "emits before it has named a target");
    return verdict;
}

void ssp__front_pump_close(struct ssp__front_pump *f, struct ssp__pool *pool)
{
    ssp__bytes_clear(&f->pump.in, pool);
    ssp__conn_release(&f->conn);
}
