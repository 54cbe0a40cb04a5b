/* SPDX-License-Identifier: Apache-2.0 */
#include "../../engines.h"
#include "base/io.h"
#include "crypto/key.h"
#include "proto/aead.h"
#include "proto/method.h"
#include "proto/packet.h"
#include "proto/socks.h"
#include "proto/target.h"
#include "proto/tunnel.h"
#include "vectors.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
    PACKET_MAX = 65507,
    PLAIN_LEN = sizeof VECTOR_FIRST - 1,
    PAYLOAD_LEN = 5,
    REMEMBERED = 1024
};

/* The first chunk of vectors.h as one packet, computed with pyca/cryptography. */
static const struct {
    const char *method, *hex;
} packets[] = {
    {"aes-128-gcm",
     "000102030405060708090a0b0c0d0e0fd5550c6b49f15f996acc5cbf9f891ac135f484b161c8173b15648f95"
     "cefc1059451fb36a"},
    {"aes-192-gcm",
     "000102030405060708090a0b0c0d0e0f1011121314151617134de453ce90052ff22383f854caacb5a1d52ff5"
     "80e41e809e1aacc55333984c72dc0eb4"},
    {"aes-256-gcm",
     "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1fae5f32560854b9c6d9f65c48"
     "22b21cad8e5e7ed5316f3d67da108a2933f8f467fe8f2ad2"},
    {"chacha20-ietf-poly1305",
     "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1fac5d82ac13ec296e3f8310cc"
     "3e1ecf8bef756af8320ecd466164c46c7535040e52502ac9"},
    {"xchacha20-ietf-poly1305",
     "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f08a94e58ef5460cc94d85e81"
     "13bdb73c2a937931f4aca0324e16a78c9ad51f5a93db92c6"},
};

enum { PACKETS = sizeof packets / sizeof packets[0] };

static struct ss_contexts *contexts;

struct sample {
    struct ss_aead_conf conf;
    uint8_t bytes[256];
    size_t len;
};

static void sample_of(struct sample *s, size_t i)
{
    *s = (struct sample){
        .conf = {.cipher = ss_method_find(packets[i].method)->cipher, .contexts = contexts}};
    assert_non_null(s->conf.cipher);
    assert_int_equal(ss_key_from_password(s->conf.key, s->conf.cipher, VECTOR_PASSWORD), 0);
    assert_int_equal(sodium_hex2bin(s->bytes, sizeof s->bytes, packets[i].hex,
                                    strlen(packets[i].hex), NULL, &s->len, NULL),
                     0);
}

static size_t overhead_of(const struct ss_cipher *cipher)
{
    return (size_t)cipher->salt_len + SS_TAG_LEN;
}

static void give_salt(void *salt, void *bytes, size_t n)
{
    memcpy(bytes, salt, n);
}

/* Seals with that salt, into memory of exactly the right size. */
static int seal(const struct ss_aead_conf *conf, uint8_t *salt, struct ss_span plain, uint8_t *out)
{
    const ssp_world world = {.random = give_salt, .arg = salt};
    const ssp_conn conn = {.conf = conf, .world = &world};
    size_t n = plain.len + overhead_of(conf->cipher);
    uint8_t *in = malloc(plain.len + 1), *room = malloc(n);
    assert_true(in != NULL && room != NULL);
    if (plain.len > 0)
        memcpy(in, plain.bytes, plain.len);
    struct ss_aead aead = {.cipher = NULL};
    struct ssp__packet_io p = {
        .conn = &conn, .scratch = &aead, .bytes = in, .len = plain.len, .room = room, .cap = n};
    int rc = ss_aead_packets.seal(&p);
    ss_aead_packets.release(&aead);
    assert_true(rc == -1 || (p.bytes == room && p.len == n));
    memcpy(out, room, n);
    free(in);
    free(room);
    return rc;
}

/* Opens n bytes, from and into memory of exactly the right size; the target is read then. */
static int open_exactly(struct ssp__packet_io *p, const struct ss_aead_conf *conf,
                        const uint8_t *bytes, size_t n)
{
    static uint8_t opened[PACKET_MAX];
    const ssp_conn conn = {.conf = conf};
    size_t overhead = overhead_of(conf->cipher), cap = n > overhead ? n - overhead : 0;
    uint8_t *in = malloc(n + 1), *out = malloc(cap + 1);
    assert_true(in != NULL && out != NULL);
    if (n > 0)
        memcpy(in + 1, bytes, n);
    struct ss_aead aead = {.cipher = NULL};
    *p = (struct ssp__packet_io){
        .conn = &conn, .scratch = &aead, .bytes = in + 1, .len = n, .room = out + 1, .cap = cap};
    int rc = ss_aead_packets.open(p);
    ss_aead_packets.release(&aead);
    if (rc == 0)
        rc = ss_target_packet_front.asked(p);
    if (rc == 0) {
        memcpy(opened, p->bytes, p->len);
        p->bytes = opened;
    }
    p->conn = NULL;
    p->scratch = NULL;
    free(in);
    free(out);
    return rc;
}

static void is_the_vector(const struct ssp__packet_io *packet)
{
    assert_string_equal(ssp__endpoint_host(&packet->target.endpoint, (char[SSP_HOST_MAX]){0}),
                        "example.com");
    assert_int_equal(packet->target.endpoint.port, 443);
    assert_int_equal(packet->len, PAYLOAD_LEN);
    assert_memory_equal(packet->bytes, "first", PAYLOAD_LEN);
}

static void sealed_packets_are_those_of_other_implementations(void **state)
{
    (void)state;
    for (size_t i = 0; i < PACKETS; i++) {
        struct sample s;
        uint8_t out[256];
        sample_of(&s, i);
        const struct ss_span plain = {(const uint8_t *)VECTOR_FIRST, PLAIN_LEN};
        assert_int_equal(seal(&s.conf, s.bytes, plain, out), 0);
        assert_int_equal(s.len, PLAIN_LEN + overhead_of(s.conf.cipher));
        assert_memory_equal(out, s.bytes, s.len);
    }
}

static void packets_of_other_implementations_are_opened(void **state)
{
    (void)state;
    for (size_t i = 0; i < PACKETS; i++) {
        struct sample s;
        struct ssp__packet_io packet;
        sample_of(&s, i);
        assert_int_equal(open_exactly(&packet, &s.conf, s.bytes, s.len), 0);
        is_the_vector(&packet);
    }
}

static void every_truncation_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < PACKETS; i++) {
        struct sample s;
        struct ssp__packet_io packet;
        sample_of(&s, i);
        for (size_t n = 0; n < s.len; n++) {
            bool short_one = n < overhead_of(s.conf.cipher);
            assert_int_equal(open_exactly(&packet, &s.conf, s.bytes, n), -1);
            assert_string_equal(packet.why,
                                short_one ? "packet too short" : "authentication error");
        }
    }
}

static void every_changed_byte_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < PACKETS; i++) {
        struct sample s;
        struct ssp__packet_io packet;
        sample_of(&s, i);
        for (size_t at = 0; at < s.len; at++) {
            s.bytes[at] ^= (uint8_t)(1 << at % 8);
            assert_int_equal(open_exactly(&packet, &s.conf, s.bytes, s.len), -1);
            s.bytes[at] ^= (uint8_t)(1 << at % 8);
        }
        s.bytes[s.len] = 0;
        assert_int_equal(open_exactly(&packet, &s.conf, s.bytes, s.len + 1), -1);
    }
}

static void a_payload_of_any_size_comes_back(void **state)
{
    static uint8_t plain[PACKET_MAX], sealed[PACKET_MAX];
    (void)state;
    memcpy(plain, VECTOR_FIRST, PLAIN_LEN - PAYLOAD_LEN);
    randombytes_buf(plain + PLAIN_LEN, sizeof plain - PLAIN_LEN);
    for (size_t i = 0; i < PACKETS; i++) {
        struct sample s;
        sample_of(&s, i);
        size_t header = PLAIN_LEN - PAYLOAD_LEN, overhead = overhead_of(s.conf.cipher);
        const size_t sizes[] = {0, 1, 1397, PACKET_MAX - overhead - header};
        for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
            struct ssp__packet_io packet;
            struct ss_span said = {plain, header + sizes[k]};
            assert_int_equal(seal(&s.conf, s.bytes, said, sealed), 0);
            assert_int_equal(open_exactly(&packet, &s.conf, sealed, said.len + overhead), 0);
            assert_int_equal(packet.len, sizes[k]);
            assert_memory_equal(packet.bytes, plain + header, sizes[k]);
        }
    }
}

static void a_packet_is_opened_once(void **state)
{
    struct sample s;
    struct ssp__packet_io packet;
    (void)state;
    sample_of(&s, 0);
    s.conf.replay = ss_replay_new(REMEMBERED);
    assert_int_equal(open_exactly(&packet, &s.conf, s.bytes, s.len), 0);
    assert_int_equal(open_exactly(&packet, &s.conf, s.bytes, s.len), -1);
    assert_string_equal(packet.why, "repeat salt detected");
    ss_replay_free(s.conf.replay);
}

/* Otherwise anybody could make the genuine one be refused. */
static void a_forged_packet_does_not_use_up_its_salt(void **state)
{
    struct sample s;
    struct ssp__packet_io packet;
    (void)state;
    sample_of(&s, 0);
    s.conf.replay = ss_replay_new(REMEMBERED);
    s.bytes[s.len - 1] ^= 1;
    assert_int_equal(open_exactly(&packet, &s.conf, s.bytes, s.len), -1);
    s.bytes[s.len - 1] ^= 1;
    assert_int_equal(open_exactly(&packet, &s.conf, s.bytes, s.len), 0);
    ss_replay_free(s.conf.replay);
}

static void our_own_packet_is_not_taken_back(void **state)
{
    struct sample s;
    struct ssp__packet_io packet;
    uint8_t out[256];
    (void)state;
    sample_of(&s, 0);
    s.conf.replay = ss_replay_new(REMEMBERED);
    const struct ss_span plain = {(const uint8_t *)VECTOR_FIRST, PLAIN_LEN};
    assert_int_equal(seal(&s.conf, s.bytes, plain, out), 0);
    assert_int_equal(open_exactly(&packet, &s.conf, out, s.len), -1);
    assert_string_equal(packet.why, "repeat salt detected");
    ss_replay_free(s.conf.replay);
}

static void a_packet_without_a_whole_target_is_refused(void **state)
{
    static const struct {
        const char *plain;
        size_t len;
        const char *why;
    } rows[] = {{"", 0, "target header cut"},
                {"\x01\x7f\0\0\x01\0", 6, "target header cut"},
                {"\x03\x05nam", 5, "target header cut"},
                {"\x03\0\0\x50", 4, "invalid host name length"},
                {"\x02\x7f\0\0\x01\0\x50", 7, "invalid address type"},
                {"\x01\x7f\0\0\x01\0\0", 7, "invalid port"}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sample s;
        struct ssp__packet_io packet;
        uint8_t out[256];
        const struct ss_span plain = {(const uint8_t *)rows[i].plain, rows[i].len};
        sample_of(&s, 2);
        assert_int_equal(seal(&s.conf, s.bytes, plain, out), 0);
        size_t n = plain.len + overhead_of(s.conf.cipher);
        assert_int_equal(open_exactly(&packet, &s.conf, out, n), -1);
        assert_string_equal(packet.why, rows[i].why);
    }
}

static void the_source_stands_in_front_of_the_payload(void **state)
{
    static const struct {
        const char *host, *header;
        size_t len;
    } rows[] = {{"192.0.2.1", "\x01\xc0\0\x02\x01\x12\x34", 7},
                {"2001:db8::9", "\x04\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x09\x12\x34", 19}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ssp__address a;
        uint8_t room[SSP_TARGET_HEADER_MAX + 2] = {0};
        struct ssp__packet_io p = {.bytes = room + SSP_TARGET_HEADER_MAX, .len = 2, .from = &a};
        assert_int_equal(ssp__address_parse(&a, rows[i].host, 0x1234), 0);
        assert_int_equal(ss_target_packet_front.answered(&p), 0);
        assert_int_equal(p.len, rows[i].len + 2);
        assert_ptr_equal(p.bytes + p.len, room + sizeof room);
        assert_memory_equal(p.bytes, rows[i].header, rows[i].len);
    }
}

static struct ssp__packet_io of(uint8_t *bytes, size_t n)
{
    return (struct ssp__packet_io){.bytes = bytes, .len = n};
}

static void a_datagram_of_socks_is_a_prefix_and_a_target(void **state)
{
    uint8_t said[] = "\0\0\0\x01\x7f\0\0\x01\0\x50hello";
    struct ssp__packet_io p;
    (void)state;
    for (size_t n = 0; n < 10; n++) {
        p = of(said, n);
        assert_int_equal(ss_socks_packet_front.asked(&p), -1);
        assert_non_null(p.why);
    }
    p = of(said, sizeof said - 1);
    assert_int_equal(ss_socks_packet_front.asked(&p), 0);
    assert_ptr_equal(p.bytes, said + 3);
    assert_int_equal(p.len, sizeof said - 1 - 3);
    said[0] = said[1] = said[2] = 0xff;
    assert_int_equal(ss_socks_packet_front.answered(&p), 0);
    assert_ptr_equal(p.bytes, said);
    assert_int_equal(p.len, sizeof said - 1);
    assert_memory_equal(said, "\0\0\0\x01", 4);
}

static void a_tunnel_puts_its_target_in_front_and_takes_the_source_away(void **state)
{
    uint8_t room[SSP_TARGET_HEADER_MAX + 5] = {0}, cut[] = "\x01\x7f\0";
    struct ssp__target target;
    (void)state;
    assert_int_equal(ss_target_read(&target, "example.org:80"), 0);
    struct ssp__packet_io p = of(room + SSP_TARGET_HEADER_MAX, 5);
    memcpy(p.bytes, "hello", 5);
    p.front_conf = &target;
    assert_int_equal(ss_tunnel_packet_front.asked(&p), 0);
    assert_int_equal(p.len, 15 + 5);
    assert_memory_equal(p.bytes,
                        "\x03\x0b"
                        "example.org\0\x50hello",
                        20);
    uint8_t answer[] = "\x01\x7f\0\0\x01\0\x50hello";
    p = of(answer, sizeof answer - 1);
    assert_int_equal(ss_tunnel_packet_front.answered(&p), 0);
    assert_ptr_equal(p.bytes, answer + 7);
    assert_int_equal(p.len, 5);
    p = of(cut, sizeof cut - 1);
    assert_int_equal(ss_tunnel_packet_front.answered(&p), -1);
    assert_string_equal(p.why, "target header cut");
}

/* The plan decides later whether the header stays: in either form it has to be whole. */
static void a_packet_of_a_client_shows_its_header_or_hides_it(void **state)
{
    uint8_t said[] = "\0\0\0\x03\x09"
                     "127.0.0.1\0\x50hello";
    (void)state;
    struct ssp__packet_io p = of(said, sizeof said - 1);
    assert_int_equal(ss_socks_packet_front.asked(&p), 0);
    assert_false(p.bare);
    assert_int_equal(p.header_len, 2 + 9 + 2);
    assert_int_equal(p.target.endpoint.port, 80);
    assert_false(p.target.endpoint.named);
    p = of(said + 3, sizeof said - 1 - 3);
    assert_int_equal(ss_target_packet_front.asked(&p), 0);
    assert_true(p.bare);
    assert_int_equal(p.header_len, 2 + 9 + 2);
    assert_memory_equal(p.bytes, "hello", 5);
}

static void an_answer_around_the_codec_gets_its_source(void **state)
{
    uint8_t room[SSP_PACKET_HEADROOM + 5];
    struct ssp__address from;
    (void)state;
    assert_int_equal(ssp__address_parse(&from, "192.0.2.1", 80), 0);
    struct ssp__packet_io p = {
        .bytes = room + SSP_PACKET_HEADROOM, .len = 5, .from = &from, .bare = true};
    memcpy(p.bytes, "hello", 5);
    assert_int_equal(ss_tunnel_packet_front.answered(&p), 0);
    assert_int_equal(p.len, 5);
    assert_int_equal(ss_socks_packet_front.answered(&p), 0);
    assert_int_equal(p.len, 3 + 7 + 5);
    assert_memory_equal(p.bytes, "\0\0\0\x01\xc0\0\x02\x01\0\x50hello", 15);
}

static void an_answer_without_a_source_is_refused(void **state)
{
    uint8_t said[] = "\0\0\0\x01\x7f\0";
    struct ssp__packet_io p = of(said + 3, 3);
    (void)state;
    assert_int_equal(ss_socks_packet_front.answered(&p), -1);
    assert_string_equal(p.why, "target header cut");
}

static void fragments_are_refused(void **state)
{
    uint8_t said[] = "\0\0\0\x01\x7f\0\0\x01\0\x50hello";
    (void)state;
    for (unsigned fragment = 1; fragment < 256; fragment++) {
        struct ssp__packet_io p = of(said, sizeof said - 1);
        said[2] = (uint8_t)fragment;
        assert_int_equal(ss_socks_packet_front.asked(&p), -1);
        assert_string_equal(p.why, "fragmented");
    }
}

/* Each packet with its own salt, one after another in the same scratch. */
static void keys_change_from_packet_to_packet(void **state)
{
    (void)state;
    for (size_t i = 0; i < PACKETS; i++) {
        struct sample s;
        struct ss_aead aead = {.cipher = NULL};
        uint8_t sealed[256], opened[256];
        sample_of(&s, i);
        const ssp_world world = {.random = give_salt, .arg = s.bytes};
        const ssp_conn conn = {.conf = &s.conf, .world = &world};
        struct ssp__packet_io p = {.conn = &conn, .scratch = &aead};
        for (unsigned turn = 0; turn < 3; turn++) {
            uint8_t said[] = VECTOR_FIRST;
            s.bytes[0] = (uint8_t)turn;
            p = (struct ssp__packet_io){.conn = &conn,
                                        .scratch = &aead,
                                        .bytes = said,
                                        .len = PLAIN_LEN,
                                        .room = sealed,
                                        .cap = sizeof sealed};
            assert_int_equal(ss_aead_packets.seal(&p), 0);
            if (turn == 0)
                assert_memory_equal(p.bytes, s.bytes, s.len);
            p.room = opened;
            assert_int_equal(ss_aead_packets.open(&p), 0);
            assert_int_equal(p.len, PLAIN_LEN);
            assert_memory_equal(p.bytes, VECTOR_FIRST, PLAIN_LEN);
        }
        ss_aead_packets.release(&aead);
    }
}

static void what_has_no_room_is_refused(void **state)
{
    struct sample s;
    uint8_t room[256];
    (void)state;
    sample_of(&s, 0);
    const ssp_conn conn = {.conf = &s.conf};
    struct ssp__packet_io p = of(s.bytes, s.len);
    p.conn = &conn;
    p.room = room;
    p.cap = s.len - overhead_of(s.conf.cipher) - 1;
    assert_int_equal(ss_aead_packets.open(&p), -1);
    assert_string_equal(p.why, "too long");
    p.cap = s.len + overhead_of(s.conf.cipher) - 1;
    assert_int_equal(ss_aead_packets.seal(&p), -1);
    assert_string_equal(p.why, "too long");
}

static int run(const struct ss_engine *gcm)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sealed_packets_are_those_of_other_implementations),
        cmocka_unit_test(packets_of_other_implementations_are_opened),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(every_changed_byte_is_refused),
        cmocka_unit_test(a_payload_of_any_size_comes_back),
        cmocka_unit_test(a_packet_is_opened_once),
        cmocka_unit_test(a_forged_packet_does_not_use_up_its_salt),
        cmocka_unit_test(our_own_packet_is_not_taken_back),
        cmocka_unit_test(a_packet_without_a_whole_target_is_refused),
        cmocka_unit_test(the_source_stands_in_front_of_the_payload),
        cmocka_unit_test(a_datagram_of_socks_is_a_prefix_and_a_target),
        cmocka_unit_test(a_tunnel_puts_its_target_in_front_and_takes_the_source_away),
        cmocka_unit_test(a_packet_of_a_client_shows_its_header_or_hides_it),
        cmocka_unit_test(an_answer_around_the_codec_gets_its_source),
        cmocka_unit_test(an_answer_without_a_source_is_refused),
        cmocka_unit_test(what_has_no_room_is_refused),
        cmocka_unit_test(keys_change_from_packet_to_packet),
        cmocka_unit_test(fragments_are_refused),
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
