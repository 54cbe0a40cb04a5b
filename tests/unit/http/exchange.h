/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exchange.h - a front that stays, between a client and targets that a test plays: what the client
 * says reaches the target, what the target says reaches the client, and a target that is replaced
 * is dialed at once.
 */
#ifndef SS_TEST_EXCHANGE_H
#define SS_TEST_EXCHANGE_H

#include "codec/front_pump.h"

#include <stdlib.h>
#include <string.h>

enum { EXCHANGE_ROOM = 384 * 1024 };

struct exchange {
    struct ssp__front_pump front;
    struct ssp__bytes target; /* bytes that targets got */
    struct ssp__bytes client; /* bytes that the client got */
    unsigned dials;
    bool fin;  /* of the client */
    bool over; /* the front has ended the client's connection, or failed */
    bool cut;  /* it has failed */
    bool clear;
};

static inline void exchange_begin(struct exchange *x, const struct ssp__front *front,
                                  const void *conf)
{
    static const struct ssp__address nothing;
    *x = (struct exchange){.over = false};
    x->front.state = calloc(1, front->state_size);
    x->front.conn.conf = conf;
    if (x->front.state == NULL)
        abort();
    ssp__front_pump_open(&x->front, front, &nothing);
}

static inline void exchange_end(struct exchange *x)
{
    ssp__front_pump_close(&x->front, NULL);
    ssp__bytes_clear(&x->target, NULL);
    ssp__bytes_clear(&x->client, NULL);
    free(x->front.state);
}

static inline void exchange_append(struct ssp__bytes *to, const void *bytes, size_t n)
{
    if (n > 0 && ssp__bytes_append(to, NULL, bytes, n) == -1)
        abort();
}

/* One run of one direction, over memory of exactly the unread size. */
static inline ssp_verdict exchange_run(struct exchange *x, struct ssp__pump *pump, bool eof,
                                       struct ssp__bytes *out)
{
    static uint8_t room[EXCHANGE_ROOM];
    bool up = pump == &x->front.pump;
    size_t len = ssp__bytes_len(&pump->in);
    uint8_t *exact = malloc(len > 0 ? len : 1);
    ssp_verdict verdict;
    if (exact == NULL)
        abort();
    if (len > 0)
        memcpy(exact, ssp__bytes_data(&pump->in), len);
    ssp_io io = {.in = exact,
                 .in_len = len,
                 .eof = eof,
                 .out = room,
                 .out_cap = sizeof room,
                 .reply = up ? &x->client : NULL};
    do {
        ssp__pump_begin(pump, &io);
        verdict = up ? ssp__front_pump_run(&x->front, &io) : ssp__front_pump_answer(&x->front, &io);
        ssp__pump_finish(pump, &io);
        for (unsigned i = 0; i < io.pieces; i++)
            exchange_append(out, io.piece[i].iov_base, io.piece[i].iov_len);
    } while (verdict == SSP_OK);
    ssp__bytes_take(&pump->in, NULL, len - io.in_len);
    free(exact);
    return verdict;
}

static inline void exchange_up(struct exchange *x)
{
    if (x->front.pump.fn == NULL && ssp__bytes_len(&x->front.pump.in) == 0)
        return;
    ssp_verdict verdict = exchange_run(x, &x->front.pump, x->fin, &x->target);
    x->clear = x->front.pump.fn == NULL && verdict != SSP_FAIL;
    x->cut = x->cut || verdict == SSP_FAIL;
    x->over = x->over || (verdict == SSP_END && x->front.target.over);
}

/* Dials as often as the front wants it. */
static inline void exchange_settle(struct exchange *x, bool known)
{
    while (!x->cut && !x->over) {
        struct ssp__target *t = &x->front.target;
        x->dials += ssp__target_known(t) && (!known || t->replaced);
        known = ssp__target_known(t);
        if (!t->replaced)
            break;
        x->over = t->over;
        ssp__front_pump_renew(&x->front, NULL);
        if (!x->over)
            exchange_up(x);
    }
    x->over = x->over || x->cut;
}

/* The client says n bytes, and with fin nothing more. */
static inline void exchange_say(struct exchange *x, const void *bytes, size_t n, bool fin)
{
    bool known = ssp__target_known(&x->front.target);
    if (x->over)
        return;
    exchange_append(&x->front.pump.in, bytes, n);
    x->fin = fin;
    exchange_up(x);
    exchange_settle(x, known);
}

/* The target stands, says n bytes, and with end nothing more, for this reason. */
static inline void exchange_answer(struct exchange *x, const void *bytes, size_t n, bool end,
                                   enum ssp__reach reach)
{
    if (x->over || !ssp__target_known(&x->front.target))
        return;
    exchange_append(&x->front.answer.in, bytes, n);
    x->front.reach = reach;
    x->front.ended = end;
    ssp_verdict verdict = exchange_run(x, &x->front.answer, end, &x->client);
    x->cut = x->cut || verdict == SSP_FAIL;
    if (!x->cut && !x->front.target.replaced)
        exchange_up(x);
    exchange_settle(x, true);
}

#endif
