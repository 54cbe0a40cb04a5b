/* SPDX-License-Identifier: Apache-2.0 */
#include "ws-wrap/layers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* The options of TLS that come out; NULL: there is none. */
static void becomes(const char *given, char *const *argv, const char *options)
{
    char program[] = "ws-wrap", *none[] = {program, NULL};
    struct ws_layers layers;
    assert_int_equal(ws_layers_read(&layers, given, argv != NULL ? argv : none, "/home/u"), 0);
    assert_int_equal(layers.tls, options != NULL);
    if (options != NULL)
        assert_string_equal(layers.options, options);
    ws_layers_release(&layers);
}

static void tls_is_a_flag(void **state)
{
    (void)state;
    becomes(NULL, NULL, NULL);
    becomes("host=a.test;path=/tls", NULL, NULL);
    becomes("tls=false;host=a.test", NULL, NULL);
    becomes("tls;tls=0", NULL, NULL);
    becomes("server;tls;cert=/c;key=/k", NULL,
            "tls-wrap.host=cloudfront.com;tls-wrap.alpn=http/1.1;tls-wrap.cert=/c;tls-wrap.ca=/c;"
            "tls-wrap.key=/k");
}

static void the_command_line_comes_last(void **state)
{
    static char program[] = "ws-wrap", tls[] = "--tls", host[] = "--host", name[] = "b.test",
                opts[] = "--opts=cert=/d", key[] = "--key=/k";
    char *argv[] = {program, tls, host, name, opts, key, NULL};
    (void)state;
    becomes("host=a.test;cert=/c", argv,
            "tls-wrap.host=b.test;tls-wrap.alpn=http/1.1;tls-wrap.cert=/d;tls-wrap.ca=/d;"
            "tls-wrap.key=/k");
}

/* As the program itself reads it: what it says no to is no layer, and all else is one. */
static void a_flag_is_read_as_by_every_plugin(void **state)
{
    static const struct {
        const char *value;
        bool on;
    } rows[] = {{"0", false}, {"false", false}, {"no", false}, {"off", false},
                {"1", true},  {"true", true},   {"", true},    {"OFF", true}};
    static char program[] = "ws-wrap";
    char word[16], given[16], *argv[] = {program, word, NULL}, *none[] = {program, NULL};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct ws_layers layers;
        (void)snprintf(word, sizeof word, "--tls=%s", rows[i].value);
        (void)snprintf(given, sizeof given, "tls=%s", rows[i].value);
        assert_int_equal(ws_layers_read(&layers, NULL, argv, NULL), 0);
        assert_int_equal(layers.tls, rows[i].on);
        ws_layers_release(&layers);
        assert_int_equal(ws_layers_read(&layers, given, none, NULL), 0);
        assert_int_equal(layers.tls, rows[i].on);
        ws_layers_release(&layers);
    }
}

static void values_stay_as_they_are(void **state)
{
    (void)state;
    becomes("tls;host=a.test;cert=/a\\;b\\=c;key=/k;alpn=h2", NULL,
            "tls-wrap.host=a.test;tls-wrap.cert=/a\\;b\\=c;tls-wrap.ca=/a\\;b\\=c;"
            "tls-wrap.key=/k");
}

static void without_a_certificate_it_is_that_of_acme_sh(void **state)
{
    (void)state;
    becomes("server;tls;host=a.test", NULL,
            "tls-wrap.host=a.test;tls-wrap.alpn=http/1.1;"
            "tls-wrap.cert=/home/u/.acme.sh/a.test/fullchain.cer;"
            "tls-wrap.key=/home/u/.acme.sh/a.test/a.test.key");
}

static void mux_is_a_number(void **state)
{
    static const struct {
        const char *options;
        int mux;
    } rows[] = {{NULL, 0}, {"mux=0", 0}, {"mux=1", 1}, {"mux=8;mux=0", 0}, {"mux=x", 0}};
    char program[] = "ws-wrap", *none[] = {program, NULL};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct ws_layers layers;
        assert_int_equal(ws_layers_read(&layers, rows[i].options, none, NULL), 0);
        assert_int_equal(layers.mux, rows[i].mux);
        ws_layers_release(&layers);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tls_is_a_flag),
        cmocka_unit_test(the_command_line_comes_last),
        cmocka_unit_test(a_flag_is_read_as_by_every_plugin),
        cmocka_unit_test(values_stay_as_they_are),
        cmocka_unit_test(without_a_certificate_it_is_that_of_acme_sh),
        cmocka_unit_test(mux_is_a_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
