/* SPDX-License-Identifier: Apache-2.0 */
/* Fronts under the rules of a pump, without sockets. */
#include "../proto/hearing.h"
#include "codec_fn.h"
#include "request_front.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define FIRST "GET http://127.0.0.1:80/a HTTP/1.1\r\nHost: x\r\n\r\n"
#define SECOND "GET http://127.0.0.1:80/b HTTP/1.1\r\n\r\n"
#define FIRST_REWRITTEN "GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
#define SECOND_REWRITTEN "GET /b HTTP/1.1\r\n\r\n"

static const struct request_conf once, always = {.stays = true};

static void expect_said(const struct hearing *h, const char *text)
{
    assert_null(h->front.pump.rule);
    assert_int_equal(ssp__bytes_len(&h->said), strlen(text));
    assert_memory_equal(ssp__bytes_data(&h->said), text, strlen(text));
}

static void a_rewritten_head_is_the_same_for_every_split(void **state)
{
    static const char said[] = FIRST SECOND;
    enum { LEN = sizeof said - 1 };
    (void)state;
    for (int stays = 0; stays < 2; stays++) {
        for (size_t cut = 0; cut <= LEN; cut++) {
            struct hearing h;
            hearing_begin(&h, &request_front, stays ? &always : &once, NULL);
            (void)hear(&h, said, cut, false);
            assert_int_equal(hear(&h, said + cut, LEN - cut, false), stays ? SSP_MORE : SSP_CLEAR);
            assert_int_equal(h.front.target.endpoint.port, 80);
            expect_said(&h, stays ? FIRST_REWRITTEN SECOND_REWRITTEN : FIRST_REWRITTEN SECOND);
            hearing_end(&h);
        }
    }
}

static void byte_by_byte_nothing_is_searched_twice(void **state)
{
    static const char said[] = FIRST SECOND;
    (void)state;
    struct hearing h;
    hearing_begin(&h, &request_front, &always, NULL);
    for (size_t i = 0; i < sizeof said - 1; i++) {
        assert_int_equal(hear(&h, said + i, 1, false), SSP_MORE);
        size_t unread = ssp__bytes_len(&h.front.pump.in);
        assert_true(unread < 4 || h.front.pump.scanned == unread - 3);
    }
    expect_said(&h, FIRST_REWRITTEN SECOND_REWRITTEN);
    hearing_end(&h);
}

/* hearing.h gives it memory of exactly its size: the sanitizers watch both ends. */
static void the_state_is_as_large_as_its_row_says(void **state)
{
    (void)state;
    struct hearing h;
    const struct request_state *kept;
    hearing_begin(&h, &request_front, &always, NULL);
    kept = h.front.state;
    (void)hear(&h, FIRST SECOND "GET", sizeof(FIRST SECOND "GET") - 1, false);
    assert_int_equal(kept->requests, 2);
    assert_int_equal(kept->begun, 3);
    hearing_end(&h);
}

static void the_end_of_input_ends_a_front_that_stays(void **state)
{
    (void)state;
    struct hearing h;
    hearing_begin(&h, &request_front, &always, NULL);
    (void)hear(&h, FIRST, sizeof FIRST - 1, false);
    assert_int_equal(hear(&h, "", 0, true), SSP_CLEAR);
    expect_said(&h, FIRST_REWRITTEN);
    hearing_end(&h);
    hearing_begin(&h, &request_front, &always, NULL);
    assert_int_equal(hear(&h, FIRST "GET", sizeof(FIRST "GET") - 1, true), SSP_FAIL);
    hearing_end(&h);
}

static void a_front_tells_why_it_fails(void **state)
{
    (void)state;
    struct hearing h;
    hearing_begin(&h, &request_front, &once, NULL);
    assert_int_equal(hear(&h, "nonsense\r\n\r\n", 12, false), SSP_FAIL);
    assert_string_equal(hearing_why(&h), "not a request");
    assert_memory_equal(ssp__bytes_data(&h.reply), "400\n", 4);
    hearing_end(&h);
}

/* ---- ssp_need() ---- */

/* A length, and as many bytes. */
static ssp_verdict sized_feed(ssp_conn *conn, void *state, ssp_io *io, struct ssp__target *target)
{
    unsigned *calls = state;
    size_t n;
    const uint8_t *in = ssp_in(io, &n);
    (void)conn;
    ++*calls;
    size_t size = n < 1 ? 1 : 1 + (size_t)in[0];
    if (n < size) {
        ssp_need(io, size);
        return SSP_MORE;
    }
    target->endpoint.port = in[size - 1];
    ssp_skip(io, size);
    return SSP_CLEAR;
}

static const struct ssp__front sized_front = {
    .name = "sized", .state_size = sizeof(unsigned), .feed = sized_feed};

static void a_front_is_called_when_what_it_needs_is_there(void **state)
{
    enum { LEN = 100 };
    uint8_t said[1 + LEN] = {LEN};
    (void)state;
    said[LEN] = 7;
    for (size_t cut = 0; cut <= LEN; cut++) {
        struct hearing h;
        hearing_begin(&h, &sized_front, NULL, NULL);
        for (size_t i = 0; i < cut; i++)
            (void)hear(&h, said + i, 1, false);
        assert_int_equal(hear(&h, said + cut, sizeof said - cut, false), SSP_CLEAR);
        assert_in_range(*(unsigned *)h.front.state, 1, 3);
        assert_int_equal(h.front.target.endpoint.port, 7);
        assert_int_equal(ssp__bytes_len(&h.said), 0);
        hearing_end(&h);
    }
}

/* ---- broken rules ---- */

#define FRONT_FN(name)                                                                             \
    static ssp_verdict name(ssp_conn *conn, void *state, ssp_io *io, struct ssp__target *target)

FRONT_FN(clear_at_once)
{
    UNUSED;
    (void)target;
    return SSP_CLEAR;
}

FRONT_FN(emits_first)
{
    UNUSED;
    (void)target;
    ssp_put(io, "x", 1);
    return SSP_OK;
}

FRONT_FN(idles)
{
    UNUSED;
    target->endpoint.port = 1;
    return SSP_OK;
}

FRONT_FN(emits_for_the_former)
{
    UNUSED;
    target->replaced = ssp__target_known(target);
    target->endpoint.port++;
    ssp_put(io, "x", 1);
    return SSP_OK;
}

FRONT_FN(replaces_for_ever)
{
    UNUSED;
    (void)io;
    target->replaced = ssp__target_known(target);
    target->endpoint.port++;
    return target->replaced ? SSP_OK : SSP_MORE;
}

static void a_broken_rule_is_named(void **state)
{
    static const struct {
        const char *rule;
        ssp_verdict (*feed)(ssp_conn *, void *, ssp_io *, struct ssp__target *);
    } rows[] = {
        {"is done without a target", clear_at_once},
        {"emits before it has named a target", emits_first},
        {"answers OK without progress", idles},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct ssp__front front = {.name = "wrong", .feed = rows[i].feed};
        struct hearing h;
        hearing_begin(&h, &front, NULL, NULL);
        assert_int_equal(hear(&h, "x", 1, false), SSP_FAIL);
        assert_string_equal(h.front.pump.rule, rows[i].rule);
        hearing_end(&h);
    }
}

static void a_front_that_replaces_its_target_pauses_and_writes_to_each(void **state)
{
    const struct ssp__front hasty = {.name = "hasty", .feed = emits_for_the_former};
    const struct ssp__front endless = {.name = "endless", .feed = replaces_for_ever};
    struct hearing h;
    (void)state;
    hearing_begin(&h, &hasty, NULL, NULL);
    assert_int_equal(hear(&h, "x", 1, false), SSP_FAIL);
    assert_string_equal(h.front.pump.rule, "emits while it replaces its target");
    hearing_end(&h);
    hearing_begin(&h, &endless, NULL, NULL);
    assert_int_equal(hear(&h, "x", 1, false), SSP_MORE);
    assert_int_equal(hear(&h, "x", 1, false), SSP_MORE);
    assert_true(h.front.target.replaced);
    ssp__front_pump_renew(&h.front, NULL);
    assert_int_equal(hear(&h, "x", 1, false), SSP_FAIL);
    assert_string_equal(h.front.pump.rule, "replaces a target that has got no byte");
    hearing_end(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rewritten_head_is_the_same_for_every_split),
        cmocka_unit_test(byte_by_byte_nothing_is_searched_twice),
        cmocka_unit_test(the_state_is_as_large_as_its_row_says),
        cmocka_unit_test(the_end_of_input_ends_a_front_that_stays),
        cmocka_unit_test(a_front_tells_why_it_fails),
        cmocka_unit_test(a_front_is_called_when_what_it_needs_is_there),
        cmocka_unit_test(a_broken_rule_is_named),
        cmocka_unit_test(a_front_that_replaces_its_target_pauses_and_writes_to_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
