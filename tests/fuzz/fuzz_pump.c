/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The input is a program for a codec that uses every function of an ssp_io.  Whatever it does, the
 * engine's answer does not depend on how the program is cut into feeds, nor on the output window,
 * nor on whether the codec is a stack of one.
 */
#include "must.h"

#include <ssplugin/testing.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INPUT_MAX = 256, OUTPUT_MAX = 1 << 20 };

static const uint8_t filler[4096];

/* Are k bytes there behind the act? */
static bool all_there(ssp_io *io, size_t k)
{
    size_t n;
    (void)ssp_in(io, &n);
    ssp_need(io, 1 + k);
    return n >= 1 + k;
}

static ssp_verdict skip_bytes(ssp_io *io, size_t k)
{
    if (!all_there(io, k))
        return SSP_MORE;
    ssp_skip(io, 1 + k);
    return SSP_OK;
}

static ssp_verdict pass_bytes(ssp_io *io, size_t k)
{
    if (!all_there(io, k))
        return SSP_MORE;
    ssp_skip(io, 1);
    ssp_pass(io, k);
    return SSP_OK;
}

static ssp_verdict put_bytes(ssp_io *io, size_t k)
{
    ssp_skip(io, 1);
    ssp_put(io, filler, k);
    return SSP_OK;
}

static ssp_verdict promise(ssp_io *io, size_t k)
{
    ssp_skip(io, 1);
    ssp_pass_ahead(io, k * 3);
    return SSP_OK;
}

static ssp_verdict seek(ssp_io *io, size_t k)
{
    size_t end = ssp_find(io, "\r\n", 2, 3 + k);
    if (end == SSP_NPOS)
        return SSP_FAIL;
    if (end == 0)
        return SSP_MORE;
    ssp_pass(io, end);
    return SSP_OK;
}

static ssp_verdict answer(ssp_io *io, size_t k)
{
    ssp_skip(io, 1);
    ssp_reply(io, filler, k);
    return SSP_OK;
}

static ssp_verdict fill(ssp_io *io, size_t k)
{
    uint8_t *out = ssp_room(io, k * 128);
    if (out == NULL)
        return SSP_OK;
    memset(out, (int)k, k * 128);
    ssp_used(io, k * 128);
    ssp_skip(io, 1);
    return SSP_OK;
}

static ssp_verdict decide(ssp_io *io, size_t k)
{
    ssp_skip(io, 1);
    switch (k % 5) {
    case 0:
        return SSP_CLEAR;
    case 1:
        return SSP_END;
    case 2:
        return SSP_FAIL;
    case 3:
        return SSP_FOREIGN; /* breaks a rule: something has been consumed */
    default:
        ssp_used(io, ssp_room_left(io) + 1);
        return SSP_OK;
    }
}

static ssp_verdict perform(ssp_conn *conn, void *state, ssp_io *io)
{
    static ssp_verdict (*const acts[])(ssp_io *, size_t) = {
        skip_bytes, pass_bytes, put_bytes, promise, seek, answer, fill, decide};
    size_t n;
    const uint8_t *p = ssp_in(io, &n);
    (void)conn;
    (void)state;
    if (n == 0)
        return SSP_MORE;
    return acts[*p >> 5](io, *p & 31);
}

static const ssp_codec codec = {
    .size = sizeof(ssp_codec), .name = "program", .wrap = perform, .unwrap = perform};

struct result {
    ssp_verdict verdict;
    char rule[80];
    size_t len[2];
    uint8_t out[2][OUTPUT_MAX];
};

static void run(struct result *r, const ssp_stack *stack, const uint8_t *data, size_t cut,
                size_t size)
{
    bool cut_up = cut < size;
    ssp_drive *d =
        ssp_drive_new(stack != NULL ? ssp_stack_codec(stack) : &codec, SSP_CLIENT, stack, NULL);
    must(d != NULL);
    if (cut_up) {
        ssp_drive_window(d, 1);
        (void)ssp_drive_feed(d, SSP_WRAP, data, cut, 0);
        (void)ssp_drive_feed(d, SSP_WRAP, data + cut, size - cut, 0);
    }
    r->verdict = ssp_drive_feed(d, SSP_WRAP, data, cut_up ? 0 : size, 1);
    const char *rule = ssp_drive_broken_rule(d);
    (void)snprintf(r->rule, sizeof r->rule, "%s", rule != NULL ? rule : "");
    for (int dir = 0; dir < 2; dir++) {
        const uint8_t *out = ssp_drive_output(d, (ssp_dir)dir, &r->len[dir]);
        must(r->len[dir] <= OUTPUT_MAX);
        if (r->len[dir] > 0)
            memcpy(r->out[dir], out, r->len[dir]);
    }
    ssp_drive_free(d);
}

static void must_be_equal(const struct result *a, const struct result *b)
{
    must(a->verdict == b->verdict);
    must(strcmp(a->rule, b->rule) == 0);
    for (int dir = 0; dir < 2; dir++) {
        must(a->len[dir] == b->len[dir]);
        must(memcmp(a->out[dir], b->out[dir], a->len[dir]) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct result whole, other;
    static const void *const no_conf[1];
    if (size < 2 || size > INPUT_MAX)
        return 0;
    ssp_stack *stack = ssp_stack_new((const ssp_codec *const[]){&codec}, no_conf, 1);
    must(stack != NULL);
    run(&whole, NULL, data + 1, size - 1, size - 1);
    run(&other, NULL, data + 1, data[0] % (size - 1), size - 1);
    must_be_equal(&whole, &other);
    run(&other, stack, data + 1, size - 1, size - 1);
    must_be_equal(&whole, &other);
    run(&other, stack, data + 1, data[0] % (size - 1), size - 1);
    must_be_equal(&whole, &other);
    must(whole.verdict == SSP_END || whole.verdict == SSP_FAIL);
    ssp_stack_free(stack);
    return 0;
}
