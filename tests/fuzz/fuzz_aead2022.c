/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as the plain parts of a client's stream of 2022, sealed under a known key: fixed
 * header, variable header, chunks.  Cut anywhere, they are the same to a server, and what it emits
 * begins with a target header.  The same bytes as they are: refused, with the same result for every
 * cut.
 *
 * Input: two bytes of cut, the length of the variable header in two bytes, type, time of 8 bytes,
 * the length that the fixed header tells in two bytes, then the variable header and the rest.
 */
#include "must.h"

#include "base/io.h"
#include "proto/aead2022.h"
#include "proto/target.h"

#include <ssplugin/testing.h>

#include <stdlib.h>
#include <string.h>

enum { PREFIX_LEN = 4, FIXED_LEN = 11, INPUT_MAX = 4096, SALT_LEN = 16 };

struct outcome {
    ssp_verdict verdict;
    uint8_t *out;
    size_t len;
};

static struct outcome run(const struct ss_2022_conf *conf, const uint8_t *bytes, size_t n,
                          size_t cut)
{
    ssp_drive *end = ssp_drive_new(&ss_2022_codec, SSP_SERVER, conf, NULL);
    must(end != NULL);
    if (cut < n)
        ssp_drive_window(end, 1);
    struct outcome o = {.verdict = ssp_drive_feed(end, SSP_UNWRAP, bytes, cut, 0)};
    if (o.verdict == SSP_MORE)
        o.verdict = ssp_drive_feed(end, SSP_UNWRAP, bytes + cut, n - cut, 1);
    const uint8_t *out = ssp_drive_output(end, SSP_UNWRAP, &o.len);
    must(ssp_drive_broken_rule(end) == NULL);
    must(o.verdict == SSP_END || o.verdict == SSP_FAIL);
    o.out = malloc(o.len + 1);
    must(o.out != NULL);
    if (o.len > 0)
        memcpy(o.out, out, o.len);
    ssp_drive_free(end);
    return o;
}

static void is_the_same_for_every_cut(const struct ss_2022_conf *conf, const uint8_t *bytes,
                                      size_t n, size_t cut)
{
    struct outcome whole = run(conf, bytes, n, n), split = run(conf, bytes, n, cut % (n + 1));
    struct ssp__target target;
    const char *why;
    size_t size;
    must(whole.verdict == split.verdict && whole.len == split.len && whole.len <= n);
    must(memcmp(whole.out, split.out, whole.len) == 0);
    must(whole.len == 0 || ss_target_parse(&target, whole.out, whole.len, &size, &why) == SSP_OK);
    free(whole.out);
    free(split.out);
}

/* Seals part after part with the key of a salt of zeros. */
static size_t seal(struct ss_aead *a, const uint8_t *in, size_t n, uint8_t *out)
{
    must(ss_aead_seal(a, in, n, out) == 0);
    return n + SS_TAG_LEN;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t wire[2 * INPUT_MAX];
    uint8_t subkey[SS_KEY_MAX];
    struct ss_aead a;
    if (size < PREFIX_LEN + FIXED_LEN || size > INPUT_MAX)
        return 0;
    struct ss_contexts *contexts = ss_contexts_new();
    must(contexts != NULL);
    const struct ss_2022_conf conf = {.cipher = &ss_ciphers[SS_AES_128_GCM], .contexts = contexts};
    size_t cut = (size_t)data[0] << 8 | data[1], variable = (size_t)data[2] << 8 | data[3];
    const uint8_t *next = data + PREFIX_LEN;
    size_t left = size - PREFIX_LEN - FIXED_LEN, len = SALT_LEN;
    variable = variable < left ? variable : left;
    is_the_same_for_every_cut(&conf, next, size - PREFIX_LEN, cut);

    memset(wire, 0, SALT_LEN);
    ss_2022_session_key(&conf, conf.key, wire, SALT_LEN, subkey);
    must(ss_aead_start(&a, conf.cipher, contexts, subkey) == 0);
    len += seal(&a, next, FIXED_LEN, wire + len);
    len += seal(&a, next + FIXED_LEN, variable, wire + len);
    if (left > variable)
        len += seal(&a, next + FIXED_LEN + variable, left - variable, wire + len);
    is_the_same_for_every_cut(&conf, wire, len, cut);
    ss_aead_wipe(&a);
    ss_contexts_free(contexts);
    return 0;
}
