/* SPDX-License-Identifier: Apache-2.0 */
#include "front_split.h"

#include "hearing.h"
#include "must.h"

/* With UDP, the front is told an address of zeros. */
static void listen_to(struct hearing *h, const uint8_t *bytes, size_t n, size_t cut)
{
    static const struct ssp__address reached = {.u.v4.sin_family = AF_INET, .len = 16};
    if (h->front->open != NULL)
        h->front->open(&h->state, &reached);
    (void)hear(h, bytes, cut, false);
    must(h->verdict != SSP_MORE || h->need > ssp__bytes_len(&h->unread));
    (void)hear(h, bytes + cut, n - cut, false);
    must(h->verdict != SSP_MORE || h->need > ssp__bytes_len(&h->unread));
    must(h->rule == NULL);
    must(h->verdict != SSP_FAIL || h->why != NULL);
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

void front_split_changes_nothing(const struct ssp__front *front, const uint8_t *data, size_t size,
                                 void (*on_target)(const struct ssp__target *target))
{
    size_t n = size - 1;
    struct hearing whole, split;
    hearing_begin(&whole, front);
    hearing_begin(&split, front);
    listen_to(&whole, data + 1, n, n);
    listen_to(&split, data + 1, n, data[0] % (n + 1));

    must(whole.verdict == split.verdict);
    same_bytes(&whole.unread, &split.unread);
    same_bytes(&whole.reply, &split.reply);
    if (whole.verdict == SSP_OK) {
        same_target(&whole.target, &split.target);
        if (on_target != NULL)
            on_target(&whole.target);
    }
    hearing_end(&whole);
    hearing_end(&split);
}
