/* SPDX-License-Identifier: Apache-2.0 */
#include "../../engines.h"
#include "base/io.h"
#include "crypto/key.h"
#include "proto/aead.h"
#include "proto/method.h"
#include "vectors.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
    STREAM_MAX = 512,
    FIRST_LEN = sizeof VECTOR_FIRST - 1,
    SECOND_LEN = sizeof VECTOR_SECOND - 1,
    PLAIN_LEN = FIRST_LEN + SECOND_LEN,
    SEALED_LENGTH = 2 + SS_TAG_LEN,
    VECTORS = sizeof vectors / sizeof vectors[0]
};

static const char plain[] = VECTOR_FIRST VECTOR_SECOND;

static struct ss_contexts *contexts;

/* One vector as bytes, and where its first chunk ends. */
struct stream {
    struct ss_aead_conf conf;
    uint8_t bytes[STREAM_MAX];
    size_t len, first_end;
};

static void stream_of(struct stream *s, const struct vector *v)
{
    *s = (struct stream){
        .conf = {.cipher = ss_method_find(v->method)->cipher, .contexts = contexts}};
    assert_non_null(s->conf.cipher);
    assert_int_equal(ss_key_from_password(s->conf.key, s->conf.cipher, VECTOR_PASSWORD), 0);
    assert_int_equal(sodium_hex2bin(s->bytes, sizeof s->bytes, v->stream, strlen(v->stream), NULL,
                                    &s->len, NULL),
                     0);
    s->first_end = s->conf.cipher->salt_len + SEALED_LENGTH + FIRST_LEN + SS_TAG_LEN;
}

/* A salt of 0, 1, 2, ... plus *arg. */
static void counted(void *arg, void *bytes, size_t n)
{
    uint8_t *next = bytes;
    for (size_t i = 0; i < n; i++)
        next[i] = (uint8_t)(i + *(const uint8_t *)arg);
}

static ssp_drive *drive(const struct ss_aead_conf *conf, ssp_role role, uint8_t *seed)
{
    static ssp_world world;
    world = (ssp_world){.random = counted, .arg = seed};
    ssp_drive *d = ssp_drive_new(&ss_aead_codec, role, conf, &world);
    assert_non_null(d);
    return d;
}

static void output_is(const ssp_drive *d, ssp_dir dir, const void *bytes, size_t n)
{
    size_t len;
    const uint8_t *out = ssp_drive_output(d, dir, &len);
    assert_int_equal(len, n);
    if (n > 0)
        assert_memory_equal(out, bytes, n);
}

/* The output of a fresh end for a whole stream. */
static ssp_verdict receive(const struct ss_aead_conf *conf, const uint8_t *bytes, size_t n,
                           size_t plain_len)
{
    uint8_t seed = 0;
    ssp_drive *d = drive(conf, SSP_SERVER, &seed);
    ssp_verdict verdict = ssp_drive_feed(d, SSP_UNWRAP, bytes, n, 1);
    assert_null(ssp_drive_broken_rule(d));
    output_is(d, SSP_UNWRAP, plain, plain_len);
    ssp_drive_free(d);
    return verdict;
}

static void keys_are_those_of_other_implementations(void **state)
{
    (void)state;
    for (size_t i = 0; i < VECTORS; i++) {
        struct stream s;
        uint8_t subkey[SS_KEY_MAX];
        char hex[2 * SS_KEY_MAX + 1];
        stream_of(&s, &vectors[i]);
        (void)sodium_bin2hex(hex, sizeof hex, s.conf.key, s.conf.cipher->key_len);
        assert_string_equal(hex, vectors[i].key);
        assert_int_equal(ss_key_session(subkey, s.conf.cipher, s.conf.key, s.bytes), 0);
        (void)sodium_bin2hex(hex, sizeof hex, subkey, s.conf.cipher->key_len);
        assert_string_equal(hex, vectors[i].subkey);
    }
}

static void wrapped_streams_are_those_of_other_implementations(void **state)
{
    (void)state;
    for (size_t i = 0; i < VECTORS; i++) {
        struct stream s;
        uint8_t seed = 0;
        stream_of(&s, &vectors[i]);
        ssp_drive *d = drive(&s.conf, SSP_CLIENT, &seed);
        assert_int_equal(ssp_drive_feed(d, SSP_WRAP, plain, FIRST_LEN, 0), SSP_MORE);
        output_is(d, SSP_WRAP, s.bytes, s.first_end);
        assert_int_equal(ssp_drive_feed(d, SSP_WRAP, plain + FIRST_LEN, SECOND_LEN, 1), SSP_END);
        output_is(d, SSP_WRAP, s.bytes, s.len);
        ssp_drive_free(d);
    }
}

static void streams_of_other_implementations_unwrap(void **state)
{
    (void)state;
    for (size_t i = 0; i < VECTORS; i++) {
        struct stream s;
        stream_of(&s, &vectors[i]);
        assert_int_equal(receive(&s.conf, s.bytes, s.len, PLAIN_LEN), SSP_END);
    }
}

static void every_split_of_a_stream_unwraps_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < VECTORS; i++) {
        struct stream s;
        stream_of(&s, &vectors[i]);
        for (size_t cut = 0; cut <= s.len; cut++) {
            uint8_t seed = 0;
            ssp_drive *d = drive(&s.conf, SSP_SERVER, &seed);
            assert_int_equal(ssp_drive_feed(d, SSP_UNWRAP, s.bytes, cut, 0), SSP_MORE);
            assert_int_equal(ssp_drive_feed(d, SSP_UNWRAP, s.bytes + cut, s.len - cut, 1), SSP_END);
            output_is(d, SSP_UNWRAP, plain, PLAIN_LEN);
            ssp_drive_free(d);
        }
    }
}

static void a_stream_unwraps_byte_by_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < VECTORS; i++) {
        struct stream s;
        uint8_t seed = 0;
        stream_of(&s, &vectors[i]);
        ssp_drive *d = drive(&s.conf, SSP_SERVER, &seed);
        for (size_t n = 0; n < s.len; n++)
            assert_int_equal(ssp_drive_feed(d, SSP_UNWRAP, s.bytes + n, 1, 0), SSP_MORE);
        output_is(d, SSP_UNWRAP, plain, PLAIN_LEN);
        ssp_drive_free(d);
    }
}

static void a_truncated_stream_is_cut_behind_its_whole_chunks(void **state)
{
    (void)state;
    for (size_t i = 0; i < VECTORS; i++) {
        struct stream s;
        stream_of(&s, &vectors[i]);
        for (size_t n = 1; n < s.len; n++) {
            ssp_verdict expected = n == s.first_end ? SSP_END : SSP_FAIL;
            size_t plain_len = n < s.first_end ? 0 : FIRST_LEN;
            assert_int_equal(receive(&s.conf, s.bytes, n, plain_len), expected);
        }
    }
}

/* The end as an event of its own, behind a length that was read and consumed already. */
static void an_end_that_comes_later_is_the_same_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < VECTORS; i++) {
        struct stream s;
        stream_of(&s, &vectors[i]);
        for (size_t n = 1; n < s.len; n++) {
            uint8_t seed = 0;
            ssp_drive *d = drive(&s.conf, SSP_SERVER, &seed);
            assert_int_equal(ssp_drive_feed(d, SSP_UNWRAP, s.bytes, n, 0), SSP_MORE);
            assert_int_equal(ssp_drive_feed(d, SSP_UNWRAP, "", 0, 1),
                             n == s.first_end ? SSP_END : SSP_FAIL);
            ssp_drive_free(d);
        }
    }
}

/* A target that answers nothing and closes. */
static void a_stream_of_no_bytes_is_empty(void **state)
{
    struct stream s;
    uint8_t seed = 0;
    (void)state;
    stream_of(&s, &vectors[0]);
    assert_int_equal(receive(&s.conf, s.bytes, 0, 0), SSP_END);
    ssp_drive *d = drive(&s.conf, SSP_SERVER, &seed);
    assert_int_equal(ssp_drive_feed(d, SSP_WRAP, "", 0, 1), SSP_END);
    output_is(d, SSP_WRAP, "", 0);
    ssp_drive_free(d);
}

static void a_flip_fails(struct stream *s, size_t at, uint8_t mask)
{
    s->bytes[at] ^= mask;
    assert_int_equal(receive(&s->conf, s->bytes, s->len, at < s->first_end ? 0 : FIRST_LEN),
                     SSP_FAIL);
    s->bytes[at] ^= mask;
}

static void a_modified_byte_anywhere_fails_behind_the_chunks_before_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < VECTORS; i++) {
        struct stream s;
        stream_of(&s, &vectors[i]);
        for (size_t at = 0; at < s.len; at++) {
            a_flip_fails(&s, at, 0x01);
            a_flip_fails(&s, at, 0x80);
            a_flip_fails(&s, at, 0xff);
        }
    }
}

/* One call of unwrap on a whole stream, for the reason it gives. */
static const char *reason(const struct ss_aead_conf *conf, const uint8_t *bytes, size_t n)
{
    static uint8_t out[65536];
    union {
        max_align_t align;
        uint8_t bytes[512];
    } codec_state = {.bytes = {0}};
    ssp_conn conn = {.role = SSP_SERVER, .conf = conf};
    ssp_io io = {.in = bytes, .in_len = n, .eof = true, .out = out, .out_cap = sizeof out};
    ssp_verdict verdict = ss_aead_codec.unwrap(&conn, &codec_state, &io);
    static char why[256];
    assert_true((verdict == SSP_FAIL) == (conn.why != NULL));
    (void)snprintf(why, sizeof why, "%s", conn.why != NULL ? conn.why : "");
    free(conn.why);
    ss_aead_codec.close(&conn, &codec_state);
    return verdict == SSP_FAIL ? why : NULL;
}

/* Seals one chunk of zeros with any length field. */
static size_t forge(const struct ss_aead_conf *conf, size_t claimed, uint8_t *out)
{
    static const uint8_t zero[0x4000];
    uint8_t subkey[SS_KEY_MAX], salt_len = conf->cipher->salt_len;
    const uint8_t length[2] = {(uint8_t)(claimed >> 8), (uint8_t)claimed};
    struct ss_aead a;
    memset(out, 0, salt_len);
    assert_int_equal(ss_key_session(subkey, conf->cipher, conf->key, out), 0);
    assert_int_equal(ss_aead_start(&a, conf->cipher, contexts, subkey), 0);
    assert_int_equal(ss_aead_seal(&a, length, 2, out + salt_len), 0);
    assert_int_equal(ss_aead_seal(&a, zero, claimed, out + salt_len + SEALED_LENGTH), 0);
    ss_aead_wipe(&a);
    return salt_len + SEALED_LENGTH + claimed + SS_TAG_LEN;
}

static void a_length_of_0_or_with_reserved_bits_is_refused_even_when_sealed(void **state)
{
    static const struct {
        size_t claimed;
        const char *why;
    } rows[] = {
        {0, "invalid chunk length"}, {1, NULL}, {0x3FFF, NULL}, {0x4000, "invalid chunk length"}};
    static uint8_t wire[0x5000];
    struct stream s;
    (void)state;
    stream_of(&s, &vectors[2]);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *why = reason(&s.conf, wire, forge(&s.conf, rows[i].claimed, wire));
        if (rows[i].why == NULL)
            assert_null(why);
        else
            assert_string_equal(why, rows[i].why);
    }
}

/* Wraps n bytes in one feed and takes them through the other end. */
static void carries(const struct ss_aead_conf *conf, size_t n, size_t wire_len)
{
    uint8_t seed = 0, *text = malloc(n + 1);
    assert_non_null(text);
    for (size_t i = 0; i < n; i++)
        text[i] = (uint8_t)(i * 7);
    ssp_drive *client = drive(conf, SSP_CLIENT, &seed), *server = drive(conf, SSP_SERVER, &seed);
    ssp_drive_window(client, 1);
    ssp_drive_window(server, 1);
    assert_int_equal(ssp_drive_feed(client, SSP_WRAP, text, n, 1), SSP_END);
    size_t len;
    const uint8_t *wire = ssp_drive_output(client, SSP_WRAP, &len);
    assert_int_equal(len, wire_len);
    assert_int_equal(ssp_drive_feed(server, SSP_UNWRAP, wire, len, 1), SSP_END);
    output_is(server, SSP_UNWRAP, text, n);
    assert_null(ssp_drive_broken_rule(client));
    assert_null(ssp_drive_broken_rule(server));
    ssp_drive_free(client);
    ssp_drive_free(server);
    free(text);
}

static void chunks_are_filled_and_fit_the_smallest_window(void **state)
{
    const size_t full = SS_AEAD_CHUNK_MAX, overhead = SEALED_LENGTH + SS_TAG_LEN;
    (void)state;
    for (size_t i = 0; i < VECTORS; i++) {
        struct stream s;
        stream_of(&s, &vectors[i]);
        size_t salt = s.conf.cipher->salt_len;
        carries(&s.conf, 1, salt + overhead + 1);
        carries(&s.conf, full, salt + overhead + full);
        carries(&s.conf, full + 1, salt + 2 * overhead + full + 1);
        carries(&s.conf, 4 * full + 5, salt + 5 * overhead + 4 * full + 5);
    }
}

static struct ss_replay *filter(void)
{
    struct ss_replay *r = ss_replay_new(1024);
    assert_non_null(r);
    return r;
}

static void a_repeated_stream_fails_and_shows_nothing(void **state)
{
    struct stream s;
    (void)state;
    stream_of(&s, &vectors[2]);
    s.conf.replay = filter();
    assert_int_equal(receive(&s.conf, s.bytes, s.len, PLAIN_LEN), SSP_END);
    for (int i = 0; i < 3; i++)
        assert_int_equal(receive(&s.conf, s.bytes, s.len, 0), SSP_FAIL);
    s.bytes[s.len - 1] ^= 1;
    assert_int_equal(receive(&s.conf, s.bytes, s.len, 0), SSP_FAIL);
    ss_replay_free(s.conf.replay);
}

/* An observer of a flight must not be able to block it by sending parts of it first. */
static void prefixes_of_a_flight_do_not_block_the_flight(void **state)
{
    (void)state;
    for (size_t i = 0; i < VECTORS; i++) {
        struct stream s;
        stream_of(&s, &vectors[i]);
        s.conf.replay = filter();
        for (size_t n = 1; n < s.first_end; n++)
            assert_int_equal(receive(&s.conf, s.bytes, n, 0), SSP_FAIL);
        s.bytes[s.first_end - 1] ^= 1;
        assert_int_equal(receive(&s.conf, s.bytes, s.len, 0), SSP_FAIL);
        s.bytes[s.first_end - 1] ^= 1;
        assert_int_equal(receive(&s.conf, s.bytes, s.len, PLAIN_LEN), SSP_END);
        assert_int_equal(receive(&s.conf, s.bytes, s.len, 0), SSP_FAIL);
        ss_replay_free(s.conf.replay);
    }
}

static void a_stream_of_ours_that_comes_back_is_refused(void **state)
{
    struct stream s;
    uint8_t seed = 9;
    size_t len;
    (void)state;
    stream_of(&s, &vectors[2]);
    s.conf.replay = filter();
    ssp_drive *d = drive(&s.conf, SSP_SERVER, &seed);
    assert_int_equal(ssp_drive_feed(d, SSP_WRAP, plain, PLAIN_LEN, 0), SSP_MORE);
    const uint8_t *wire = ssp_drive_output(d, SSP_WRAP, &len);
    assert_int_equal(receive(&s.conf, wire, len, 0), SSP_FAIL);
    ssp_drive_free(d);
    ss_replay_free(s.conf.replay);
}

static void a_failure_says_why(void **state)
{
    struct stream s;
    (void)state;
    stream_of(&s, &vectors[2]);
    s.conf.replay = filter();
    assert_string_equal(reason(&s.conf, s.bytes, 20), "stream cut");
    s.bytes[40] ^= 1;
    assert_string_equal(reason(&s.conf, s.bytes, s.len), "authentication error");
    s.bytes[40] ^= 1;
    assert_null(reason(&s.conf, s.bytes, s.len));
    assert_string_equal(reason(&s.conf, s.bytes, s.len), "repeat salt detected");
    ss_replay_free(s.conf.replay);
}

static void both_keys_are_wiped_when_the_connection_ends(void **state)
{
    static const uint8_t zero[512];
    (void)state;
    for (size_t i = 0; i < VECTORS; i++) {
        uint8_t out[STREAM_MAX];
        union {
            max_align_t align;
            uint8_t bytes[512];
        } codec_state = {.bytes = {0}};
        struct stream s;
        stream_of(&s, &vectors[i]);
        ssp_conn conn = {.role = SSP_SERVER, .conf = &s.conf};
        ssp_io io = {.in = s.bytes,
                     .in_len = s.conf.cipher->salt_len + SEALED_LENGTH,
                     .out = out,
                     .out_cap = sizeof out};
        (void)ss_aead_codec.unwrap(&conn, &codec_state, &io);
        ss_aead_codec.close(&conn, &codec_state);
        assert_memory_equal(codec_state.bytes, zero, sizeof zero);
    }
}

/* An idle connection is to fit into 4 KiB, with two contexts of libcrypto of about 1.2 KiB. */
static void the_state_of_a_connection_is_small(void **state)
{
    (void)state;
    assert_true(ss_aead_codec.state_size <= 192);
}

static int run(const struct ss_engine *gcm)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_those_of_other_implementations),
        cmocka_unit_test(wrapped_streams_are_those_of_other_implementations),
        cmocka_unit_test(streams_of_other_implementations_unwrap),
        cmocka_unit_test(every_split_of_a_stream_unwraps_the_same),
        cmocka_unit_test(a_stream_unwraps_byte_by_byte),
        cmocka_unit_test(a_truncated_stream_is_cut_behind_its_whole_chunks),
        cmocka_unit_test(an_end_that_comes_later_is_the_same_cut),
        cmocka_unit_test(a_stream_of_no_bytes_is_empty),
        cmocka_unit_test(a_modified_byte_anywhere_fails_behind_the_chunks_before_it),
        cmocka_unit_test(a_length_of_0_or_with_reserved_bits_is_refused_even_when_sealed),
        cmocka_unit_test(chunks_are_filled_and_fit_the_smallest_window),
        cmocka_unit_test(a_repeated_stream_fails_and_shows_nothing),
        cmocka_unit_test(prefixes_of_a_flight_do_not_block_the_flight),
        cmocka_unit_test(a_stream_of_ours_that_comes_back_is_refused),
        cmocka_unit_test(a_failure_says_why),
        cmocka_unit_test(both_keys_are_wiped_when_the_connection_ends),
        cmocka_unit_test(the_state_of_a_connection_is_small),
    };
    contexts = ss_contexts_with(gcm);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    ss_contexts_free(contexts);
    return failed;
}

int main(void)
{
    return with_each_engine(run);
}
