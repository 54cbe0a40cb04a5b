/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hearing.h - a front under a test's hand: what a client says, piece by piece, and what comes of
 * it.
 */
#ifndef SS_TEST_HEARING_H
#define SS_TEST_HEARING_H

#include "codec/front_pump.h"

#include <stdlib.h>
#include <string.h>

enum { HEARING_ROOM = 65536 };

/* Zero but for verdict is a new hearing, see hearing_begin(). */
struct hearing {
    struct ssp__front_pump front;
    struct ssp__bytes said; /* toward the target */
    struct ssp__bytes reply;
    ssp_verdict verdict; /* of the last call; SSP_CLEAR once the front is done */
};

/* reached and conf may be NULL. */
static inline void hearing_begin(struct hearing *h, const struct ssp__front *front,
                                 const void *conf, const struct ssp__address *reached)
{
    static const struct ssp__address nothing;
    *h = (struct hearing){.verdict = SSP_MORE};
    h->front.state = calloc(1, front->state_size > 0 ? front->state_size : 1);
    h->front.conn.conf = conf;
    if (h->front.state == NULL)
        abort();
    ssp__front_pump_open(&h->front, front, reached != NULL ? reached : &nothing);
}

static inline void hearing_end(struct hearing *h)
{
    ssp__front_pump_close(&h->front, NULL);
    ssp__bytes_clear(&h->said, NULL);
    ssp__bytes_clear(&h->reply, NULL);
    free(h->front.state);
}

static inline const char *hearing_why(const struct hearing *h)
{
    return h->front.conn.why;
}

static inline void hearing_append(struct ssp__bytes *to, const void *bytes, size_t n)
{
    if (ssp__bytes_append(to, NULL, bytes, n) == -1)
        abort();
}

/* One run of the front, over memory of exactly the unread size, so that a sanitizer sees reads past
 * the end. */
static inline void hearing_run(struct hearing *h, bool fin)
{
    struct ssp__pump *pump = &h->front.pump;
    size_t len = ssp__bytes_len(&pump->in);
    uint8_t *exact = malloc(len > 0 ? len : 1), *room = malloc(HEARING_ROOM);
    if (exact == NULL || room == NULL)
        abort();
    if (len > 0)
        memcpy(exact, ssp__bytes_data(&pump->in), len);
    ssp_io io = {.in = exact,
                 .in_len = len,
                 .eof = fin,
                 .out = room,
                 .out_cap = HEARING_ROOM,
                 .reply = &h->reply};
    ssp__pump_begin(pump, &io);
    h->verdict = ssp__front_pump_run(&h->front, &io);
    ssp__pump_finish(pump, &io);
    for (unsigned i = 0; i < io.pieces; i++)
        hearing_append(&h->said, io.piece[i].iov_base, io.piece[i].iov_len);
    ssp__bytes_take(&pump->in, NULL, len - io.in_len);
    free(exact);
    free(room);
}

/* Input behind the last word of a front waits with it; behind a front that is clear, it is said. */
static inline ssp_verdict hear(struct hearing *h, const void *bytes, size_t n, bool fin)
{
    if (h->verdict == SSP_CLEAR) {
        hearing_append(&h->said, bytes, n);
        return h->verdict;
    }
    hearing_append(&h->front.pump.in, bytes, n);
    if (h->verdict != SSP_MORE)
        return h->verdict;
    do
        hearing_run(h, fin);
    while (h->verdict == SSP_OK);
    if (h->verdict != SSP_FAIL && h->front.pump.fn == NULL && ssp__target_known(&h->front.target))
        h->verdict = SSP_CLEAR;
    return h->verdict;
}

#endif
