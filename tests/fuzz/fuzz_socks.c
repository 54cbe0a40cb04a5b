/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes of a client, cut anywhere: the cut changes neither the verdict nor the target, the
 * replies or what is left; a front that waits, waits for more than there is.
 *
 * Input: one byte of cut, what the client says.
 */
#include "hearing.h"
#include "proto/socks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Holds in every build, unlike an assertion. */
static void must(bool claim)
{
    if (!claim)
        abort();
}

/* With UDP, the front is told an address of zeros. */
static void listen_to(struct hearing *h, const uint8_t *bytes, size_t n, size_t cut)
{
    static const struct ssp_address reached = {.u.v4.sin_family = AF_INET, .len = 16};
    if (h->front->open != NULL)
        h->front->open(&h->state, &reached);
    (void)hear(h, bytes, cut, false);
    must(h->verdict != SSP_MORE || h->need > ssp_bytes_len(&h->unread));
    (void)hear(h, bytes + cut, n - cut, false);
    must(h->verdict != SSP_MORE || h->need > ssp_bytes_len(&h->unread));
    must(h->rule == NULL);
    must(h->verdict != SSP_FAIL || h->why != NULL);
}

static void same_bytes(const struct ssp_bytes *a, const struct ssp_bytes *b)
{
    size_t n = ssp_bytes_len(a);
    must(n == ssp_bytes_len(b));
    must(n == 0 || memcmp(ssp_bytes_data(a), ssp_bytes_data(b), n) == 0);
}

static void ends_the_same(const struct ssp_front *front, const uint8_t *data, size_t n)
{
    struct hearing whole, split;
    hearing_begin(&whole, front);
    hearing_begin(&split, front);
    listen_to(&whole, data + 1, n, n);
    listen_to(&split, data + 1, n, data[0] % (n + 1));

    must(whole.verdict == split.verdict);
    same_bytes(&whole.unread, &split.unread);
    same_bytes(&whole.reply, &split.reply);
    if (whole.verdict == SSP_OK) {
        must(memcmp(whole.target.header, split.target.header, whole.target.header_len) == 0);
    }
    hearing_end(&whole);
    hearing_end(&split);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > 2048)
        return 0;
    ends_the_same(&ss_socks_front, data, size - 1);
    ends_the_same(&ss_socks_udp_front, data, size - 1);
    return 0;
}
