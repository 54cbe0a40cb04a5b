/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a stream, cut anywhere: the cut and the output window change nothing.
 * The same bytes as plain text: wrapped in two pieces and unwrapped, they are the same.
 *
 * Input: method, two bytes of cut, stream.  Main key and our salts are zero.
 */
#include "contexts.h"
#include "must.h"

#include "proto/aead.h"

#include <ssplugin/testing.h>

#include <stdlib.h>
#include <string.h>

enum { PREFIX_LEN = 3 };

/* An end that has seen n bytes in two pieces. */
struct outcome {
    ssp_drive *end;
    ssp_verdict verdict;
    const uint8_t *out;
    size_t out_len;
};

static struct outcome run(const struct ss_aead_conf *conf, ssp_dir dir, const uint8_t *bytes,
                          size_t n, size_t cut)
{
    struct outcome o = {.end = ssp_drive_new(&ss_aead_codec, SSP_SERVER, conf, NULL)};
    must(o.end != NULL);
    if (cut < n)
        ssp_drive_window(o.end, 1);
    o.verdict = ssp_drive_feed(o.end, dir, bytes, cut, 0);
    if (o.verdict == SSP_MORE)
        o.verdict = ssp_drive_feed(o.end, dir, bytes + cut, n - cut, 1);
    o.out = ssp_drive_output(o.end, dir, &o.out_len);
    must(ssp_drive_broken_rule(o.end) == NULL);
    must(o.verdict == SSP_END || o.verdict == SSP_FAIL);
    return o;
}

static void unwraps_the_same(const struct ss_aead_conf *conf, const uint8_t *bytes, size_t n,
                             size_t cut)
{
    struct outcome whole = run(conf, SSP_UNWRAP, bytes, n, n);
    struct outcome split = run(conf, SSP_UNWRAP, bytes, n, cut);
    must(whole.verdict == split.verdict);
    must(whole.out_len == split.out_len);
    must(whole.out_len <= n);
    if (whole.out_len > 0)
        must(memcmp(whole.out, split.out, whole.out_len) == 0);
    ssp_drive_free(whole.end);
    ssp_drive_free(split.end);
}

static void round_trips(const struct ss_aead_conf *conf, const uint8_t *bytes, size_t n, size_t cut)
{
    struct outcome wire = run(conf, SSP_WRAP, bytes, n, cut);
    must(wire.verdict == SSP_END);
    struct outcome plain = run(conf, SSP_UNWRAP, wire.out, wire.out_len, wire.out_len);
    must(plain.verdict == SSP_END);
    must(plain.out_len == n);
    if (n > 0)
        must(memcmp(plain.out, bytes, n) == 0);
    ssp_drive_free(wire.end);
    ssp_drive_free(plain.end);
}

static void judge(struct ss_contexts *contexts, const uint8_t *data, size_t size)
{
    const struct ss_aead_conf conf = {.cipher = &ss_ciphers[data[0]], .contexts = contexts};
    size_t n = size - PREFIX_LEN;
    size_t cut = ((size_t)data[1] << 8 | data[2]) % (n + 1);
    unwraps_the_same(&conf, data + PREFIX_LEN, n, cut);
    round_trips(&conf, data + PREFIX_LEN, n, cut);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < PREFIX_LEN || data[0] >= SS_CIPHERS)
        return 0;
    for (unsigned i = 0; i < FUZZ_ENGINES; i++)
        if (contexts_of(i) != NULL)
            judge(contexts_of(i), data, size);
    return 0;
}
