/* SPDX-License-Identifier: Apache-2.0 */
/* SOCKS where the entrance has users, and where it has names that addresses stand for. */
#include "hearing.h"
#include "proto/entrance.h"
#include "proto/socks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <arpa/inet.h>
#include <cmocka.h>

#define WITHOUT_NUL(text) text, sizeof(text) - 1
#define NAMED "\x03\x01h\x00\x50"
#define CONNECT "\x05\x01\x00" NAMED
#define SUCCESS "\x05\x00\x00\x01\0\0\0\0\0\0"

static struct ss_account accounts[] = {{"user", "word"}, {"empty", ""}};
static const struct ss_entrance guarded = {.accounts = {accounts, 2}};

struct dialogue {
    const char *said;
    size_t said_len;
    const char *reply;
    size_t reply_len;
    ssp_verdict verdict;
};

static const struct dialogue dialogues[] = {
    {WITHOUT_NUL("\x05\x01\x02\x01\x04user\x04word" CONNECT),
     WITHOUT_NUL("\x05\x02\x01\x00" SUCCESS), SSP_CLEAR},
    {WITHOUT_NUL("\x05\x03\x00\x01\x02\x01\x04user\x04word" CONNECT),
     WITHOUT_NUL("\x05\x02\x01\x00" SUCCESS), SSP_CLEAR},
    {WITHOUT_NUL("\x05\x01\x02\x01\x05"
                 "empty\x00" CONNECT),
     WITHOUT_NUL("\x05\x02\x01\x00" SUCCESS), SSP_CLEAR},
    {WITHOUT_NUL("\x05\x01\x02\x01\x04user\x05words"), WITHOUT_NUL("\x05\x02\x01\x01"), SSP_FAIL},
    {WITHOUT_NUL("\x05\x01\x02\x01\x04user\x00"), WITHOUT_NUL("\x05\x02\x01\x01"), SSP_FAIL},
    {WITHOUT_NUL("\x05\x01\x02\x01\x04"
                 "USER\x04word"),
     WITHOUT_NUL("\x05\x02\x01\x01"), SSP_FAIL},
    {WITHOUT_NUL("\x05\x01\x02\x01\x05"
                 "empty\x04word"),
     WITHOUT_NUL("\x05\x02\x01\x01"), SSP_FAIL},
    {WITHOUT_NUL("\x05\x01\x02\x01\x00\x00"), WITHOUT_NUL("\x05\x02\x01\x01"), SSP_FAIL},
    {WITHOUT_NUL("\x05\x01\x00"), WITHOUT_NUL("\x05\xff"), SSP_FAIL},
    {WITHOUT_NUL("\x04\x01\x00\x50\x7f\x00\x00\x01user\x00"), WITHOUT_NUL("\x00\x5b\0\0\0\0\0\0"),
     SSP_FAIL},
};

static void with_users_a_client_names_itself(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof dialogues / sizeof dialogues[0]; i++) {
        const struct dialogue *d = &dialogues[i];
        for (size_t cut = 0; cut <= d->said_len; cut++) {
            struct hearing h;
            hearing_begin(&h, &ss_socks_front, &guarded, NULL);
            (void)hear(&h, d->said, cut, false);
            assert_int_equal(hear(&h, d->said + cut, d->said_len - cut, false), d->verdict);
            assert_int_equal(ssp__bytes_len(&h.reply), d->reply_len);
            assert_memory_equal(ssp__bytes_data(&h.reply), d->reply, d->reply_len);
            hearing_end(&h);
        }
    }
}

/* ---- names ---- */

/* Asks as torsocks does; the answer's address, in *address. */
static void resolve(const struct ss_entrance *e, const char *name, size_t cut, const char *port,
                    struct in_addr *address)
{
    char said[64] = "\x05\x01\x00\x05\xf0\x00\x03";
    size_t n = 7;
    struct hearing h;
    said[n++] = (char)strlen(name);
    memcpy(said + n, name, strlen(name));
    n += strlen(name);
    memcpy(said + n, port, 2);
    n += 2;
    hearing_begin(&h, &ss_socks_front, e, NULL);
    (void)hear(&h, said, cut < n ? cut : n, false);
    assert_int_equal(hear(&h, said + (cut < n ? cut : n), cut < n ? n - cut : 0, false), SSP_END);
    assert_int_equal(ssp__bytes_len(&h.reply), 2 + 10);
    assert_memory_equal(ssp__bytes_data(&h.reply) + 2, "\x05\x00\x00\x01", 4);
    memcpy(address, ssp__bytes_data(&h.reply) + 6, sizeof *address);
    hearing_end(&h);
}

static void a_name_is_asked_for_and_its_address_connected_to(void **state)
{
    struct in_addr address;
    (void)state;
    for (size_t cut = 0; cut < 24; cut++) {
        const struct ss_entrance e = {.names = ss_names_new()};
        assert_non_null(e.names);
        resolve(&e, "example.org", cut, cut % 2 == 0 ? "\0\x2a" : "\0\0", &address);
        assert_int_equal(ntohl(address.s_addr), 0xC6120001);
        for (int version = 4; version <= 5; version++) {
            char said[16] = "\x05\x01\x00\x05\x01\x00\x01";
            size_t n = version == 5 ? 7 : 4;
            struct hearing h;
            if (version == 4)
                memcpy(said, "\x04\x01\x00\x50", 4);
            memcpy(said + n, &address, 4);
            memcpy(said + n + 4, version == 5 ? "\0\x50" : "\0", version == 5 ? 2 : 1);
            hearing_begin(&h, &ss_socks_front, &e, NULL);
            assert_int_equal(hear(&h, said, n + (version == 5 ? 6 : 5), false), SSP_CLEAR);
            assert_true(h.front.target.endpoint.named);
            assert_string_equal(h.front.target.endpoint.u.name, "example.org");
            assert_int_equal(h.front.target.endpoint.port, 80);
            hearing_end(&h);
        }
        ss_names_free(e.names);
    }
}

static void an_address_asked_for_is_its_own_answer(void **state)
{
    const struct ss_entrance e = {.names = ss_names_new()};
    struct in_addr address;
    (void)state;
    resolve(&e, "192.0.2.7", 3, "\0\x2a", &address);
    assert_string_equal(inet_ntoa(address), "192.0.2.7");
    ss_names_free(e.names);
}

static void what_is_no_name_has_no_address_and_no_address_has_a_name(void **state)
{
    static const struct {
        const char *said;
        size_t len;
        uint8_t code;
    } rows[] = {
        {WITHOUT_NUL("\x05\x01\x00\x05\xf0\x00\x03\x01 \x00\x2a"), 1},
        {WITHOUT_NUL("\x05\x01\x00\x05\xf0\x00\x03\x00\x00\x2a"), 1},
        {WITHOUT_NUL("\x05\x01\x00\x05\xf0\x00\x02"), 8},
        {WITHOUT_NUL("\x05\x01\x00\x05\xf1\x00\x01\x7f\x00\x00\x01\x00\x2a"), 7},
    };
    const struct ss_entrance e = {.names = ss_names_new()};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct hearing h;
        hearing_begin(&h, &ss_socks_front, &e, NULL);
        assert_int_equal(hear(&h, rows[i].said, rows[i].len, false), SSP_FAIL);
        assert_int_equal(ssp__bytes_data(&h.reply)[3], rows[i].code);
        hearing_end(&h);
    }
    ss_names_free(e.names);
}

static void the_oldest_names_are_forgotten_and_no_address_is_given_again_soon(void **state)
{
    enum { MANY = 5000 };
    struct ss_names *names = ss_names_new();
    struct in_addr first, again, last;
    char text[16];
    (void)state;
    assert_int_equal(ss_names_address(names, "first", &first), 0);
    assert_int_equal(ss_names_address(names, "FIRST", &again), 0);
    assert_int_equal(first.s_addr, again.s_addr);
    for (int i = 0; i < MANY; i++) {
        (void)snprintf(text, sizeof text, "n%d", i);
        assert_int_equal(ss_names_address(names, text, &last), 0);
    }
    assert_false(ss_names_find(names, first, text, sizeof text));
    assert_true(ss_names_find(names, last, text, sizeof text));
    assert_string_equal(text, "n4999");
    assert_false(ss_names_find(names, last, text, sizeof "n4999" - 1));
    assert_int_equal(ss_names_address(names, "first", &again), 0);
    assert_int_not_equal(first.s_addr, again.s_addr);
    assert_false(ss_names_find(names, (struct in_addr){htonl(0x7F000001)}, text, sizeof text));
    ss_names_free(names);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(with_users_a_client_names_itself),
        cmocka_unit_test(a_name_is_asked_for_and_its_address_connected_to),
        cmocka_unit_test(an_address_asked_for_is_its_own_answer),
        cmocka_unit_test(what_is_no_name_has_no_address_and_no_address_has_a_name),
        cmocka_unit_test(the_oldest_names_are_forgotten_and_no_address_is_given_again_soon),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
