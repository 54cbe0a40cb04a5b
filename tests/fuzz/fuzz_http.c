/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client of the one port, and its target.  The first byte says where each is cut, a NUL ends what
 * the client says, the rest is what the target answers.  No cut changes what the other side gets.
 */
#include "exchange.h"
#include "http/door.h"
#include "must.h"

static void same(const struct ssp__bytes *a, const struct ssp__bytes *b)
{
    size_t n = ssp__bytes_len(a);
    must(n == ssp__bytes_len(b));
    must(n == 0 || memcmp(ssp__bytes_data(a), ssp__bytes_data(b), n) == 0);
}

static void same_exchange(const struct exchange *a, const struct exchange *b)
{
    same(&a->target, &b->target);
    same(&a->client, &b->client);
    must(a->over == b->over && a->cut == b->cut);
    must(a->cut || a->dials == b->dials); /* what is refused at once is not dialed for */
}

static void say(struct exchange *x, const uint8_t *bytes, size_t n, size_t cut)
{
    exchange_say(x, bytes, cut, false);
    exchange_say(x, bytes + cut, n - cut, false);
}

/* The target ends behind its answer. */
static void answer(struct exchange *x, const uint8_t *bytes, size_t n, size_t cut)
{
    unsigned dials = x->dials;
    exchange_answer(x, bytes, cut, false, SSP_REACHED);
    if (x->dials == dials)
        exchange_answer(x, bytes + cut, n - cut, true, SSP_REACHED);
}

static void lawful(const struct exchange *x)
{
    must(x->front.pump.rule == NULL && x->front.answer.rule == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct exchange whole, split;
    if (size < 1 || size > 4096)
        return 0;
    size_t cut = *data++, n = --size;
    const uint8_t *nul = n > 0 ? memchr(data, '\0', n) : NULL;
    size_t up = nul != NULL ? (size_t)(nul - data) : n;
    const uint8_t *back = data + up + (nul != NULL);
    size_t down = n - up - (nul != NULL);
    exchange_begin(&whole, &ss_door_front, NULL);
    exchange_begin(&split, &ss_door_front, NULL);
    say(&whole, data, up, 0);
    say(&split, data, up, cut % (up + 1));
    same_exchange(&whole, &split);
    bool waits = ssp__bytes_len(&whole.front.pump.in) > 0; /* the next request: an answer decides */
    answer(&whole, back, down, down);
    answer(&split, back, down, cut % (down + 1));
    lawful(&whole);
    lawful(&split);
    if (!waits)
        same_exchange(&whole, &split);
    exchange_end(&whole);
    exchange_end(&split);
    return 0;
}
