/* SPDX-License-Identifier: Apache-2.0 */
/* The cases of the Autobahn suite by their numbers, at both ends, in one piece and byte by byte.
 * Where that suite looks at an echo, this looks at the plain side: a tunnel keeps no messages. */
#include "end.h"

#include <stdio.h>
#include <stdlib.h>

enum { FRAMES = 12, OPEN = 0, CLEAN = 1 };

struct rfc_case {
    const char *number;
    struct said frame[FRAMES]; /* ends with an opcode of GONE */
    const char *plain;         /* what comes out */
    const char *pongs;         /* the payloads of all answers, each with a "|" behind it */
    unsigned ends;             /* OPEN, CLEAN, or the code with which the end fails */
};

#define GONE                                                                                       \
    {                                                                                              \
        .opcode = 0xff                                                                             \
    }
#define SAY(opcode_, text_)                                                                        \
    {                                                                                              \
        .opcode = (opcode_), .payload = (text_), .len = sizeof(text_) - 1                          \
    }
#define PART(opcode_, text_)                                                                       \
    {                                                                                              \
        .opcode = (opcode_), .payload = (text_), .len = sizeof(text_) - 1, .more = true            \
    }
#define ODD(bits_, opcode_, text_)                                                                 \
    {                                                                                              \
        .opcode = (opcode_), .payload = (text_), .len = sizeof(text_) - 1, .reserved = (bits_)     \
    }

#define TEN "0123456789"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN
#define B125 HUNDRED TEN TEN "01234"
#define OK "\x03\xe8"
#define GREEK "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5"
#define SURROGATE "\xed\xa0\x80"

/* clang-format off */
static const struct rfc_case cases[] = {
    {"2.1", {SAY(PING, ""), GONE}, "", "|", OPEN},
    {"2.2", {SAY(PING, "Hello, world!"), GONE}, "", "Hello, world!|", OPEN},
    {"2.3", {SAY(PING, "\xff\xfe\xfd\xfc\xfb\xff"), GONE}, "", "\xff\xfe\xfd\xfc\xfb\xff|", OPEN},
    {"2.4", {SAY(PING, B125), GONE}, "", B125 "|", OPEN},
    {"2.5", {SAY(PING, B125 "x"), GONE}, "", "", 1002},
    {"2.7", {SAY(PONG, ""), GONE}, "", "", OPEN},
    {"2.8", {SAY(PONG, "unsolicited pong payload"), GONE}, "", "", OPEN},
    {"2.9", {SAY(PONG, "unsolicited"), SAY(PING, "ping payload"), GONE}, "", "ping payload|", OPEN},
    {"2.10", {SAY(PING, "0"), SAY(PING, "1"), SAY(PING, "2"), SAY(PING, "3"), SAY(PING, "4"),
              SAY(PING, "5"), SAY(PING, "6"), SAY(PING, "7"), SAY(PING, "8"), SAY(PING, "9"), GONE},
     "", "0|1|2|3|4|5|6|7|8|9|", OPEN},

    {"3.1", {ODD(1, TEXT, "Hello, world!"), GONE}, "", "", 1002},
    {"3.2", {SAY(TEXT, "Hello"), ODD(2, TEXT, "world"), SAY(PING, ""), GONE}, "Hello", "", 1002},
    {"3.4", {SAY(TEXT, "Hello"), ODD(4, TEXT, "world"), SAY(PING, ""), GONE}, "Hello", "", 1002},
    {"3.5", {ODD(5, BINARY, "\xff\xff\xff"), GONE}, "", "", 1002},
    {"3.6", {ODD(6, PING, "Hello, world!"), GONE}, "", "", 1002},
    {"3.7", {ODD(7, CLOSE, OK), GONE}, "", "", 1002},

    {"4.1.1", {SAY(3, ""), GONE}, "", "", 1002},
    {"4.1.2", {SAY(4, "reserved opcode payload"), GONE}, "", "", 1002},
    {"4.1.3", {SAY(TEXT, "Hello"), SAY(5, ""), SAY(PING, ""), GONE}, "Hello", "", 1002},
    {"4.1.4", {SAY(TEXT, "Hello"), SAY(6, "payload"), SAY(PING, ""), GONE}, "Hello", "", 1002},
    {"4.1.5", {SAY(TEXT, "Hello"), SAY(7, "payload"), SAY(PING, ""), GONE}, "Hello", "", 1002},
    {"4.2.1", {SAY(11, ""), GONE}, "", "", 1002},
    {"4.2.2", {SAY(12, "reserved opcode payload"), GONE}, "", "", 1002},
    {"4.2.3", {SAY(TEXT, "Hello"), SAY(13, ""), SAY(PING, ""), GONE}, "Hello", "", 1002},
    {"4.2.4", {SAY(TEXT, "Hello"), SAY(14, "payload"), SAY(PING, ""), GONE}, "Hello", "", 1002},
    {"4.2.5", {SAY(TEXT, "Hello"), SAY(15, "payload"), SAY(PING, ""), GONE}, "Hello", "", 1002},

    {"5.1", {PART(PING, "one"), SAY(CONTINUATION, "two"), GONE}, "", "", 1002},
    {"5.2", {PART(PONG, "one"), SAY(CONTINUATION, "two"), GONE}, "", "", 1002},
    {"5.3", {PART(TEXT, "one"), SAY(CONTINUATION, "two"), GONE}, "onetwo", "", OPEN},
    {"5.6", {PART(TEXT, "one"), SAY(PING, "ping"), SAY(CONTINUATION, "two"), GONE}, "onetwo",
     "ping|", OPEN},
    {"5.9", {SAY(CONTINUATION, "non"), SAY(TEXT, "Hello"), GONE}, "", "", 1002},
    {"5.12", {PART(CONTINUATION, "non"), SAY(TEXT, "Hello"), GONE}, "", "", 1002},
    {"5.15", {PART(TEXT, "one"), SAY(CONTINUATION, "two"), PART(CONTINUATION, "three"),
              SAY(TEXT, "four"), GONE}, "onetwo", "", 1002},
    {"5.16", {PART(CONTINUATION, "one"), PART(TEXT, "two"), SAY(CONTINUATION, "three"), GONE}, "",
     "", 1002},
    {"5.17", {SAY(CONTINUATION, "one"), PART(TEXT, "two"), SAY(CONTINUATION, "three"), GONE}, "",
     "", 1002},
    {"5.18", {PART(TEXT, "one"), SAY(TEXT, "two"), GONE}, "one", "", 1002},
    {"5.19", {PART(TEXT, "1"), PART(CONTINUATION, "2"), SAY(PING, "pongme 1!"),
              PART(CONTINUATION, "3"), PART(CONTINUATION, "4"), SAY(PING, "pongme 2!"),
              SAY(CONTINUATION, "5"), GONE}, "12345", "pongme 1!|pongme 2!|", OPEN},

    {"6.1.1", {SAY(TEXT, ""), GONE}, "", "", OPEN},
    {"6.1.2", {PART(TEXT, ""), PART(CONTINUATION, ""), SAY(CONTINUATION, ""), GONE}, "", "", OPEN},
    {"6.1.3", {PART(TEXT, ""), PART(CONTINUATION, "middle"), SAY(CONTINUATION, ""), GONE},
     "middle", "", OPEN},
    {"6.2.1", {SAY(TEXT, "Hello-\xc2\xb5@\xc3\x9f"), GONE}, "Hello-\xc2\xb5@\xc3\x9f", "", OPEN},
    {"6.2.3", {PART(TEXT, "\xc2"), SAY(CONTINUATION, "\xb5"), GONE}, "\xc2\xb5", "", OPEN},
    {"6.3.1", {SAY(TEXT, GREEK SURROGATE), GONE}, NULL, "", 1007},
    {"6.3.2", {SAY(TEXT, GREEK), SAY(TEXT, SURROGATE), GONE}, NULL, "", 1007},
    {"6.4.1", {PART(TEXT, GREEK "\xf4"), PART(CONTINUATION, "\x90\x80\x80"), GONE}, NULL, "", 1007},
    {"6.6.2", {SAY(TEXT, GREEK), GONE}, GREEK, "", OPEN},
    {"6.6.1", {SAY(TEXT, "\xce"), GONE}, NULL, "", 1007},
    {"6.7.4", {SAY(TEXT, "\xf0\x90\x80\x80"), GONE}, "\xf0\x90\x80\x80", "", OPEN},
    {"6.8.1", {SAY(TEXT, "\xf8\x88\x80\x80\x80"), GONE}, NULL, "", 1007},
    {"6.9.4", {SAY(TEXT, "\xf7\xbf\xbf\xbf"), GONE}, NULL, "", 1007},
    {"6.10.3", {SAY(TEXT, "\xfd\xbf\xbf\xbf\xbf\xbf"), GONE}, NULL, "", 1007},
    {"6.11.4", {SAY(TEXT, "\xf4\x8f\xbf\xbf"), GONE}, "\xf4\x8f\xbf\xbf", "", OPEN},
    {"6.11.5", {SAY(TEXT, "\xf4\x90\x80\x80"), GONE}, NULL, "", 1007},
    {"6.12.1", {SAY(TEXT, "\x80"), GONE}, NULL, "", 1007},
    {"6.13.1", {SAY(TEXT, "\xc0 \xc1 "), GONE}, NULL, "", 1007},
    {"6.14.2", {SAY(TEXT, "\xe0\x80"), GONE}, NULL, "", 1007},
    {"6.16.1", {SAY(TEXT, "\xfe"), GONE}, NULL, "", 1007},
    {"6.17.1", {SAY(TEXT, "\xc0\xaf"), GONE}, NULL, "", 1007},
    {"6.18.3", {SAY(TEXT, "\xf0\x8f\xbf\xbf"), GONE}, NULL, "", 1007},
    {"6.20.7", {SAY(TEXT, "\xed\xbf\xbf"), GONE}, NULL, "", 1007},
    {"6.22.1", {SAY(TEXT, "\xef\xbf\xbe"), GONE}, "\xef\xbf\xbe", "", OPEN},

    {"7.1.1", {SAY(TEXT, "Hello World!"), SAY(CLOSE, OK), GONE}, "Hello World!", "", CLEAN},
    {"7.1.2", {SAY(CLOSE, OK), SAY(CLOSE, OK), GONE}, "", "", CLEAN},
    {"7.1.3", {SAY(CLOSE, OK), SAY(PING, ""), GONE}, "", "", CLEAN},
    {"7.1.4", {SAY(CLOSE, OK), SAY(TEXT, "Hello World!"), GONE}, "", "", CLEAN},
    {"7.1.5", {PART(TEXT, "one"), SAY(CLOSE, OK), SAY(CONTINUATION, "two"), GONE}, "one", "", 1000},
    {"7.3.1", {SAY(CLOSE, ""), GONE}, "", "", CLEAN},
    {"7.3.2", {SAY(CLOSE, "a"), GONE}, "", "", 1002},
    {"7.3.3", {SAY(CLOSE, OK), GONE}, "", "", CLEAN},
    {"7.3.4", {SAY(CLOSE, OK "Hello World!"), GONE}, "", "", CLEAN},
    {"7.3.5", {SAY(CLOSE, OK HUNDRED TEN TEN "012"), GONE}, "", "", CLEAN},
    {"7.3.6", {SAY(CLOSE, OK HUNDRED TEN TEN "0123"), GONE}, "", "", 1002},
    {"7.5.1", {SAY(CLOSE, OK GREEK SURROGATE), GONE}, "", "", 1007},
};
/* clang-format on */

static const struct {
    const char *number;
    unsigned code, answer; /* answer CLEAN: an end without an error */
} codes[] = {
    {"7.7.1", 1000, CLEAN}, {"7.7.2", 1001, 1001},  {"7.7.3", 1002, 1002},  {"7.7.4", 1003, 1003},
    {"7.7.5", 1007, 1007},  {"7.7.6", 1008, 1008},  {"7.7.7", 1009, 1009},  {"7.7.8", 1010, 1010},
    {"7.7.9", 1011, 1011},  {"7.7.10", 3000, 3000}, {"7.7.11", 3999, 3999}, {"7.7.12", 4000, 4000},
    {"7.7.13", 4999, 4999}, {"7.9.1", 0, 1002},     {"7.9.2", 999, 1002},   {"7.9.3", 1004, 1002},
    {"7.9.4", 1005, 1002},  {"7.9.5", 1006, 1002},  {"7.9.6", 1016, 1002},  {"7.9.7", 1100, 1002},
    {"7.9.8", 2000, 1002},  {"7.9.9", 2999, 1002},  {"7.13.1", 5000, 1002}, {"7.13.2", 65535, 1002},
};

static unsigned code_in(const uint8_t *payload, size_t len)
{
    assert_int_equal(len, 2);
    return (unsigned)payload[0] << 8 | payload[1];
}

/* The pongs, and behind them the Close frame of a failure. */
static void hears(struct end *end, const struct rfc_case *c)
{
    char pongs[512] = "";
    const uint8_t *payload;
    size_t len, at = 0;
    int opcode;
    while ((opcode = end_hears(end, &payload, &len)) == PONG) {
        at += (size_t)snprintf(pongs + at, sizeof pongs - at, "%.*s|", (int)len,
                               (const char *)payload);
    }
    assert_string_equal(pongs, c->pongs);
    if (c->ends <= CLEAN) {
        assert_int_equal(opcode, -1);
        return;
    }
    assert_int_equal(opcode, CLOSE);
    assert_int_equal(code_in(payload, len), c->ends);
}

/* A clean end is followed by our own Close frame, when the plain side has ended. */
static void says_goodbye(struct end *end)
{
    const uint8_t *payload;
    size_t len;
    assert_int_equal(ssp_drive_feed(end->drive, SSP_WRAP, "", 0, 1), SSP_END);
    assert_int_equal(end_hears(end, &payload, &len), CLOSE);
    assert_int_equal(code_in(payload, len), 1000);
}

static void run(const struct rfc_case *c, ssp_role role, size_t step)
{
    uint8_t wire[4096];
    struct end end;
    size_t n = 0, len;
    (void)printf("%s, %s, step %zu\n", c->number, role == SSP_CLIENT ? "client" : "server", step);
    end_open(&end, role, NULL);
    for (const struct said *said = c->frame; said->opcode != 0xff; said++)
        n += end_frame(&end, said, wire + n);
    ssp_verdict verdict = end_feed(&end, wire, n, step);
    assert_int_equal(verdict, c->ends == OPEN ? SSP_MORE : c->ends == CLEAN ? SSP_END : SSP_FAIL);
    const uint8_t *plain = end_plain(&end, &len);
    if (c->plain != NULL) {
        assert_int_equal(len, strlen(c->plain));
        assert_memory_equal(plain, c->plain, len);
    }
    hears(&end, c);
    if (c->ends == CLEAN)
        says_goodbye(&end);
    end_close(&end);
}

static void run_everywhere(const struct rfc_case *c)
{
    for (int i = 0; i < 6; i++)
        run(c, i % 2 == 0 ? SSP_CLIENT : SSP_SERVER, (size_t)(i / 2));
}

static void every_case(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        run_everywhere(&cases[i]);
}

static void every_code(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        const char body[] = {(char)(codes[i].code >> 8), (char)codes[i].code};
        const struct rfc_case c = {
            .number = codes[i].number,
            .frame = {{.opcode = CLOSE, .payload = body, .len = sizeof body}, GONE},
            .plain = "",
            .pongs = "",
            .ends = codes[i].answer,
        };
        run_everywhere(&c);
    }
}

/* 1.1.1 to 1.2.8, 9.1 and 9.2: messages of every form of length. */
static void every_length(void **state)
{
    static const size_t sizes[] = {0, 125, 126, 127, 128, 65535, 65536, 262144};
    (void)state;
    char *payload = malloc(262144);
    uint8_t *wire = malloc(262144 + 16);
    memset(payload, '*', 262144);
    for (int i = 0; i < 2 * 2 * 8; i++) {
        struct end end;
        size_t size = sizes[i / 4], n;
        end_open(&end, i & 1 ? SSP_CLIENT : SSP_SERVER, NULL);
        struct said said = {.opcode = i & 2 ? TEXT : BINARY, .payload = payload, .len = size};
        size_t len = end_frame(&end, &said, wire);
        assert_int_equal(end_feed(&end, wire, len, 997), SSP_MORE);
        const uint8_t *plain = end_plain(&end, &n);
        assert_int_equal(n, size);
        assert_memory_equal(plain, payload, size);
        end_close(&end);
    }
    free(payload);
    free(wire);
}

/* 10.1.1: one message of 65536 bytes in fragments of 1300. */
static void fragments_make_one_stream(void **state)
{
    (void)state;
    char payload[1300];
    uint8_t wire[1400];
    size_t n = 0;
    struct end end;
    memset(payload, '*', sizeof payload);
    end_open(&end, SSP_SERVER, NULL);
    for (size_t at = 0; at < 65536; at += sizeof payload) {
        size_t len = 65536 - at < sizeof payload ? 65536 - at : sizeof payload;
        struct said said = {at == 0 ? TEXT : CONTINUATION, payload, len, at + len < 65536, 0};
        assert_int_equal(end_feed(&end, wire, end_frame(&end, &said, wire), 0), SSP_MORE);
    }
    (void)end_plain(&end, &n);
    assert_int_equal(n, 65536);
    end_close(&end);
}

static void fails(ssp_role role, const void *wire, size_t n, const char *why)
{
    const uint8_t *payload;
    size_t len;
    struct end end;
    end_open(&end, role, NULL);
    assert_int_equal(end_feed(&end, wire, n, 0), SSP_FAIL);
    assert_non_null(strstr(ssp_drive_why(end.drive), why));
    assert_int_equal(end_hears(&end, &payload, &len), CLOSE);
    assert_int_equal(code_in(payload, len), 1002);
    end_close(&end);
}

/* RFC 6455, 5.1 and 5.2: beyond that suite. */
static void masks_and_lengths_are_demanded(void **state)
{
    static const uint8_t bare[] = {0x82, 1, 'x'}, masked[] = {0x82, 0x81, 0, 0, 0, 0, 'x'},
                         endless[] = {0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    (void)state;
    fails(SSP_SERVER, bare, sizeof bare, "the client does not mask a frame");
    fails(SSP_CLIENT, masked, sizeof masked, "the server masks a frame");
    fails(SSP_SERVER, endless, sizeof endless, "more than 2^63-1 bytes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_case),
        cmocka_unit_test(every_code),
        cmocka_unit_test(every_length),
        cmocka_unit_test(fragments_make_one_stream),
        cmocka_unit_test(masks_and_lengths_are_demanded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
