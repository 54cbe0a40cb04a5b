/* SPDX-License-Identifier: Apache-2.0 */
#include "hearing.h"
#include "proto/socks.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define GREETING "\x05\x01\x00"
#define NAMED                                                                                      \
    "\x03\x0b"                                                                                     \
    "example.org"                                                                                  \
    "\x01\xbb"
#define CHOSEN "\x05\x00"
#define WELCOME "\x05\x02\x01\x00" /* for a client that offers credentials only */
#define ANSWER(code) "\x05" code "\x00\x01\0\0\0\0\0\0"
#define GRANTED4 "\x00\x5a\0\0\0\0\0\0"
#define REJECTED4 "\x00\x5b\0\0\0\0\0\0"

#define WITHOUT_NUL(text) text, sizeof(text) - 1

/* The words of a client and the answers that it must get. */
struct dialogue {
    const char *said;
    size_t said_len;
    const char *host; /* NULL: refused with why */
    uint16_t port;
    const char *reply;
    size_t reply_len;
    const char *why;
};

static const struct dialogue accepted[] = {
    {WITHOUT_NUL(GREETING "\x05\x01\x00" NAMED), "example.org", 443,
     WITHOUT_NUL(CHOSEN ANSWER("\x00")), NULL},
    {WITHOUT_NUL(GREETING "\x05\x01\x00\x01\x7f\x00\x00\x01\x00\x50"), "127.0.0.1", 80,
     WITHOUT_NUL(CHOSEN ANSWER("\x00")), NULL},
    {WITHOUT_NUL("\x05\x03\x02\x01\x00"
                 "\x05\x01\xaa\x04"
                 "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01"
                 "\x00\x50"),
     "::1", 80, WITHOUT_NUL(CHOSEN ANSWER("\x00")), NULL},
    {WITHOUT_NUL("\x05\x01\x02"
                 "\x01\x04user\x08password"
                 "\x05\x01\x00" NAMED),
     "example.org", 443, WITHOUT_NUL(WELCOME ANSWER("\x00")), NULL},
    {WITHOUT_NUL("\x05\x02\x01\x02"
                 "\x01\x00\x00"
                 "\x05\x01\x00" NAMED),
     "example.org", 443, WITHOUT_NUL(WELCOME ANSWER("\x00")), NULL},
    {WITHOUT_NUL("\x04\x01\x00\x50\x7f\x00\x00\x01"
                 "user\0"),
     "127.0.0.1", 80, WITHOUT_NUL(GRANTED4), NULL},
    {WITHOUT_NUL("\x04\x01\x01\xbb\x00\x00\x00\x07"
                 "\0"
                 "example.org\0"),
     "example.org", 443, WITHOUT_NUL(GRANTED4), NULL},
};

static const struct dialogue refused[] = {
    {WITHOUT_NUL("G"), NULL, 0, WITHOUT_NUL(""), "not a SOCKS client"},
    {WITHOUT_NUL("\x00"), NULL, 0, WITHOUT_NUL(""), "not a SOCKS client"},
    {WITHOUT_NUL("\x06"), NULL, 0, WITHOUT_NUL(""), "not a SOCKS client"},
    {WITHOUT_NUL("\x05\x00"), NULL, 0, WITHOUT_NUL("\x05\xff"),
     "no acceptable authentication method"},
    {WITHOUT_NUL("\x05\x02\x01\x80"), NULL, 0, WITHOUT_NUL("\x05\xff"),
     "no acceptable authentication method"},
    {WITHOUT_NUL("\x05\x01\x02\x05"), NULL, 0, WITHOUT_NUL("\x05\x02"),
     "invalid authentication version"},
    {WITHOUT_NUL(GREETING "\x04"), NULL, 0, WITHOUT_NUL(CHOSEN), "invalid request version"},
    {WITHOUT_NUL(GREETING "\x05\x02"), NULL, 0, WITHOUT_NUL(CHOSEN ANSWER("\x07")),
     "unsupported command"},
    {WITHOUT_NUL(GREETING "\x05\x03"), NULL, 0, WITHOUT_NUL(CHOSEN ANSWER("\x07")),
     "unsupported command"},
    {WITHOUT_NUL(GREETING "\x05\x01\x00\x02"), NULL, 0, WITHOUT_NUL(CHOSEN ANSWER("\x08")),
     "invalid address type"},
    {WITHOUT_NUL(GREETING "\x05\x01\x00\x03\x00"), NULL, 0, WITHOUT_NUL(CHOSEN ANSWER("\x01")),
     "invalid host name length"},
    {WITHOUT_NUL(GREETING "\x05\x01\x00\x03\x01 \x00\x50"), NULL, 0,
     WITHOUT_NUL(CHOSEN ANSWER("\x01")), "invalid host name"},
    {WITHOUT_NUL(GREETING "\x05\x01\x00\x01\x7f\x00\x00\x01\x00\x00"), NULL, 0,
     WITHOUT_NUL(CHOSEN ANSWER("\x01")), "invalid port"},
    {WITHOUT_NUL("\x04\x02"), NULL, 0, WITHOUT_NUL(REJECTED4), "unsupported command"},
    {WITHOUT_NUL("\x04\x01\x00\x00\x7f\x00\x00\x01\x00"), NULL, 0, WITHOUT_NUL(REJECTED4),
     "invalid port"},
    {WITHOUT_NUL("\x04\x01\x00\x50\x00\x00\x00\x01\x00\x00"), NULL, 0, WITHOUT_NUL(REJECTED4),
     "invalid host name length"},
};

enum { ACCEPTED = sizeof accepted / sizeof accepted[0] };
enum { REFUSED = sizeof refused / sizeof refused[0] };

static void ends_as(const struct hearing *h, const struct dialogue *d)
{
    assert_null(h->front.pump.rule);
    assert_int_equal(ssp__bytes_len(&h->reply), d->reply_len);
    if (d->reply_len > 0)
        assert_memory_equal(ssp__bytes_data(&h->reply), d->reply, d->reply_len);
    if (d->host == NULL) {
        assert_int_equal(h->verdict, SSP_FAIL);
        assert_string_equal(hearing_why(h), d->why);
        return;
    }
    assert_int_equal(h->verdict, SSP_CLEAR);
    assert_string_equal(ssp__endpoint_host(&h->front.target.endpoint, (char[SSP_HOST_MAX]){0}),
                        d->host);
    assert_int_equal(h->front.target.endpoint.port, d->port);
}

/* Said in two pieces; payload is part of the second. */
static void goes_well(const struct dialogue *d, size_t cut)
{
    struct hearing h;
    hearing_begin(&h, &ss_socks_front, NULL, NULL);
    static const uint8_t payload[] = {'p', 'a', 'y', 'l', 'o', 'a', 'd'};
    uint8_t said[512];
    memcpy(said, d->said, d->said_len);
    memcpy(said + d->said_len, payload, sizeof payload);
    assert_int_equal(hear(&h, said, cut, false), cut < d->said_len ? SSP_MORE : SSP_CLEAR);
    (void)hear(&h, said + cut, d->said_len + sizeof payload - cut, false);
    ends_as(&h, d);
    assert_int_equal(ssp__bytes_len(&h.said), 7);
    assert_memory_equal(ssp__bytes_data(&h.said), "payload", 7);
    hearing_end(&h);
}

static void every_split_of_a_pipelined_dialogue_ends_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < ACCEPTED; i++) {
        for (size_t cut = 0; cut <= accepted[i].said_len; cut++)
            goes_well(&accepted[i], cut);
    }
}

static void byte_by_byte_ends_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < ACCEPTED; i++) {
        const struct dialogue *d = &accepted[i];
        struct hearing h;
        hearing_begin(&h, &ss_socks_front, NULL, NULL);
        for (size_t n = 0; n < d->said_len; n++) {
            assert_int_equal(h.verdict, SSP_MORE);
            (void)hear(&h, d->said + n, 1, false);
            assert_true(h.verdict != SSP_MORE ||
                        h.front.pump.need > ssp__bytes_len(&h.front.pump.in));
        }
        ends_as(&h, d);
        hearing_end(&h);
    }
}

/* The last byte of each row tells: it is answered at once. */
static void a_wrong_byte_is_refused_as_soon_as_it_is_there(void **state)
{
    (void)state;
    for (size_t i = 0; i < REFUSED; i++) {
        const struct dialogue *d = &refused[i];
        struct hearing h;
        hearing_begin(&h, &ss_socks_front, NULL, NULL);
        for (size_t n = 0; n < d->said_len; n++) {
            assert_int_equal(h.verdict, SSP_MORE);
            (void)hear(&h, d->said + n, 1, false);
        }
        ends_as(&h, d);
        hearing_end(&h);
    }
}

static void a_wrong_byte_is_refused_whatever_follows(void **state)
{
    (void)state;
    for (size_t i = 0; i < REFUSED; i++) {
        struct hearing h;
        char said[512] = {0};
        memcpy(said, refused[i].said, refused[i].said_len);
        hearing_begin(&h, &ss_socks_front, NULL, NULL);
        (void)hear(&h, said, refused[i].said_len + 300, false);
        ends_as(&h, &refused[i]);
        hearing_end(&h);
    }
}

static void every_command_but_connect_is_refused(void **state)
{
    (void)state;
    for (int command = 0; command < 256; command++) {
        char said[] = GREETING "\x05X";
        said[4] = (char)command;
        struct hearing h;
        hearing_begin(&h, &ss_socks_front, NULL, NULL);
        assert_int_equal(hear(&h, said, 5, false), command == 1 ? SSP_MORE : SSP_FAIL);
        hearing_end(&h);
    }
}

/* The answer to a client that asks for UDP at the address it reached; cut: in two pieces. */
static void associates(const char *reached, const char *answer, size_t answer_len, size_t cut)
{
    static const char said[] = GREETING "\x05\x03\x00\x01\0\0\0\0\0\0";
    enum { SAID_LEN = sizeof said - 1 };
    struct ssp__address a;
    struct hearing h;
    assert_int_equal(ssp__address_parse(&a, reached, 1080), 0);
    hearing_begin(&h, &ss_socks_udp_front, NULL, &a);
    (void)hear(&h, said, cut, false);
    assert_int_equal(hear(&h, said + cut, SAID_LEN - cut, false), SSP_END);
    assert_null(h.front.pump.rule);
    assert_int_equal(ssp__bytes_len(&h.front.pump.in), 0);
    assert_int_equal(ssp__bytes_len(&h.reply), 2 + answer_len);
    assert_memory_equal(ssp__bytes_data(&h.reply) + 2, answer, answer_len);
    hearing_end(&h);
}

static void where_udp_is_relayed_the_answer_is_the_address_reached(void **state)
{
    (void)state;
    for (size_t cut = 0; cut <= 13; cut++)
        associates("127.0.0.9", WITHOUT_NUL("\x05\0\0\x01\x7f\0\0\x09\x04\x38"), cut);
    associates("2001:db8::7",
               WITHOUT_NUL("\x05\0\0\x04\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07\x04\x38"), 5);
    associates("::ffff:192.0.2.1", WITHOUT_NUL("\x05\0\0\x01\xc0\0\x02\x01\x04\x38"), 5);
}

/* The engine asks the kernel for it, once for each connection, where a front has an open(). */
static void without_udp_the_address_reached_is_not_asked_for(void **state)
{
    (void)state;
    assert_null(ss_socks_front.open);
    assert_non_null(ss_socks_udp_front.open);
}

static void where_udp_is_relayed_the_rest_is_as_before(void **state)
{
    struct ssp__address a;
    (void)state;
    assert_int_equal(ssp__address_parse(&a, "127.0.0.1", 1080), 0);
    for (int command = 0; command < 256; command++) {
        char said[] = GREETING "\x05X";
        struct hearing h;
        said[4] = (char)command;
        hearing_begin(&h, &ss_socks_udp_front, NULL, &a);
        bool known = command == 1 || command == 3;
        assert_int_equal(hear(&h, said, 5, false), known ? SSP_MORE : SSP_FAIL);
        hearing_end(&h);
    }
}

static void an_association_needs_a_known_address_type(void **state)
{
    struct ssp__address a;
    struct hearing h;
    (void)state;
    assert_int_equal(ssp__address_parse(&a, "127.0.0.1", 1080), 0);
    hearing_begin(&h, &ss_socks_udp_front, NULL, &a);
    assert_int_equal(hear(&h, WITHOUT_NUL(GREETING "\x05\x03\x00\x02"), false), SSP_FAIL);
    assert_int_equal(ssp__bytes_data(&h.reply)[3], 8);
    hearing_end(&h);
}

static void a_greeting_may_offer_255_methods(void **state)
{
    char said[2 + 255];
    struct hearing h;
    (void)state;
    memset(said, 0x80, sizeof said);
    said[0] = 5;
    said[1] = (char)255;
    said[256] = 0;
    hearing_begin(&h, &ss_socks_front, NULL, NULL);
    assert_int_equal(hear(&h, said, sizeof said, false), SSP_MORE);
    assert_memory_equal(ssp__bytes_data(&h.reply), CHOSEN, 2);
    hearing_end(&h);

    said[256] = (char)0x80;
    hearing_begin(&h, &ss_socks_front, NULL, NULL);
    assert_int_equal(hear(&h, said, sizeof said, false), SSP_FAIL);
    hearing_end(&h);
}

static void the_longest_credentials_are_accepted(void **state)
{
    char said[3 + 2 + 255 + 1 + 255];
    struct hearing h;
    (void)state;
    memset(said, 'x', sizeof said);
    memcpy(said, "\x05\x01\x02\x01\xff", 5);
    said[5 + 255] = (char)255;
    hearing_begin(&h, &ss_socks_front, NULL, NULL);
    assert_int_equal(hear(&h, said, sizeof said, false), SSP_MORE);
    assert_int_equal(ssp__bytes_len(&h.reply), 4);
    assert_memory_equal(ssp__bytes_data(&h.reply), WELCOME, 4);
    assert_int_equal(ssp__bytes_len(&h.front.pump.in), 0);
    hearing_end(&h);
}

/* Says a SOCKS4a request with a user and a name of these lengths. */
static ssp_verdict say4a(struct hearing *h, size_t user_len, size_t name_len)
{
    char said[1024];
    memset(said, 'a', sizeof said);
    memcpy(said, "\x04\x01\x00\x50\x00\x00\x00\x01", 8);
    said[8 + user_len] = '\0';
    said[8 + user_len + 1 + name_len] = '\0';
    hearing_begin(h, &ss_socks_front, NULL, NULL);
    return hear(h, said, 8 + user_len + 1 + name_len + 1, false);
}

static void user_and_name_of_socks4a_have_at_most_255_bytes(void **state)
{
    static const struct {
        size_t user_len, name_len;
        ssp_verdict verdict;
    } rows[] = {{0, 1, SSP_CLEAR},  {1, 1, SSP_CLEAR}, {255, 255, SSP_CLEAR}, {256, 1, SSP_FAIL},
                {0, 256, SSP_FAIL}, {0, 0, SSP_FAIL},  {300, 300, SSP_FAIL}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct hearing h;
        assert_int_equal(say4a(&h, rows[i].user_len, rows[i].name_len), rows[i].verdict);
        if (rows[i].verdict == SSP_CLEAR)
            assert_int_equal(
                strlen(ssp__endpoint_host(&h.front.target.endpoint, (char[SSP_HOST_MAX]){0})),
                rows[i].name_len);
        hearing_end(&h);
    }
}

static void a_user_without_end_is_refused_after_255_bytes(void **state)
{
    uint8_t said[8 + 256] = {4, 1, 0, 80, 127, 0, 0, 1};
    struct hearing h;
    (void)state;
    memset(said + 8, 'u', sizeof said - 8);
    hearing_begin(&h, &ss_socks_front, NULL, NULL);
    assert_int_equal(hear(&h, said, sizeof said - 1, false), SSP_MORE);
    assert_int_equal(hear(&h, "u", 1, false), SSP_FAIL);
    hearing_end(&h);
}

static void an_end_within_the_dialogue_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ACCEPTED; i++) {
        for (size_t cut = 0; cut < accepted[i].said_len; cut++) {
            struct hearing h;
            hearing_begin(&h, &ss_socks_front, NULL, NULL);
            assert_int_equal(hear(&h, accepted[i].said, cut, true), SSP_FAIL);
            assert_string_equal(hearing_why(&h), "invalid request length");
            hearing_end(&h);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_split_of_a_pipelined_dialogue_ends_the_same),
        cmocka_unit_test(byte_by_byte_ends_the_same),
        cmocka_unit_test(a_wrong_byte_is_refused_as_soon_as_it_is_there),
        cmocka_unit_test(a_wrong_byte_is_refused_whatever_follows),
        cmocka_unit_test(every_command_but_connect_is_refused),
        cmocka_unit_test(where_udp_is_relayed_the_answer_is_the_address_reached),
        cmocka_unit_test(without_udp_the_address_reached_is_not_asked_for),
        cmocka_unit_test(where_udp_is_relayed_the_rest_is_as_before),
        cmocka_unit_test(an_association_needs_a_known_address_type),
        cmocka_unit_test(a_greeting_may_offer_255_methods),
        cmocka_unit_test(the_longest_credentials_are_accepted),
        cmocka_unit_test(user_and_name_of_socks4a_have_at_most_255_bytes),
        cmocka_unit_test(a_user_without_end_is_refused_after_255_bytes),
        cmocka_unit_test(an_end_within_the_dialogue_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
