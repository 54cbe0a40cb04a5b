/* SPDX-License-Identifier: Apache-2.0 */
#include "../../engines.h"
#include "crypto/cipher.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { PAYLOAD_MAX = 0x3FFF, HELLO_BITS = (5 + SS_TAG_LEN) * 8, CROWD = 400 };

static const uint8_t key[SS_KEY_MAX] = {7, 1, 2, 3};

static struct ss_contexts *contexts;

static void started(struct ss_aead *a, const struct ss_cipher *cipher)
{
    assert_int_equal(ss_aead_start(a, cipher, contexts, key), 0);
}

/* McGrew and Viega, "The Galois/Counter Mode of Operation", test cases 13 and 14. */
static void aes_256_gcm_computes_the_vectors_of_its_authors(void **state)
{
    static const uint8_t zero[32];
    static const uint8_t empty_tag[] = {0x53, 0x0f, 0x8a, 0xfb, 0xc7, 0x45, 0x36, 0xb9,
                                        0xa9, 0x63, 0xb4, 0xf1, 0xc4, 0xcb, 0x73, 0x8b};
    static const uint8_t sealed[] = {0xce, 0xa7, 0x40, 0x3d, 0x4d, 0x60, 0x6b, 0x6e,
                                     0x07, 0x4e, 0xc5, 0xd3, 0xba, 0xf3, 0x9d, 0x18,
                                     0xd0, 0xd1, 0xc8, 0xa7, 0x99, 0x99, 0x6b, 0xf0,
                                     0x26, 0x5b, 0x98, 0xb5, 0xd4, 0x8a, 0xb9, 0x19};
    uint8_t out[32];
    struct ss_aead a;
    (void)state;
    assert_int_equal(ss_aead_start(&a, &ss_ciphers[SS_AES_256_GCM], contexts, zero), 0);
    assert_int_equal(ss_aead_seal(&a, zero, 0, out), 0);
    assert_memory_equal(out, empty_tag, sizeof empty_tag);
    ss_aead_wipe(&a);

    assert_int_equal(ss_aead_start(&a, &ss_ciphers[SS_AES_256_GCM], contexts, zero), 0);
    assert_int_equal(ss_aead_seal(&a, zero, 16, out), 0);
    assert_memory_equal(out, sealed, sizeof sealed);
    ss_aead_wipe(&a);
}

static void sealed_messages_open_in_their_order(const struct ss_cipher *cipher)
{
    static const size_t sizes[] = {0, 1, 2, 15, 16, 17, 255, 1000, PAYLOAD_MAX};
    struct ss_aead sender, receiver;
    started(&sender, cipher);
    started(&receiver, cipher);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        /* Exact sizes, for the sanitizer. */
        uint8_t *plain = malloc(sizes[i] + 1), *wire = malloc(sizes[i] + SS_TAG_LEN);
        uint8_t *opened = malloc(sizes[i] + 1);
        memset(plain, (int)i + 1, sizes[i]);
        assert_int_equal(ss_aead_seal(&sender, plain, sizes[i], wire), 0);
        assert_int_equal(ss_aead_open(&receiver, wire, sizes[i] + SS_TAG_LEN, opened), 0);
        assert_memory_equal(opened, plain, sizes[i]);
        free(plain);
        free(wire);
        free(opened);
    }
    ss_aead_wipe(&sender);
    ss_aead_wipe(&receiver);
}

static void each_method_round_trips_each_size(void **state)
{
    (void)state;
    for (size_t i = 0; i < SS_CIPHERS; i++)
        sealed_messages_open_in_their_order(&ss_ciphers[i]);
}

static void a_flipped_bit_is_not_authentic(const struct ss_cipher *cipher)
{
    static const uint8_t zero[5];
    struct ss_aead a;
    for (size_t bit = 0; bit < HELLO_BITS; bit++) {
        uint8_t wire[5 + SS_TAG_LEN], out[5] = "xxxx";
        started(&a, cipher);
        assert_int_equal(ss_aead_seal(&a, (const uint8_t *)"hello", 5, wire), 0);
        ss_aead_wipe(&a);

        wire[bit / 8] ^= (uint8_t)(1U << bit % 8);
        started(&a, cipher);
        assert_int_equal(ss_aead_open(&a, wire, sizeof wire, out), -1);
        assert_memory_equal(out, zero, sizeof out);
        ss_aead_wipe(&a);
    }
}

static void each_method_refuses_each_flipped_bit_and_shows_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < SS_CIPHERS; i++)
        a_flipped_bit_is_not_authentic(&ss_ciphers[i]);
}

static void a_message_shorter_than_its_tag_is_refused(void **state)
{
    struct ss_aead a;
    uint8_t byte = 1;
    (void)state;
    started(&a, &ss_ciphers[0]);
    for (size_t n = 0; n < SS_TAG_LEN; n++)
        assert_int_equal(ss_aead_open(&a, key, n, &byte), -1);
    assert_int_equal(byte, 1);
    ss_aead_wipe(&a);
}

static void the_nonce_counts_little_endian_and_carries(void **state)
{
    uint8_t wire[1 + SS_TAG_LEN], byte = 0;
    (void)state;
    for (size_t i = 0; i < SS_CIPHERS; i++) {
        struct ss_aead sender, receiver;
        started(&sender, &ss_ciphers[i]);
        started(&receiver, &ss_ciphers[i]);
        for (int message = 0; message < 256; message++)
            assert_int_equal(ss_aead_seal(&sender, &byte, 1, wire), 0);
        assert_int_equal(sender.nonce[0], 0);
        assert_int_equal(sender.nonce[1], 1);

        receiver.nonce[1] = 1;
        assert_int_equal(ss_aead_seal(&sender, &byte, 1, wire), 0);
        assert_int_equal(ss_aead_open(&receiver, wire, sizeof wire, &byte), 0);
        ss_aead_wipe(&sender);
        ss_aead_wipe(&receiver);
    }
}

static void the_nonce_wraps_to_zero(void **state)
{
    static const uint8_t zero[SS_NONCE_MAX];
    uint8_t wire[1 + SS_TAG_LEN];
    (void)state;
    for (size_t i = 0; i < SS_CIPHERS; i++) {
        struct ss_aead a;
        started(&a, &ss_ciphers[i]);
        memset(a.nonce, 0xff, a.cipher->nonce_len);
        assert_int_equal(ss_aead_seal(&a, key, 1, wire), 0);
        assert_memory_equal(a.nonce, zero, sizeof zero);
        ss_aead_wipe(&a);
    }
}

static void a_wiped_direction_is_all_zero_and_may_be_wiped_again(void **state)
{
    static const struct ss_aead zero;
    (void)state;
    for (size_t i = 0; i < SS_CIPHERS; i++) {
        struct ss_aead a;
        started(&a, &ss_ciphers[i]);
        ss_aead_wipe(&a);
        assert_memory_equal(&a, &zero, sizeof a);
        ss_aead_wipe(&a);
    }
}

/* Many more than there are contexts, with keys and messages of their own, in turn. */
static void directions_take_contexts_from_each_other(void **state)
{
    static struct ss_aead sender[CROWD], receiver[CROWD];
    (void)state;
    for (unsigned i = 0; i < CROWD; i++) {
        const uint8_t own[SS_KEY_MAX] = {(uint8_t)i, (uint8_t)(i >> 8), 1};
        const struct ss_cipher *cipher = &ss_ciphers[i / 3 % SS_CIPHERS];
        assert_int_equal(ss_aead_start(&sender[i], cipher, contexts, own), 0);
        assert_int_equal(ss_aead_start(&receiver[i], cipher, contexts, own), 0);
    }
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < CROWD; i++) {
            uint8_t plain[2] = {(uint8_t)i, (uint8_t)round}, opened[2];
            uint8_t wire[sizeof plain + SS_TAG_LEN];
            assert_int_equal(ss_aead_seal(&sender[i], plain, sizeof plain, wire), 0);
            assert_int_equal(ss_aead_open(&receiver[(i + 1) % CROWD], wire, sizeof wire, opened),
                             -1);
            receiver[(i + 1) % CROWD].nonce[0]--;
            assert_int_equal(ss_aead_open(&receiver[i], wire, sizeof wire, opened), 0);
            assert_memory_equal(opened, plain, sizeof plain);
        }
    }
    for (unsigned i = 0; i < CROWD; i++) {
        ss_aead_wipe(&sender[i]);
        ss_aead_wipe(&receiver[i]);
    }
}

/* A thread has directions of its own, in the contexts of all. */
static void *round_trip(void *arg)
{
    bool *same = arg;
    *same = true;
    for (unsigned i = 0; i < CROWD; i++) {
        const uint8_t own[SS_KEY_MAX] = {(uint8_t)i, 2};
        uint8_t plain[2] = {(uint8_t)i, 3}, opened[2] = {0}, wire[sizeof plain + SS_TAG_LEN];
        struct ss_aead sender, receiver;
        *same = ss_aead_start(&sender, &ss_ciphers[i % SS_CIPHERS], contexts, own) == 0 && *same;
        *same = ss_aead_start(&receiver, &ss_ciphers[i % SS_CIPHERS], contexts, own) == 0 && *same;
        *same = ss_aead_seal(&sender, plain, sizeof plain, wire) == 0 && *same;
        *same = ss_aead_open(&receiver, wire, sizeof wire, opened) == 0 && *same;
        *same = memcmp(opened, plain, sizeof plain) == 0 && *same;
        ss_aead_wipe(&sender);
        ss_aead_wipe(&receiver);
    }
    return NULL;
}

static void each_thread_has_contexts_of_its_own(void **state)
{
    enum { THREADS = 4 };
    pthread_t thread[THREADS];
    bool same[THREADS];
    (void)state;
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, round_trip, &same[i]), 0);
    for (unsigned i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(thread[i], NULL), 0);
        assert_true(same[i]);
    }
}

static void another_key_counts_from_zero(void **state)
{
    (void)state;
    for (size_t i = 0; i < SS_CIPHERS; i++) {
        const uint8_t other[SS_KEY_MAX] = {9};
        uint8_t first[1 + SS_TAG_LEN], again[1 + SS_TAG_LEN], between[1 + SS_TAG_LEN];
        struct ss_aead a;
        started(&a, &ss_ciphers[i]);
        assert_int_equal(ss_aead_seal(&a, key, 1, first), 0);
        assert_int_equal(ss_aead_restart(&a, other), 0);
        assert_int_equal(ss_aead_seal(&a, key, 1, between), 0);
        assert_int_equal(ss_aead_restart(&a, key), 0);
        assert_int_equal(ss_aead_seal(&a, key, 1, again), 0);
        assert_memory_equal(again, first, sizeof first);
        assert_memory_not_equal(between, first, sizeof first);
        ss_aead_wipe(&a);
    }
}

static int run(const struct ss_engine *gcm)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(aes_256_gcm_computes_the_vectors_of_its_authors),
        cmocka_unit_test(each_method_round_trips_each_size),
        cmocka_unit_test(each_method_refuses_each_flipped_bit_and_shows_nothing),
        cmocka_unit_test(a_message_shorter_than_its_tag_is_refused),
        cmocka_unit_test(the_nonce_counts_little_endian_and_carries),
        cmocka_unit_test(the_nonce_wraps_to_zero),
        cmocka_unit_test(directions_take_contexts_from_each_other),
        cmocka_unit_test(each_thread_has_contexts_of_its_own),
        cmocka_unit_test(another_key_counts_from_zero),
        cmocka_unit_test(a_wiped_direction_is_all_zero_and_may_be_wiped_again),
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
