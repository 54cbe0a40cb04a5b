/* SPDX-License-Identifier: Apache-2.0 */
/* A server's reading of mux.cool: the bytes are those that the clients of the field send. */
#include "ws-wrap/mux_frame.h"
#include "ws-wrap/streams.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* v2ray-plugin; mihomo, whose session is 0; sing-box, with a name; one of IPv6 with 8 bytes more.
 */
#define V2RAY "\0\x0c\0\1\1\1\1\0\0\1\x7f\0\0\1\0\5hello"
#define MIHOMO "\0\x0c\0\0\1\0\1\0\0\1\x7f\0\0\1"
#define SING_BOX "\0\x18\0\2\1\0\1\x2\x9a\2\xfv1.mux.cool:xyz"
#define IPV6 "\0\x20\0\3\1\0\1\0\0\3\1\2\3\4\5\6\7\x8\1\2\3\4\5\6\7\x8\1\2\3\4\5\6\7\x8"
#define UDP "\0\x0c\0\4\1\0\2\0\0\1\x7f\0\0\1"
#define KEEP "\0\4\0\1\2\1\0\5again"
#define ALIVE "\0\4\0\1\4\1\0\2xx"
#define END "\0\4\0\1\3\0"
#define WHOLE V2RAY MIHOMO SING_BOX IPV6 UDP KEEP ALIVE END

struct reader {
    void *state;
    char log[512];
    size_t len;
};

/* The events as text; data that come in parts are joined. */
static void note(struct reader *r, const ssp_carrier_event *e)
{
    static const char letters[] = {
        [SSP_STREAM_OPENS] = 'o', [SSP_STREAM_REFUSED] = 'u', [SSP_STREAM_ENDS] = 'e'};
    if (e->event == SSP_STREAM_SAYS)
        r->len += (size_t)snprintf(r->log + r->len, sizeof r->log - r->len, "%.*s", (int)e->n,
                                   (const char *)e->data);
    else if (e->event != SSP_STREAM_NONE)
        r->len += (size_t)snprintf(r->log + r->len, sizeof r->log - r->len, "%c%u",
                                   letters[e->event], e->stream);
}

/* Reads from bytes of exactly the right size.  Returns those that are left, or -1. */
static ptrdiff_t read_all(struct reader *r, const char *bytes, size_t n)
{
    size_t done = 0;
    ptrdiff_t used = 1;
    while (used > 0 && done < n) {
        ssp_carrier_event e = {.event = SSP_STREAM_NONE};
        const char *why = NULL;
        uint8_t *copy = malloc(n - done);
        memcpy(copy, bytes + done, n - done);
        used = ws_streams_found.read(r->state, copy, n - done, &e, &why);
        assert_int_equal(used == -1, why != NULL);
        if (used > 0)
            note(r, &e);
        free(copy);
        done += used > 0 ? (size_t)used : 0;
    }
    return used < 0 ? -1 : (ptrdiff_t)(n - done);
}

static void begin(struct reader *r)
{
    *r = (struct reader){.state = calloc(1, ws_streams_found.state_size)};
}

static void events_are_the_same_whatever_the_cut(void **state)
{
    static const char wire[] = WHOLE;
    (void)state;
    for (size_t cut = 0; cut < sizeof wire; cut++) {
        struct reader r;
        begin(&r);
        ptrdiff_t left = read_all(&r, wire, cut);
        assert_true(left >= 0);
        assert_int_equal(read_all(&r, wire + cut - left, sizeof wire - 1 - cut + (size_t)left), 0);
        assert_string_equal(r.log, "o1helloo0o2o3u4againe1");
        free(r.state);
    }
}

static void what_is_no_frame_is_refused(void **state)
{
    static const char *const wrong[] = {"\0\3\0\1\2\0", "\2\1\0\1\2\0", "\0\4\0\1\0\0",
                                        "\0\4\0\1\5\0"};
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct reader r;
        begin(&r);
        assert_int_equal(read_all(&r, wrong[i], 6), -1);
        free(r.state);
    }
}

static ssp_carried looked(const char *bytes, size_t n)
{
    return ws_streams_found.look((const uint8_t *)bytes, n);
}

static void the_first_bytes_tell(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t n;
    } several[] = {{V2RAY, sizeof V2RAY - 1},
                   {MIHOMO, sizeof MIHOMO - 1},
                   {SING_BOX, sizeof SING_BOX - 1},
                   {IPV6, sizeof IPV6 - 1},
                   {UDP, sizeof UDP - 1}};
    for (size_t i = 0; i < sizeof several / sizeof *several; i++) {
        for (size_t n = 1; n <= several[i].n; n++)
            assert_int_equal(looked(several[i].bytes, n),
                             n <= 10 ? SSP_CARRIES_UNKNOWN : SSP_CARRIES_SEVERAL);
    }
    static const char *const one[] = {"x",
                                      "\3",
                                      "\0\3",
                                      "\0\x0c\0\1\2",
                                      "\0\x0c\0\1\1\2",
                                      "\0\x0c\0\1\1\1\3",
                                      "\0\x0c\0\1\1\1\1\0\0\4",
                                      "\0\x0b\0\1\1\1\1\0\0\1\1"};
    static const size_t length[] = {1, 1, 2, 5, 6, 7, 10, 11};
    for (size_t i = 0; i < sizeof one / sizeof *one; i++)
        assert_int_equal(looked(one[i], length[i]), SSP_CARRIES_ONE);
    assert_int_equal(ws_streams_only.look((const uint8_t *)"x", 1), SSP_CARRIES_SEVERAL);
}

static void heads_are_those_of_v2ray(void **state)
{
    (void)state;
    static const struct {
        ssp_carrier_event event;
        const char *head;
        size_t len;
    } rows[] = {{{SSP_STREAM_SAYS, 258, NULL, 4660}, "\0\4\1\2\2\1\x12\x34", 8},
                {{SSP_STREAM_ENDS, 1, NULL, 0}, "\0\4\0\1\3\0", 6},
                {{SSP_STREAM_FAILS, 1, NULL, 0}, "\0\4\0\1\3\2", 6}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t head[SSP_CARRIER_HEAD_MAX];
        assert_int_equal(ws_streams_found.write(NULL, &rows[i].event, head), rows[i].len);
        assert_memory_equal(head, rows[i].head, rows[i].len);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_are_the_same_whatever_the_cut),
        cmocka_unit_test(what_is_no_frame_is_refused),
        cmocka_unit_test(the_first_bytes_tell),
        cmocka_unit_test(heads_are_those_of_v2ray),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
