/* SPDX-License-Identifier: Apache-2.0 */
/* The hashes are those of another program:
 *   hmac.new(bytes(range(32)), b"ExtORPort authentication server-to-client hash" +
 *            bytes(range(0x40, 0x60)) + bytes(range(0xa0, 0xc0)), "sha256").hexdigest() */
#include "pt-wrap/orport.h"

#include <ssplugin/drive.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define BYTES(text_) text_, sizeof(text_) - 1
#define COOKIE "cookie=000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define THEIR_NONCE "@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_"
#define SERVER_HASH                                                                                \
    "\x78\x55\xb6\x0a\xf8\xc9\x49\xf5\xa2\xa6\x33\x5c\x5a\xca\xd8\x0f\x51\x62\x25\x61\x3b\x6d\x60" \
    "\xb9\x54\x21\xe4\xcb\xad\xee\xf9\x66"
#define OUR_NONCE                                                                                  \
    "\xa0\xa1\xa2\xa3\xa4\xa5\xa6\xa7\xa8\xa9\xaa\xab\xac\xad\xae\xaf\xb0\xb1\xb2\xb3\xb4\xb5\xb6" \
    "\xb7\xb8\xb9\xba\xbb\xbc\xbd\xbe\xbf"
#define CLIENT_HASH                                                                                \
    "\x14\xcc\xf0\xf8\xdb\x9e\x19\xa9\x41\x88\xd9\x6c\xba\x23\x3c\x03\x3b\x1e\x0f\x03\x7f\x7b\xf0" \
    "\x3b\xfb\x04\xf7\xb0\x39\x34\x1f\x07"
#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define SHAKEN "\1" THEIR_NONCE CLIENT_HASH
#define ANSWERED "\1\0" SERVER_HASH OUR_NONCE "\1"

static void count_up(void *arg, void *bytes, size_t n)
{
    (void)arg;
    for (size_t i = 0; i < n; i++)
        ((uint8_t *)bytes)[i] = (uint8_t)(0xa0 + i);
}

static int64_t no_time(void *arg)
{
    (void)arg;
    return 0;
}

struct end {
    ssp_conf *conf;
    ssp_drive *drive;
};

static void open_end(struct end *end, const char *options)
{
    static const ssp_world world = {.random = count_up, .unix_time = no_time};
    char why[200] = "";
    end->conf = ssp_conf_new(&pt_orport, SSP_CLIENT, options, why, sizeof why);
    if (end->conf == NULL)
        fail_msg("%s: %s", options, why);
    end->drive = ssp_drive_new(&pt_orport, SSP_CLIENT, ssp_conf_values(end->conf), &world);
    assert_non_null(end->drive);
}

static void close_end(struct end *end)
{
    assert_null(ssp_drive_broken_rule(end->drive));
    ssp_drive_free(end->drive);
    ssp_conf_free(end->conf);
}

static ssp_verdict transport(struct end *end, const void *bytes, size_t n)
{
    return ssp_drive_feed(end->drive, SSP_WRAP, bytes, n, 0);
}

static void came_out(struct end *end, ssp_dir dir, const void *bytes, size_t n)
{
    size_t len;
    const uint8_t *out = ssp_drive_output(end->drive, dir, &len);
    assert_int_equal(len, n);
    if (n > 0)
        assert_memory_equal(out, bytes, n);
    ssp_drive_take(end->drive, dir, len);
}

static void the_handshake_is_that_of_the_specification(void **state)
{
    (void)state;
    struct end end;
    open_end(&end, COOKIE);
    assert_int_equal(transport(&end, "", 0), SSP_MORE);
    came_out(&end, SSP_UNWRAP, BYTES("\1\0"));
    (void)transport(&end, BYTES("\1" THEIR_NONCE));
    came_out(&end, SSP_UNWRAP, BYTES(SERVER_HASH OUR_NONCE));
    (void)transport(&end, BYTES(CLIENT_HASH));
    came_out(&end, SSP_UNWRAP, BYTES("\1"));
    (void)transport(&end, BYTES("\0\1\0\x0c"
                                "192.0.2.1:99"
                                "\0\2\0\5obfs4"));
    came_out(&end, SSP_UNWRAP, "", 0);
    assert_int_equal(transport(&end, BYTES("\0\0\0\0hello")), SSP_CLEAR);
    came_out(&end, SSP_UNWRAP, BYTES("\x10\0\0\0"));
    came_out(&end, SSP_WRAP, BYTES("hello"));
    assert_int_equal(ssp_drive_feed(end.drive, SSP_UNWRAP, "back", 4, 0), SSP_CLEAR);
    came_out(&end, SSP_UNWRAP, BYTES("back"));
    close_end(&end);
}

/* A host may speak first, and be done before the transport program has said who the client is. */
static void what_the_host_says_early_waits(void **state)
{
    (void)state;
    struct end end;
    open_end(&end, COOKIE);
    assert_int_equal(ssp_drive_feed(end.drive, SSP_UNWRAP, BYTES("early"), 1), SSP_MORE);
    came_out(&end, SSP_UNWRAP, "", 0);
    assert_int_equal(transport(&end, BYTES(SHAKEN "\0\0\0\0")), SSP_CLEAR);
    assert_int_equal(ssp_drive_feed(end.drive, SSP_UNWRAP, "", 0, 1), SSP_END);
    came_out(&end, SSP_UNWRAP, BYTES(ANSWERED "\x10\0\0\0early"));
    close_end(&end);
}

static void every_cut_is_the_same(void **state)
{
    (void)state;
    static const char all[] = SHAKEN "\0\1\0\x0c"
                                     "192.0.2.1:99"
                                     "\x77\x77\0\1x"
                                     "\0\0\0\0hello";
    for (size_t cut = 0; cut < sizeof all; cut++) {
        struct end end;
        open_end(&end, COOKIE);
        (void)transport(&end, all, cut);
        assert_int_equal(transport(&end, all + cut, sizeof all - 1 - cut), SSP_CLEAR);
        came_out(&end, SSP_UNWRAP, BYTES(ANSWERED "\x10\0\0\0"));
        came_out(&end, SSP_WRAP, BYTES("hello"));
        close_end(&end);
    }
    struct end end;
    open_end(&end, COOKIE);
    for (size_t i = 0; i < sizeof all - 1; i++)
        (void)transport(&end, all + i, 1);
    came_out(&end, SSP_WRAP, BYTES("hello"));
    close_end(&end);
}

static void no_other_proof_is_taken(void **state)
{
    (void)state;
    for (size_t bit = 0; bit < 8 * PT_HASH; bit++) {
        char all[] = SHAKEN;
        all[sizeof all - 1 - PT_HASH + bit / 8] ^= (char)(1 << bit % 8);
        struct end end;
        open_end(&end, COOKIE);
        assert_int_equal(transport(&end, all, sizeof all - 1), SSP_FAIL);
        came_out(&end, SSP_UNWRAP, BYTES("\1\0" SERVER_HASH OUR_NONCE "\0"));
        assert_non_null(strstr(ssp_drive_why(end.drive), "cookie"));
        close_end(&end);
    }
}

static void what_is_cut_or_too_long_fails(void **state)
{
    (void)state;
    static const char all[] = SHAKEN "\0\1\0\x0c"
                                     "192.0.2.1:99"
                                     "\0\0\0\0";
    struct end end;
    for (size_t n = 0; n < sizeof all - 1; n++) {
        open_end(&end, COOKIE);
        assert_int_equal(ssp_drive_feed(end.drive, SSP_WRAP, all, n, 1), SSP_FAIL);
        came_out(&end, SSP_WRAP, "", 0);
        close_end(&end);
    }
    open_end(&end, COOKIE);
    assert_int_equal(transport(&end, BYTES(SHAKEN "\0\1\xff\xff")), SSP_FAIL);
    close_end(&end);
    open_end(&end, COOKIE);
    assert_int_equal(transport(&end, BYTES("\2")), SSP_FAIL);
    close_end(&end);
}

static void the_host_is_told_by_the_proxy_protocol(void **state)
{
    (void)state;
    static const struct {
        const char *options, *commands;
        size_t commands_len;
        const char *header;
        size_t header_len;
    } rows[] = {
        {COOKIE ";proxy-protocol;public=192.0.2.9:443",
         BYTES("\0\1\0\x0c"
               "192.0.2.1:99"
               "\0\0\0\0"),
         BYTES(SIGNATURE "\x21\x11\0\x0c\xc0\0\2\1\xc0\0\2\x09\0\x63\1\xbb")},
        {COOKIE ";proxy-protocol;public=[::1]:443",
         BYTES("\0\1\0\x08"
               "[::2]:99"
               "\0\0\0\0"),
         BYTES(SIGNATURE "\x21\x21\0\x24\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\2"
                         "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\x63\1\xbb")},
        {COOKIE ";proxy-protocol;public=[::]:443",
         BYTES("\0\1\0\x0c"
               "192.0.2.1:99"
               "\0\0\0\0"),
         BYTES(SIGNATURE "\x20\0\0\0")},
        {COOKIE ";proxy-protocol;public=192.0.2.9:443", BYTES("\0\0\0\0"),
         BYTES(SIGNATURE "\x20\0\0\0")},
        {COOKIE ";proxy-protocol;public=192.0.2.9:443", BYTES("\0\1\0\4junk\0\0\0\0"),
         BYTES(SIGNATURE "\x20\0\0\0")},
        {COOKIE ";proxy-protocol",
         BYTES("\0\1\0\x0c"
               "192.0.2.1:99"
               "\0\0\0\0"),
         BYTES(SIGNATURE "\x20\0\0\0")},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct end end;
        open_end(&end, rows[i].options);
        (void)transport(&end, BYTES(SHAKEN));
        assert_int_equal(transport(&end, rows[i].commands, rows[i].commands_len), SSP_CLEAR);
        came_out(&end, SSP_WRAP, rows[i].header, rows[i].header_len);
        close_end(&end);
    }
}

static void nothing_is_sent_back_before_it_is_asked_for(void **state)
{
    (void)state;
    struct end end;
    open_end(&end, COOKIE);
    assert_int_equal(ssp_drive_feed(end.drive, SSP_UNWRAP, "early", 5, 0), SSP_MORE);
    (void)transport(&end, BYTES(SHAKEN "\0\0\0\0"));
    came_out(&end, SSP_UNWRAP, BYTES(ANSWERED "\x10\0\0\0"));
    (void)ssp_drive_feed(end.drive, SSP_UNWRAP, "!", 1, 0);
    came_out(&end, SSP_UNWRAP, BYTES("early!"));
    close_end(&end);
}

static void the_cookie_file_begins_as_it_must(void **state)
{
    (void)state;
    assert_memory_equal(pt_cookie_head, "! Extended ORPort Auth Cookie !\n", PT_COOKIE_HEAD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_handshake_is_that_of_the_specification),
        cmocka_unit_test(what_the_host_says_early_waits),
        cmocka_unit_test(every_cut_is_the_same),
        cmocka_unit_test(no_other_proof_is_taken),
        cmocka_unit_test(what_is_cut_or_too_long_fails),
        cmocka_unit_test(the_host_is_told_by_the_proxy_protocol),
        cmocka_unit_test(nothing_is_sent_back_before_it_is_asked_for),
        cmocka_unit_test(the_cookie_file_begins_as_it_must),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
