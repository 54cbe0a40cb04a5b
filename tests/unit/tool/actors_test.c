/* SPDX-License-Identifier: Apache-2.0 */
/* A harness that cannot fail is worthless: what a wrong pair does must be seen by its actors. */
#include "check/backend.h"
#include "check/client.h"
#include "check/inputs.h"
#include "check/intruder.h"
#include "check/pattern.h"

#include "between.h"
#include "within.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { BYTES = 200000, PIECE = 3000, LIMIT_MS = 20000, SEED = 7 };

struct world {
    struct scene scene;
    struct backend backend;
    struct between between;
    struct client client;
};

static void build(struct world *w, enum flaw flaw, uint64_t at)
{
    memset(w, 0, sizeof *w);
    scene_open(&w->scene);
    assert_int_equal(backend_open(&w->backend, &w->scene), 0);
    between_open(&w->between, &w->scene, w->backend.port, flaw, at);
}

static void tear_down(struct world *w)
{
    client_close(&w->client);
    between_close(&w->between);
    backend_close(&w->backend);
    scene_close(&w->scene);
}

static struct order echo(void)
{
    return (struct order){
        .seed = SEED, .up = BYTES, .down = BYTES, .when = ORDER_PACED, .chunk = PIECE};
}

static void serve(struct world *w, const struct order *order)
{
    client_open(&w->client, &w->scene, w->between.port, order);
    (void)scene_run(&w->scene, LIMIT_MS, client_settled, &w->client);
}

/* ---- bytes ---- */

static void every_byte_of_a_pattern_is_found_at_its_offset(void **state)
{
    uint8_t whole[300], part[300];
    (void)state;
    pattern_fill(SEED, 0, whole, sizeof whole);
    for (size_t at = 0; at < 40; at++) {
        pattern_fill(SEED, at, part, sizeof part - at);
        assert_memory_equal(part, whole + at, sizeof part - at);
        assert_int_equal(pattern_match(SEED, at, whole + at, sizeof whole - at), sizeof whole - at);
        part[at] ^= 1;
        assert_int_equal(pattern_match(SEED, at, part, sizeof part - at), at);
    }
    assert_int_not_equal(pattern_match(SEED + 1, 0, whole, sizeof whole), sizeof whole);
}

static void an_order_is_read_as_it_was_written_and_no_other_way(void **state)
{
    struct order order = {.seed = 1,
                          .up = 2,
                          .down = 3,
                          .when = ORDER_AFTER_FIN,
                          .close = true,
                          .delay_ms = 4,
                          .chunk = 5};
    struct order read;
    uint8_t bytes[ORDER_SIZE];
    (void)state;
    order_write(&order, bytes);
    assert_int_equal(order_read(&read, bytes), 0);
    assert_int_equal(read.down, 3);
    assert_int_equal(read.when, ORDER_AFTER_FIN);
    assert_true(read.close && !read.deaf);
    assert_int_equal(read.delay_ms, 4);
    for (size_t i = 0; i < ORDER_SIZE; i++) {
        bytes[i] ^= 0x10;
        assert_int_equal(order_read(&read, bytes), -1);
        bytes[i] ^= 0x10;
    }
}

/* ---- a pair between client and backend ---- */

static void an_honest_pair_serves(void **state)
{
    struct world w;
    struct order order = echo();
    (void)state;
    build(&w, HONEST, 0);
    serve(&w, &order);
    assert_true(client_served(&w.client));
    assert_int_equal(w.backend.wrong, 0);
    assert_int_equal(w.backend.foreign, 0);
    tear_down(&w);
}

static void a_flipped_bit_is_seen_where_it_is_on_the_way_up(void **state)
{
    struct world w;
    struct order order = echo();
    (void)state;
    build(&w, FLIPS_UP, ORDER_SIZE + 12345);
    serve(&w, &order);
    const struct backend_conn *backend_conn = backend_find(&w.backend, SEED);
    assert_non_null(backend_conn);
    assert_int_equal(backend_conn->stream.hear.wrong_at, 12345);
    assert_int_equal(w.backend.wrong, 1);
    tear_down(&w);
}

static void a_flipped_bit_is_seen_where_it_is_on_the_way_down(void **state)
{
    struct world w;
    struct order order = echo();
    (void)state;
    build(&w, FLIPS_DOWN, 54321);
    serve(&w, &order);
    assert_false(client_served(&w.client));
    assert_int_equal(w.client.stream.hear.wrong_at, 54321);
    tear_down(&w);
}

static void exchanged_bytes_are_seen(void **state)
{
    struct world w;
    struct order order = echo();
    (void)state;
    build(&w, SWAPS_DOWN, 1000);
    serve(&w, &order);
    assert_false(client_served(&w.client));
    assert_within(w.client.stream.hear.wrong_at, 1000, 1001);
    tear_down(&w);
}

static void a_lost_byte_is_seen(void **state)
{
    struct world w;
    struct order order = echo();
    (void)state;
    build(&w, LOSES_DOWN, 1000);
    serve(&w, &order);
    assert_false(client_served(&w.client));
    assert_within(w.client.stream.hear.wrong_at, 1000, 1010);
    tear_down(&w);
}

static void an_answer_cut_short_is_no_answer(void **state)
{
    struct world w;
    struct order order = echo();
    (void)state;
    order.when = ORDER_AT_ONCE;
    order.close = true;
    build(&w, CUTS_SHORT, BYTES - 1);
    serve(&w, &order);
    assert_false(client_served(&w.client));
    assert_int_equal(w.client.stream.hear.done, BYTES - 1);
    assert_int_equal(w.client.stream.end, STREAM_EOF);
    tear_down(&w);
}

static void a_byte_too_many_is_wrong(void **state)
{
    struct world w;
    struct order order = echo();
    (void)state;
    order.when = ORDER_AT_ONCE;
    order.close = true;
    build(&w, ADDS_ONE, BYTES);
    serve(&w, &order);
    assert_false(client_served(&w.client));
    assert_int_equal(w.client.stream.hear.wrong_at, BYTES);
    tear_down(&w);
}

static void an_answer_that_needs_half_close_fails_without_it(void **state)
{
    struct world w;
    struct order order = {
        .seed = SEED, .up = 100, .down = 100, .when = ORDER_AFTER_FIN, .close = true};
    (void)state;
    build(&w, HONEST, 0);
    serve(&w, &order);
    assert_true(client_served(&w.client));
    tear_down(&w);
    order.delay_ms = 50;
    build(&w, FULL_CLOSE, 0);
    serve(&w, &order);
    assert_false(client_served(&w.client));
    tear_down(&w);
}

static void crossed_connections_are_seen(void **state)
{
    struct world w;
    struct clients clients;
    struct order order = echo();
    (void)state;
    build(&w, CROSSES, 0);
    clients_open(&clients, &w.scene, w.between.port, &order, 2);
    (void)scene_run(&w.scene, LIMIT_MS, clients_settled, &clients);
    assert_int_equal(clients_served(&clients), 0);
    assert_non_null(clients_unserved(&clients));
    clients_close(&clients);
    tear_down(&w);
}

static bool one_foreign(void *arg)
{
    const struct backend *backend = arg;
    return backend->foreign_bytes == 5;
}

static void bytes_of_strangers_are_counted_at_the_backend(void **state)
{
    struct world w;
    struct intruder intruder;
    (void)state;
    build(&w, HONEST, 0);
    intruder_open(&intruder, &w.scene, w.between.port, (const uint8_t *)"GET /", 5);
    assert_true(scene_run(&w.scene, LIMIT_MS, one_foreign, &w.backend));
    assert_int_equal(w.backend.foreign, 1);
    assert_memory_equal(w.backend.sample, "GET /", 5);
    intruder_close(&intruder);
    tear_down(&w);
}

/* ---- hostile inputs ---- */

static void inputs_walk_along_the_whole_flight(void **state)
{
    uint8_t flight[200], bytes[INPUT_MAX];
    char about[INPUT_ABOUT_MAX];
    struct flights good = {.bytes = flight, .len = sizeof flight, .first = 120};
    bool cut[200] = {false}, high[200] = {false};
    (void)state;
    pattern_fill(SEED, 0, flight, sizeof flight);
    for (unsigned n = 0; n < 1000; n++) {
        size_t len = input_make(&good, n, bytes, about);
        assert_within(len, 1, INPUT_MAX);
        if (len <= good.first && memcmp(bytes, flight, len) == 0)
            cut[len] = true;
        for (size_t i = 0; len == good.first && i + 1 < len; i++)
            high[i] = high[i] || ((bytes[i] == 0x80 && bytes[i + 1] == 0x00) ||
                                  (bytes[i] == 0xff && bytes[i + 1] == 0xff));
        assert_within(input_pause(&good, n), 0, good.first);
    }
    for (size_t i = 1; i <= good.first; i++)
        assert_true(cut[i]);
    for (size_t i = 0; i + 1 < good.first; i++)
        assert_true(high[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_of_a_pattern_is_found_at_its_offset),
        cmocka_unit_test(an_order_is_read_as_it_was_written_and_no_other_way),
        cmocka_unit_test(an_honest_pair_serves),
        cmocka_unit_test(a_flipped_bit_is_seen_where_it_is_on_the_way_up),
        cmocka_unit_test(a_flipped_bit_is_seen_where_it_is_on_the_way_down),
        cmocka_unit_test(exchanged_bytes_are_seen),
        cmocka_unit_test(a_lost_byte_is_seen),
        cmocka_unit_test(an_answer_cut_short_is_no_answer),
        cmocka_unit_test(a_byte_too_many_is_wrong),
        cmocka_unit_test(an_answer_that_needs_half_close_fails_without_it),
        cmocka_unit_test(crossed_connections_are_seen),
        cmocka_unit_test(bytes_of_strangers_are_counted_at_the_backend),
        cmocka_unit_test(inputs_walk_along_the_whole_flight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
