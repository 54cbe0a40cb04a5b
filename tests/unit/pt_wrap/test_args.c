/* SPDX-License-Identifier: Apache-2.0 */
#include "pt-wrap/args.h"
#include "pt-wrap/bridge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct pt_args of(const char *text)
{
    struct pt_args args = {.n = 0};
    assert_int_equal(pt_args_read(&args, text), 0);
    return args;
}

static void writes(char *(*fn)(const struct pt_args *), const struct pt_args *args,
                   const char *expected)
{
    char *text = fn(args);
    assert_string_equal(text, expected);
    pt_args_forget(text);
}

static char *server(const struct pt_args *args)
{
    return pt_args_server(args, "obfs4");
}

static char *client(const struct pt_args *args)
{
    return pt_args_client_options(args, "obfs4");
}

static void each_form_has_its_own_escapes(void **state)
{
    (void)state;
    struct pt_args args = of("a\\=b\\;c\\:d\\\\\\,=\\=;:\\\\\\,x,k=");
    writes(pt_args_socks, &args, "a\\=b\\;c:d\\\\,=\\=\\;:\\\\,x;k=");
    writes(server, &args, "obfs4:a\\=b\\;c\\:d\\\\,==\\;\\:\\\\,x;obfs4:k=");
    writes(client, &args, "transport=obfs4;a\\=b\\;c:d\\\\,=\\=\\;:\\\\,x;k=");
    pt_args_release(&args);
    writes(pt_args_socks, &args, "");
    writes(server, &args, "");
    writes(client, &args, "transport=obfs4");
}

static void the_last_value_of_a_key_counts(void **state)
{
    (void)state;
    struct pt_args args = of("k=1,l=2,k=3");
    writes(pt_args_socks, &args, "k=3;l=2");
    assert_string_equal(pt_args_get(&args, "k"), "3");
    assert_null(pt_args_get(&args, "m"));
    pt_args_release(&args);
}

static void a_bridge_line_is_read_as_users_have_it(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "obfs4 192.0.2.1:443 0123456789ABCDEF0123456789ABCDEF01234567 cert=a/b+c iat-mode=0",
        "  Bridge  obfs4 192.0.2.1:443\tcert=a/b+c iat-mode=0 ",
        "bridge obfs4 192.0.2.1:443 cert=a/b+c iat-mode=0",
    };
    char why[200];
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct pt_bridge bridge;
        struct pt_args args = {.n = 0};
        assert_int_equal(pt_bridge_read(&bridge, &args, lines[i], why, sizeof why), 0);
        assert_string_equal(bridge.transport, "obfs4");
        assert_string_equal(bridge.place.ip, "192.0.2.1");
        assert_int_equal(bridge.place.port, 443);
        writes(pt_args_socks, &args, "cert=a/b+c;iat-mode=0");
        pt_args_release(&args);
    }
}

static void a_wrong_bridge_line_says_what_is_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *line, *words;
    } rows[] = {
        {"", "expected a transport"},           {"Bridge", "expected a transport"},
        {"192.0.2.1:443", "expected a tra"},    {"obfs4", "expected ip:port"},
        {"obfs4 host:443", "expected ip:port"}, {"obfs4 192.0.2.1:443 abcd", "neither"},
        {"obfs4 192.0.2.1:443 =v", "neither"},  {"4obfs 192.0.2.1:443", "expected a transport"},
    };
    char why[200];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pt_bridge bridge;
        struct pt_args args = {.n = 0};
        assert_int_equal(pt_bridge_read(&bridge, &args, rows[i].line, why, sizeof why), -1);
        assert_non_null(strstr(why, rows[i].words));
        pt_args_release(&args);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_form_has_its_own_escapes),
        cmocka_unit_test(the_last_value_of_a_key_counts),
        cmocka_unit_test(a_bridge_line_is_read_as_users_have_it),
        cmocka_unit_test(a_wrong_bridge_line_says_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
