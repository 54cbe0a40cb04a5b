/* SPDX-License-Identifier: Apache-2.0 */
#include "front_split.h"

#include "hearing.h"
#include "must.h"

static void waits_for_more_than_there_is(const struct hearing *h)
{
    const struct ssp__pump *pump = &h->front.pump;
    must(h->verdict != SSP_MORE || pump->need > ssp__bytes_len(&pump->in));
}

/* The front is told an address of zeros. */
static void listen_to(struct hearing *h, const uint8_t *bytes, size_t n, size_t cut)
{
    (void)hear(h, bytes, cut, false);
    waits_for_more_than_there_is(h);
    (void)hear(h, bytes + cut, n - cut, false);
    waits_for_more_than_there_is(h);
    must(h->front.pump.rule == NULL);
    must(h->verdict != SSP_FAIL || hearing_why(h) != NULL);
}

static void same_bytes(const struct ssp__bytes *a, const struct ssp__bytes *b)
{
    size_t n = ssp__bytes_len(a);
    must(n == ssp__bytes_len(b));
    must(n == 0 || memcmp(ssp__bytes_data(a), ssp__bytes_data(b), n) == 0);
}

static void same_target(const struct ssp__target *a, const struct ssp__target *b)
{
    must(a->header_len == b->header_len);
    must(memcmp(a->header, b->header, a->header_len) == 0);
}

void front_split_changes_nothing(const struct ssp__front *front, const void *conf,
                                 const uint8_t *data, size_t size,
                                 void (*on_target)(const struct ssp__target *target))
{
    size_t n = size - 1;
    static const struct ssp__address reached = {.u.v4.sin_family = AF_INET, .len = 16};
    struct hearing whole, split;
    hearing_begin(&whole, front, conf, &reached);
    hearing_begin(&split, front, conf, &reached);
    listen_to(&whole, data + 1, n, n);
    listen_to(&split, data + 1, n, data[0] % (n + 1));

    must(whole.verdict == split.verdict);
    same_bytes(&whole.front.pump.in, &split.front.pump.in);
    same_bytes(&whole.said, &split.said);
    same_bytes(&whole.reply, &split.reply);
    if (whole.verdict == SSP_CLEAR) {
        same_target(&whole.front.target, &split.front.target);
        if (on_target != NULL)
            on_target(&whole.front.target);
    }
    hearing_end(&whole);
    hearing_end(&split);
}
