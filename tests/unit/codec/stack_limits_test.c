/* SPDX-License-Identifier: Apache-2.0 */
/* A layer that emits beyond all measure before it ends. */
#include "base/codec.h"
#include "codec/pump.h"
#include "driven.h"

enum { CHUNK = 32 * 1024, LIMIT = 64 << 20, CHUNKS = LIMIT / CHUNK + 1 };

CODEC_FN(torrent)
{
    size_t *chunks = state, n;
    (void)conn;
    (void)ssp_in(io, &n);
    if (n == 0)
        return SSP_MORE;
    uint8_t *room = ssp_room(io, CHUNK);
    if (room == NULL)
        return SSP_OK;
    memset(room, 'x', CHUNK);
    ssp_used(io, CHUNK);
    return ++*chunks == CHUNKS ? SSP_END : SSP_OK;
}

CODEC_FN(swallow)
{
    UNUSED;
    size_t n;
    (void)ssp_in(io, &n);
    ssp_skip(io, n);
    return n > 0 ? SSP_OK : SSP_MORE;
}

/* Its last chunk goes beyond what one call may move, and then no layer is left that could stop. */
static void a_torrent_that_ends_beyond_the_limit_breaks_the_rule(void **state)
{
    static const void *const no_conf[2];
    const ssp_codec source = {.size = sizeof(ssp_codec),
                              .name = "source",
                              .wrap = torrent,
                              .unwrap = swallow,
                              .state_size = sizeof(size_t)};
    const ssp_codec sink = CODEC(swallow);
    (void)state;
    ssp_stack *stack = ssp_stack_new((const ssp_codec *const[]){&source, &sink}, no_conf, 2);
    assert_non_null(stack);
    ssp_drive *d = ssp_drive_new(ssp_stack_codec(stack), SSP_CLIENT, stack, NULL);
    assert_non_null(d);
    assert_int_equal(feed(d, "x"), SSP_FAIL);
    assert_non_null(strstr(ssp_drive_broken_rule(d), "never stops emitting"));
    ssp_drive_free(d);
    ssp_stack_free(stack);
}

CODEC_FN(hand_on)
{
    size_t n;
    UNUSED;
    (void)ssp_in(io, &n);
    ssp_pass(io, n);
    return n > 0 ? SSP_OK : SSP_MORE;
}

CODEC_FN(wait)
{
    UNUSED;
    (void)io;
    return SSP_MORE;
}

/* A few bytes lie in a slab of the pool: they are no block of the system's allocator. */
static void bytes_between_layers_go_back_to_their_pool(void **state)
{
    static const void *const no_conf[2];
    const ssp_codec first = CODEC(hand_on), second = CODEC(wait);
    struct ssp__pool pool;
    uint8_t out[4096];
    (void)state;
    ssp__pool_init(&pool, 0);
    ssp_stack *stack = ssp_stack_new((const ssp_codec *const[]){&first, &second}, no_conf, 2);
    assert_non_null(stack);
    const ssp_codec *codec = ssp_stack_codec(stack);
    void *connection = calloc(1, codec->state_size);
    assert_non_null(connection);
    ssp_conn conn = {.role = SSP_CLIENT, .conf = stack};
    ssp_io view = {.in = (const uint8_t *)"some",
                   .in_len = 4,
                   .out = out,
                   .out_cap = sizeof out,
                   .pool = &pool};
    assert_int_equal(codec->wrap(&conn, connection, &view), SSP_MORE);
    assert_int_equal(view.in_len, 0);

    codec->close(&conn, connection);
    ssp__conn_release(&conn);
    ssp__pool_drain(&pool);
    free(connection);
    ssp_stack_free(stack);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_between_layers_go_back_to_their_pool),
        cmocka_unit_test(a_torrent_that_ends_beyond_the_limit_breaks_the_rule),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
