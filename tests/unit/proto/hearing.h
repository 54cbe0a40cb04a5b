/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hearing.h - a front under a test's hand: what a client says, piece by piece, and what comes of
 * it.
 */
#ifndef SS_TEST_HEARING_H
#define SS_TEST_HEARING_H

#include "base/front.h"

#include <stdlib.h>
#include <string.h>

enum { HEARING_STATE_MAX = 64 };

/* Zero but for front and verdict is a new hearing, see hearing_begin(). */
struct hearing {
    const struct ssp__front *front;
    union {
        max_align_t align;
        uint8_t bytes[HEARING_STATE_MAX];
    } state;
    struct ssp__bytes unread, reply;
    struct ssp__target target;
    const char *why, *rule;
    size_t need;         /* request of the last call, in unread bytes */
    ssp_verdict verdict; /* of the last call */
};

static inline void hearing_begin(struct hearing *h, const struct ssp__front *front)
{
    *h = (struct hearing){.front = front, .verdict = SSP_MORE};
}

static inline void hearing_end(struct hearing *h)
{
    ssp__bytes_clear(&h->unread, NULL);
    ssp__bytes_clear(&h->reply, NULL);
}

/* The front sees memory of exactly the unread size, so that a sanitizer sees reads past the end. */
static inline ssp_verdict hear(struct hearing *h, const void *bytes, size_t n, bool fin)
{
    if (ssp__bytes_append(&h->unread, NULL, bytes, n) == -1)
        abort();
    if (h->verdict != SSP_MORE)
        return h->verdict;
    size_t len = ssp__bytes_len(&h->unread);
    uint8_t *exact = malloc(len > 0 ? len : 1);
    if (exact == NULL)
        abort();
    if (len > 0)
        memcpy(exact, ssp__bytes_data(&h->unread), len);
    ssp_io io = {.in = exact, .in_len = len, .eof = fin, .reply = &h->reply};
    h->verdict = h->front->feed(&h->state, &io, &h->target, &h->why);
    h->need = io.need;
    h->rule = io.rule;
    if (io.in_len < len)
        ssp__bytes_take(&h->unread, NULL, len - io.in_len);
    free(exact);
    return h->verdict;
}

#endif
