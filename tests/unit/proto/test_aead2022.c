/* SPDX-License-Identifier: Apache-2.0 */
#include "../../engines.h"
#include "base/io.h"
#include "proto/aead2022.h"
#include "proto/method.h"
#include "vectors2022.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { STREAM_MAX = 256, VECTORS = sizeof vectors_2022 / sizeof vectors_2022[0], HEADER_LEN = 7 };

static const char plain[] = "\1\xc0\0\2\1\0\x50" VECTOR_2022_PAYLOAD;
enum { PLAIN_LEN = sizeof plain - 1 };

static struct ss_contexts *contexts;
static int64_t clock_s; /* what the codec takes for the time */

static int64_t told_time(void *arg)
{
    (void)arg;
    return clock_s;
}

static void counted(void *arg, void *bytes, size_t n)
{
    (void)arg;
    for (size_t i = 0; i < n; i++)
        ((uint8_t *)bytes)[i] = (uint8_t)i;
}

static void count_up(uint8_t *key, unsigned from)
{
    for (unsigned i = 0; i < SS_KEY_MAX; i++)
        key[i] = (uint8_t)(from + i);
}

/* A server for the vector, and its stream. */
struct rig {
    struct ss_2022_conf conf;
    uint8_t bytes[STREAM_MAX];
    size_t len;
    ssp_world world;
};

static void rig_open(struct rig *r, const struct vector_2022 *v)
{
    const struct ss_cipher *cipher = ss_method_find(v->method)->cipher;
    *r = (struct rig){.conf = {.cipher = cipher, .contexts = contexts},
                      .world = {.random = counted, .unix_time = told_time}};
    count_up(r->conf.key, v->user ? 100 : 0);
    r->conf.recent = ss_recent_new(64, v->stamp - 100);
    clock_s = v->stamp;
    if (v->user) {
        uint8_t key[SS_KEY_MAX];
        count_up(key, 0);
        r->conf.users = ss_users_new(cipher->key_len);
        assert_int_equal(ss_users_add(r->conf.users, "alice", key), SS_USER_OK);
    }
    assert_int_equal(sodium_hex2bin(r->bytes, sizeof r->bytes, v->stream, strlen(v->stream), NULL,
                                    &r->len, NULL),
                     0);
}

static void rig_close(struct rig *r)
{
    ss_recent_free(r->conf.recent);
    ss_users_free(r->conf.users);
}

static ssp_drive *drive(struct rig *r, ssp_role role)
{
    ssp_drive *d = ssp_drive_new(&ss_2022_codec, role, &r->conf, &r->world);
    assert_non_null(d);
    return d;
}

/* The server's view of the stream: the verdict and the reason. */
static ssp_verdict judge(struct rig *r, const char *why)
{
    ssp_drive *d = drive(r, SSP_SERVER);
    size_t len;
    ssp_verdict verdict = ssp_drive_feed(d, SSP_UNWRAP, r->bytes, r->len, 0);
    const uint8_t *out = ssp_drive_output(d, SSP_UNWRAP, &len);
    assert_null(ssp_drive_broken_rule(d));
    assert_int_equal(len, verdict == SSP_MORE ? PLAIN_LEN : 0);
    if (len > 0)
        assert_memory_equal(out, plain, PLAIN_LEN);
    if (why != NULL)
        assert_string_equal(ssp_drive_why(d), why);
    ssp_drive_free(d);
    return verdict;
}

static void requests_of_another_implementation_unwrap_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < VECTORS; i++) {
        struct rig r;
        rig_open(&r, &vectors_2022[i]);
        assert_int_equal(judge(&r, NULL), SSP_MORE);
        assert_int_equal(judge(&r, "repeat salt detected"), SSP_FAIL);
        rig_close(&r);
    }
}

static void clocks_may_differ_by_thirty_seconds(void **state)
{
    static const int good[] = {-30, -29, 0, 29, 30}, bad[] = {-31, 31, -3600, 3600};
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct rig r;
        rig_open(&r, &vectors_2022[0]);
        clock_s = vectors_2022[0].stamp + good[i];
        assert_int_equal(judge(&r, NULL), SSP_MORE);
        rig_close(&r);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct rig r;
        rig_open(&r, &vectors_2022[0]);
        clock_s = vectors_2022[0].stamp + bad[i];
        assert_int_equal(judge(&r, NULL), SSP_FAIL);
        assert_int_equal(judge(&r, NULL), SSP_FAIL);
        clock_s = vectors_2022[0].stamp; /* what was refused is not remembered */
        assert_int_equal(judge(&r, NULL), SSP_MORE);
        rig_close(&r);
    }
}

/* A minute later the salt is forgotten; the time of its request is a floor from then on. */
static void a_clock_that_steps_back_makes_no_replay_valid(void **state)
{
    struct rig r;
    uint8_t other[SS_SALT_MAX] = {0};
    (void)state;
    rig_open(&r, &vectors_2022[0]);
    assert_int_equal(judge(&r, NULL), SSP_MORE);
    clock_s += 61;
    assert_true(ss_recent_add(r.conf.recent, (struct ss_recent_id){other, 16}, clock_s, clock_s));
    clock_s -= 90;
    assert_int_equal(judge(&r, ss_2022_too_old), SSP_FAIL);
    rig_close(&r);
}

static void a_user_is_counted_and_one_that_is_removed_is_cut(void **state)
{
    struct rig r;
    (void)state;
    rig_open(&r, &vectors_2022[1]);
    assert_true(vectors_2022[1].user);
    ssp_drive *d = drive(&r, SSP_SERVER);
    struct ss_user *alice = ss_users_take_named(r.conf.users, "alice");
    assert_int_equal(ssp_drive_feed(d, SSP_UNWRAP, r.bytes, r.len, 0), SSP_MORE);
    assert_int_equal(ssp_drive_feed(d, SSP_WRAP, "an answer", 9, 0), SSP_MORE);
    assert_int_equal(alice->counters.up, PLAIN_LEN - HEADER_LEN);
    assert_int_equal(alice->counters.down, 9);
    assert_int_equal(alice->counters.connections, 1);
    assert_int_equal(alice->counters.failed, 0);
    assert_true(ss_users_remove(r.conf.users, "alice"));
    assert_int_equal(ssp_drive_feed(d, SSP_WRAP, "more", 4, 0), SSP_FAIL);
    assert_string_equal(ssp_drive_why(d), "user removed");
    ssp_drive_free(d);
    assert_int_equal(judge(&r, "unknown user"), SSP_FAIL);
    ss_user_release(alice);
    rig_close(&r);
}

static void a_server_waits_for_the_request_that_it_answers(void **state)
{
    struct rig r;
    size_t len;
    (void)state;
    rig_open(&r, &vectors_2022[0]);
    ssp_drive *d = drive(&r, SSP_SERVER);
    assert_int_equal(ssp_drive_feed(d, SSP_WRAP, "early", 5, 0), SSP_MORE);
    (void)ssp_drive_output(d, SSP_WRAP, &len);
    assert_int_equal(len, 0);
    assert_int_equal(ssp_drive_feed(d, SSP_UNWRAP, r.bytes, r.len, 0), SSP_MORE);
    assert_int_equal(ssp_drive_feed(d, SSP_WRAP, "", 0, 0), SSP_MORE);
    (void)ssp_drive_output(d, SSP_WRAP, &len);
    assert_int_equal(len, 16 + (1 + 8 + 16 + 2) + 16 + 5 + 16);
    ssp_drive_free(d);
    rig_close(&r);
}

/* The prefix of an access key, then random bytes. */
static void a_prefix_begins_the_salt(void **state)
{
    struct rig r;
    size_t len;
    (void)state;
    rig_open(&r, &vectors_2022[0]);
    memcpy(r.conf.prefix, "POST ", 5);
    r.conf.prefix_len = 5;
    ssp_drive *d = drive(&r, SSP_CLIENT);
    assert_int_equal(ssp_drive_feed(d, SSP_WRAP, plain, PLAIN_LEN, 0), SSP_MORE);
    const uint8_t *out = ssp_drive_output(d, SSP_WRAP, &len);
    assert_memory_equal(out, "POST \5\6\7", 8);
    assert_true(len <= sizeof r.bytes);
    memcpy(r.bytes, out, len);
    r.len = len;
    ssp_drive_free(d);
    r.conf.prefix_len = 0;
    assert_int_equal(judge(&r, NULL), SSP_MORE); /* the server is unharmed */
    rig_close(&r);
}

/* The bytes of each direction are as many as one chunk of 64 KiB - 1 takes, and of more bytes as
 * many as chunks of half of that, and the rest. */
static void chunks_are_as_long_as_they_may_be(void **state)
{
    enum { CHUNK = 0xFFFF, HALF = 0x8000, SEAL = 2 + 16 + 16, LEN = 2 * HALF + CHUNK };
    struct rig r;
    size_t first, len;
    uint8_t *bytes = calloc(1, LEN);
    (void)state;
    assert_non_null(bytes);
    rig_open(&r, &vectors_2022[0]);
    ssp_drive *client = drive(&r, SSP_CLIENT), *server = drive(&r, SSP_SERVER);
    assert_int_equal(ssp_drive_feed(client, SSP_WRAP, plain, PLAIN_LEN, 0), SSP_MORE);
    (void)ssp_drive_output(client, SSP_WRAP, &first);
    assert_int_equal(ssp_drive_feed(client, SSP_WRAP, bytes, LEN, 0), SSP_MORE);
    const uint8_t *out = ssp_drive_output(client, SSP_WRAP, &len);
    assert_int_equal(len - first, LEN + 3 * SEAL);
    assert_int_equal(ssp_drive_feed(server, SSP_UNWRAP, out, len, 0), SSP_MORE);
    (void)ssp_drive_output(server, SSP_UNWRAP, &len);
    assert_int_equal(len, PLAIN_LEN + LEN);
    assert_int_equal(ssp_drive_feed(server, SSP_WRAP, bytes, CHUNK, 0), SSP_MORE);
    assert_int_equal(ssp_drive_feed(server, SSP_WRAP, bytes, CHUNK, 0), SSP_MORE);
    out = ssp_drive_output(server, SSP_WRAP, &len);
    assert_int_equal(len, 16 + (1 + 8 + 16 + 2) + 16 + CHUNK + 16 + CHUNK + SEAL);
    assert_int_equal(ssp_drive_feed(client, SSP_UNWRAP, out, len, 0), SSP_MORE);
    (void)ssp_drive_output(client, SSP_UNWRAP, &len);
    assert_int_equal(len, 2 * CHUNK);
    ssp_drive_free(client);
    ssp_drive_free(server);
    rig_close(&r);
    free(bytes);
}

static int run(const struct ss_engine *gcm)
{
    contexts = ss_contexts_with(gcm);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_of_another_implementation_unwrap_once),
        cmocka_unit_test(clocks_may_differ_by_thirty_seconds),
        cmocka_unit_test(a_clock_that_steps_back_makes_no_replay_valid),
        cmocka_unit_test(a_user_is_counted_and_one_that_is_removed_is_cut),
        cmocka_unit_test(a_server_waits_for_the_request_that_it_answers),
        cmocka_unit_test(a_prefix_begins_the_salt),
        cmocka_unit_test(chunks_are_as_long_as_they_may_be),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    ss_contexts_free(contexts);
    return failed;
}

int main(void)
{
    return with_each_engine(run);
}
