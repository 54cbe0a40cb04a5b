/* SPDX-License-Identifier: Apache-2.0 */
/* Stacks hand on by reference: each byte is written once by each layer that changes it. */
#include "stack_rig.h"

enum {
    MANY = 200 * 1000,
    RECORD = 16384,
    HEAD = 2,
    HEADS = (MANY + RECORD - 1) / RECORD * HEAD,
    ROOM = 512 * 1024
};

/* A cipher of toys: every byte is written anew. */
CODEC_FN(flip)
{
    size_t n, room = ssp_room_left(io);
    UNUSED;
    const uint8_t *in = ssp_in(io, &n);
    n = n < room ? n : room;
    if (n == 0)
        return SSP_MORE;
    uint8_t *out = ssp_room(io, n);
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)~in[i];
    ssp_used(io, n);
    ssp_skip(io, n);
    return SSP_OK;
}

/* Records: a length, and what it counts by reference. */
CODEC_FN(frame)
{
    size_t n;
    UNUSED;
    (void)ssp_in(io, &n);
    n = n < RECORD ? n : RECORD;
    if (n == 0)
        return SSP_MORE;
    ssp_put(io, (const uint8_t[HEAD]){(uint8_t)(n >> 8), (uint8_t)n}, HEAD);
    ssp_pass(io, n);
    return SSP_OK;
}

CODEC_FN(unframe)
{
    size_t n;
    UNUSED;
    const uint8_t *p = ssp_in(io, &n);
    ssp_need(io, HEAD);
    if (n < HEAD)
        return SSP_MORE;
    n = (size_t)p[0] << 8 | p[1];
    ssp_skip(io, HEAD);
    ssp_pass_ahead(io, n);
    return SSP_OK;
}

CODEC_FN(pass)
{
    size_t n;
    UNUSED;
    (void)ssp_in(io, &n);
    ssp_pass(io, n);
    return n > 0 ? SSP_OK : SSP_MORE;
}

static const ssp_codec cipher = {
    .size = sizeof(ssp_codec), .name = "flip", .wrap = flip, .unwrap = flip};
static const ssp_codec records = {
    .size = sizeof(ssp_codec), .name = "records", .wrap = frame, .unwrap = unframe};
static const ssp_codec passes = {
    .size = sizeof(ssp_codec), .name = "passes", .wrap = pass, .unwrap = pass};

/* The engine's part: a pump, its input, its scratch and the pieces that it writes. */
struct engine {
    ssp_stack *stack;
    void *state;
    ssp_conn conn;
    struct ssp__pump pump[2];
    ssp_io io;
    uint8_t in[MANY + 2 * MANY / RECORD * HEAD + HEAD], out[ROOM];
    uint8_t said[2 * MANY];
    size_t n;       /* bytes said */
    size_t written; /* bytes of scratch that were used */
};

static struct engine *engine_of(const ssp_codec *inner, const ssp_codec *outer)
{
    static const void *const no_conf[2];
    struct engine *e = calloc(1, sizeof *e);
    assert_non_null(e);
    e->stack = ssp_stack_new((const ssp_codec *const[]){inner, outer}, no_conf, 2);
    assert_non_null(e->stack);
    const ssp_codec *codec = ssp_stack_codec(e->stack);
    e->state = calloc(1, codec->state_size);
    assert_non_null(e->state);
    e->conn = (ssp_conn){.role = SSP_CLIENT, .conf = e->stack};
    ssp__pump_init(&e->pump[SSP_WRAP], codec, SSP_WRAP);
    ssp__pump_init(&e->pump[SSP_UNWRAP], codec, SSP_UNWRAP);
    return e;
}

/* As a session does: the pieces leave before either buffer is used again. */
static void run(struct engine *e, ssp_dir dir, size_t n)
{
    ssp_verdict verdict = SSP_OK;
    e->n = e->written = 0;
    e->io = (ssp_io){.in = e->in, .in_len = n, .out = e->out, .out_cap = ROOM};
    while (verdict == SSP_OK) {
        ssp__pump_begin(&e->pump[dir], &e->io);
        verdict = ssp__pump_run(&e->pump[dir], &e->conn, e->state, &e->io);
        ssp__pump_finish(&e->pump[dir], &e->io);
        for (unsigned i = 0; i < e->io.pieces; i++) {
            const struct iovec *piece = &e->io.piece[i];
            assert_true(e->n + piece->iov_len <= sizeof e->said);
            memcpy(e->said + e->n, piece->iov_base, piece->iov_len);
            e->n += piece->iov_len;
        }
        e->written += e->io.out_len;
    }
    assert_int_equal(verdict, SSP_MORE);
    assert_int_equal(e->io.in_len, 0);
}

static void release(struct engine *e)
{
    ssp_stack_codec(e->stack)->close(&e->conn, e->state);
    ssp_stack_free(e->stack);
    free(e->state);
    free(e);
}

static void fill(uint8_t *at, size_t n)
{
    for (size_t i = 0; i < n; i++)
        at[i] = (uint8_t)(i * 7 + i / 251);
}

static void a_cipher_below_records_writes_each_byte_once(void **unused)
{
    struct engine *e = engine_of(&cipher, &records);
    size_t at = 0;
    (void)unused;
    fill(e->in, MANY);
    run(e, SSP_WRAP, MANY);
    assert_int_equal(e->n, MANY + HEADS);
    assert_int_equal(e->written, MANY + HEADS);
    for (size_t i = 0; i < MANY; i++) {
        at += i % RECORD == 0 ? HEAD : 0;
        assert_int_equal(e->said[at++], (uint8_t)~e->in[i]);
    }
    release(e);
}

/* The records are gathered, and the cipher writes to where the engine sends it from. */
static void a_cipher_above_records_writes_each_byte_once(void **unused)
{
    struct engine *e = engine_of(&cipher, &records);
    uint8_t *text = malloc(MANY);
    size_t at = 0;
    (void)unused;
    assert_non_null(text);
    fill(text, MANY);
    for (size_t i = 0; i < MANY; i++) {
        size_t rest = MANY - i < RECORD ? MANY - i : RECORD;
        if (i % RECORD == 0) {
            e->in[at++] = (uint8_t)(rest >> 8);
            e->in[at++] = (uint8_t)rest;
        }
        e->in[at++] = (uint8_t)~text[i];
    }
    run(e, SSP_UNWRAP, at);
    assert_int_equal(e->n, MANY);
    assert_memory_equal(e->said, text, MANY);
    assert_int_equal(e->written, MANY);
    free(text);
    release(e);
}

/* Only heads are written: the payload is that of the engine's input. */
static void payload_that_passes_is_not_written_at_all(void **unused)
{
    struct engine *e = engine_of(&passes, &records);
    (void)unused;
    fill(e->in, MANY);
    run(e, SSP_WRAP, MANY);
    assert_int_equal(e->written, HEADS);
    release(e);
}

/* A layer that has become clear in the middle of a message of the next one: that message is
 * gathered, and what follows is read where it is. */
static void behind_a_clear_layer_a_cipher_reads_the_engines_input(void **unused)
{
    struct engine *e = engine_of(&records, &codec_b);
    (void)unused;
    memcpy(e->in, "b\0", 2); /* half of a head */
    run(e, SSP_UNWRAP, 2);
    assert_int_equal(e->n, 0);
    memcpy(e->in, "\x03xyz", 4);
    run(e, SSP_UNWRAP, 4);
    assert_int_equal(e->n, 3);
    assert_memory_equal(e->said, "xyz", 3);
    assert_int_equal(e->written, 0);
    release(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cipher_below_records_writes_each_byte_once),
        cmocka_unit_test(a_cipher_above_records_writes_each_byte_once),
        cmocka_unit_test(payload_that_passes_is_not_written_at_all),
        cmocka_unit_test(behind_a_clear_layer_a_cipher_reads_the_engines_input),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
