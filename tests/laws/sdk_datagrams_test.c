/* SPDX-License-Identifier: Apache-2.0 */
/* The laws of datagrams: good codecs keep them, and each kind of wrong one is told which it broke.
 */
#include "sdk_lawful.h"
#include "sdk_toys.h"

#include <string.h>

enum { TAG = 4 };

/* A tag, a length and the bytes. */
static ptrdiff_t seal_tagged(const ssp_conn *conn, const uint8_t *in, size_t n, uint8_t *out,
                             size_t cap)
{
    (void)conn;
    (void)cap;
    memcpy(out, (const uint8_t[]){'t', 'g', (uint8_t)(n >> 8), (uint8_t)n}, TAG);
    if (n > 0)
        memcpy(out + TAG, in, n);
    return (ptrdiff_t)n + TAG;
}

static ptrdiff_t open_tagged(const ssp_conn *conn, const uint8_t *in, size_t n, uint8_t *out,
                             size_t cap)
{
    (void)conn;
    (void)cap;
    if (n < TAG || in[0] != 't' || in[1] != 'g' || ((size_t)in[2] << 8 | in[3]) != n - TAG)
        return -1;
    memcpy(out, in + TAG, n - TAG);
    return (ptrdiff_t)(n - TAG);
}

static ptrdiff_t open_trusting(const ssp_conn *conn, const uint8_t *in, size_t n, uint8_t *out,
                               size_t cap)
{
    (void)conn;
    (void)cap;
    if (n < TAG)
        return -1;
    memcpy(out, in + TAG, n - TAG);
    return (ptrdiff_t)(n - TAG);
}

static ssp_codec datagram_codec(ssp_datagram_fn *seal, ssp_datagram_fn *open_fn, size_t overhead)
{
    return (ssp_codec){.size = sizeof(ssp_codec),
                       .name = "datagrams",
                       .wrap = toy_identity,
                       .unwrap = toy_identity,
                       .seal = seal,
                       .open = open_fn,
                       .datagram_overhead = overhead};
}

static void good_datagrams_keep_every_law(void **unused)
{
    const ssp_codec codec = datagram_codec(seal_tagged, open_tagged, TAG);
    const ssp_codec spacious = datagram_codec(seal_tagged, open_tagged, 100);
    (void)unused;
    assert_lawful(&codec);
    assert_lawful(&spacious);
}

/* Counts on memory that it has not asked for, and does not write there. */
static ptrdiff_t seal_more(const ssp_conn *conn, const uint8_t *in, size_t n, uint8_t *out,
                           size_t cap)
{
    (void)conn;
    if (n > 0)
        memcpy(out, in, n);
    return (ptrdiff_t)cap + 1;
}

static void an_overhead_that_is_not_declared_is_noticed(void **unused)
{
    const ssp_codec half = datagram_codec(seal_tagged, NULL, TAG);
    const ssp_codec more = datagram_codec(seal_more, open_tagged, TAG);
    (void)unused;
    assert_breaks(&more, "writes a datagram beyond its room");
    assert_breaks(&half, "has seal without open, or open without seal");
}

static void a_cut_datagram_must_be_refused(void **unused)
{
    const ssp_codec codec = datagram_codec(seal_tagged, open_trusting, TAG);
    (void)unused;
    assert_breaks(&codec, "open takes the first 4 of 68 bytes for a datagram");
}

static int last_sealed;

static ptrdiff_t open_in_order(const ssp_conn *conn, const uint8_t *in, size_t n, uint8_t *out,
                               size_t cap)
{
    long len = open_tagged(conn, in, n, out, cap);
    int small = len < 16;
    int late = small && !last_sealed && len > 0;
    last_sealed = small;
    return late ? -1 : len;
}

static void datagrams_that_need_their_order_are_noticed(void **unused)
{
    const ssp_codec codec = datagram_codec(seal_tagged, open_in_order, TAG);
    (void)unused;
    last_sealed = 1;
    assert_breaks(&codec, "open refuses a sealed datagram");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_datagrams_keep_every_law),
        cmocka_unit_test(an_overhead_that_is_not_declared_is_noticed),
        cmocka_unit_test(a_cut_datagram_must_be_refused),
        cmocka_unit_test(datagrams_that_need_their_order_are_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
