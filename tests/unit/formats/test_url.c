/* SPDX-License-Identifier: Apache-2.0 */
/* URLs as they are seen in the wild, and what becomes of them when they are written again. */
#include "formats/url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* base64 of aes-256-gcm:secret */
#define SECRET "YWVzLTI1Ni1nY206c2VjcmV0"

static struct ss_server read_good(const char *url)
{
    struct ss_server s;
    const char *why = ss_url_read(&s, url);
    if (why != NULL)
        fail_msg("%s: %s", url, why);
    return s;
}

static void expect_text(const char *found, const char *expected)
{
    if (expected == NULL)
        assert_null(found);
    else
        assert_string_equal(found, expected);
}

static void every_form_is_read(void **state)
{
    static const struct {
        const char *url, *method, *password, *where, *plugin, *opts, *name;
    } rows[] = {
        {"ss://" SECRET "@192.0.2.1:443", "aes-256-gcm", "secret", "192.0.2.1:443", NULL, NULL,
         NULL},
        {" SS://" SECRET "@example.com:443/\n", "aes-256-gcm", "secret", "example.com:443", NULL,
         NULL, NULL},
        {"ss://" SECRET "@[2001:db8::1]:443#my%20server", "aes-256-gcm", "secret",
         "[2001:db8::1]:443", NULL, NULL, "my server"},
        {"ss://" SECRET "@example.com", "aes-256-gcm", "secret", "example.com:8388", NULL, NULL,
         NULL},
        {"ss://" SECRET "@[::1]#x", "aes-256-gcm", "secret", "[::1]:8388", NULL, NULL, "x"},
        {"ss://" SECRET "@h:1/?plugin=obfs-local%3Bobfs%3Dhttp%3Bobfs-host%3Da%5C%3Bb#t",
         "aes-256-gcm", "secret", "h:1", "obfs-local", "obfs=http;obfs-host=a\\;b", "t"},
        {"ss://" SECRET "@h:1?plugin=obfs-local;obfs=http&outline=1", "aes-256-gcm", "secret",
         "h:1", "obfs-local", "obfs=http", NULL},
        {"ss://" SECRET "@h:1/?plugin=one&x=y&plugin=two", "aes-256-gcm", "secret", "h:1", "two",
         NULL, NULL},
        {"ss://" SECRET "@h:1/?plugin=", "aes-256-gcm", "secret", "h:1", NULL, NULL, NULL},
        {"ss://aes-256-gcm:p%40ss%3Aword@h:1", "aes-256-gcm", "p@ss:word", "h:1", NULL, NULL, NULL},
        {"ss://aes-256-gcm:@h:1", "aes-256-gcm", "", "h:1", NULL, NULL, NULL},
        /* a key of SIP022, encoded as it should be, and as it often is not */
        {"ss://2022-blake3-aes-128-gcm:%2F%2F%2F%2B%2F%2BAAAAAAAAAAAAAAAA%3D%3D@h:1",
         "2022-blake3-aes-128-gcm", "///+/+AAAAAAAAAAAAAAAA==", "h:1", NULL, NULL, NULL},
        {"ss://2022-blake3-aes-128-gcm:///+/+AAAAAAAAAAAAAAAA==@h:1", "2022-blake3-aes-128-gcm",
         "///+/+AAAAAAAAAAAAAAAA==", "h:1", NULL, NULL, NULL},
        /* the older form: with padding and without, with @ in the password, IPv6, a tag */
        {"ss://YmYtY2ZiOnRlc3QvIUAjOkAxOTIuMTY4LjEwMC4xOjg4ODg#example-server", "bf-cfb",
         "test/!@#:", "192.168.100.1:8888", NULL, NULL, "example-server"},
        {"ss://YWVzLTI1Ni1nY206c2VjcmV0QFs6OjFdOjQ0Mw==#v6", "aes-256-gcm", "secret", "[::1]:443",
         NULL, NULL, "v6"},
        /* base64 in the standard alphabet, and its padding encoded */
        {"ss://YWVzLTI1Ni1nY206Pz8/Pz8+Pg==@h:1", "aes-256-gcm", "?\?\?\?\?>>", "h:1", NULL, NULL,
         NULL},
        {"ss://YWVzLTI1Ni1nY206Pz8_Pz8-Pg%3D%3D@h:1", "aes-256-gcm", "?\?\?\?\?>>", "h:1", NULL,
         NULL, NULL},
        /* a tag that is not encoded */
        {"ss://" SECRET "@h:1#100% \xE2\x9C\x93", "aes-256-gcm", "secret", "h:1", NULL, NULL,
         "100% \xE2\x9C\x93"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char where[SSP_HOST_MAX + 8];
        struct ss_server s = read_good(rows[i].url);
        ssp__endpoint_format(&s.endpoint, where, sizeof where);
        assert_string_equal(s.method, rows[i].method);
        assert_string_equal(s.password, rows[i].password);
        assert_string_equal(where, rows[i].where);
        expect_text(s.plugin, rows[i].plugin);
        expect_text(s.plugin_opts, rows[i].opts);
        expect_text(s.name, rows[i].name);
        ss_server_release(&s);
    }
}

static void what_is_no_url_is_refused_without_a_trace(void **state)
{
    static const char *const urls[] = {
        "",
        "ss:/",
        "http://" SECRET "@h:1",
        "ss://",
        "ss://@h:1",
        "ss://" SECRET,
        "ss://" SECRET "@",
        "ss://" SECRET "@:443",
        "ss://" SECRET "@h:0",
        "ss://" SECRET "@h:65536",
        "ss://" SECRET "@h:x",
        "ss://" SECRET "@[::1",
        "ss://" SECRET "@a%2Fb:1",
        "ss://" SECRET "@a%00b:1",
        "ss://" SECRET "@a%0Ab:1",
        "ss://" SECRET "%@h:1",
        "ss://" SECRET "%4@h:1",
        "ss://" SECRET "%zz@h:1",
        "ss://YWVz@h:1",
        "ss://!!!@h:1",
        "ss://:secret@h:1",
        "ss://" SECRET "@h:1/?plugin=%",
        "ss://" SECRET "@h:1/?prefix=%E2%82%AC",
        "ss://YWVzLTI1Ni1nY206AHg@h:1", /* a NUL in the password */
        "ss://" SECRET "@h:1/?prefix=0123456789012345678901234567890123",
    };
    (void)state;
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        struct ss_server s;
        const char *why = ss_url_read(&s, urls[i]);
        if (why == NULL)
            fail_msg("%s is taken", urls[i]);
        assert_null(s.method);
        assert_null(s.password);
        assert_null(strstr(why, SECRET));
    }
}

static void a_prefix_of_outline_is_kept(void **state)
{
    static const uint8_t bytes[] = {0x16, 0x03, 0x01, 0x00, 0xA8, 0x01, 0x01};
    (void)state;
    struct ss_server s =
        read_good("ss://" SECRET "@h:1/?outline=1&prefix=%16%03%01%00%C2%A8%01%01#x");
    assert_int_equal(s.prefix_len, sizeof bytes);
    assert_memory_equal(s.prefix, bytes, sizeof bytes);
    char *again = ss_url_write(&s);
    assert_string_equal(again, "ss://" SECRET "@h:1/?prefix=%16%03%01%00%C2%A8%01%01#x");
    ss_secret_free(again);
    ss_server_release(&s);
}

/* The form of shadowsocks-rust's ssurl, byte by byte. */
static void every_form_is_written_as_sip002(void **state)
{
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"ss://" SECRET "@192.0.2.1:443", "ss://" SECRET "@192.0.2.1:443"},
        {"ss://aes-256-gcm:secret@[::1]", "ss://" SECRET "@[::1]:8388"},
        {"ss://" SECRET "@h:1?plugin=obfs-local;obfs=http#a b",
         "ss://" SECRET "@h:1/?plugin=obfs%2Dlocal%3Bobfs%3Dhttp#a%20b"},
        {"ss://2022-blake3-aes-128-gcm:///+/+AAAAAAAAAAAAAAAA==@h:1",
         "ss://2022-blake3-aes-128-gcm:%2F%2F%2F%2B%2F%2BAAAAAAAAAAAAAAAA%3D%3D@h:1"},
        {"ss://YmYtY2ZiOnRlc3QvIUAjOkAxOTIuMTY4LjEwMC4xOjg4ODg#example-server",
         "ss://YmYtY2ZiOnRlc3QvIUAjOg@192.168.100.1:8888#example%2Dserver"},
        {"ss://" SECRET "@[fe80::1%251]:443", "ss://" SECRET "@[fe80::1%251]:443"},
        {"ss://" SECRET "@my-host_1.example~:443", "ss://" SECRET "@my-host_1.example~:443"},
        {"ss://" SECRET "@a%256-b.example:443", "ss://" SECRET "@a%256-b.example:443"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ss_server s = read_good(rows[i].in);
        char *out = ss_url_write(&s);
        assert_string_equal(out, rows[i].out);
        ss_secret_free(out);
        ss_server_release(&s);
    }
}

static void a_label_shows_no_secret(void **state)
{
    char label[SS_LABEL_MAX];
    (void)state;
    struct ss_server s = read_good("ss://" SECRET "@[::1]:443#home");
    assert_string_equal(ss_server_label(&s, label), "home ([::1]:443)");
    ss_server_release(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_is_read),
        cmocka_unit_test(what_is_no_url_is_refused_without_a_trace),
        cmocka_unit_test(a_prefix_of_outline_is_kept),
        cmocka_unit_test(every_form_is_written_as_sip002),
        cmocka_unit_test(a_label_shows_no_secret),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
