/* SPDX-License-Identifier: Apache-2.0 */
#include "base/address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void endpoints_are_read_in_every_accepted_form(void **unused)
{
    static const struct {
        const char *text;
        uint16_t dflt;
        const char *host;
        uint16_t port;
    } rows[] = {
        {"example.org:443", 0, "example.org", 443},
        {"192.0.2.1:1", 0, "192.0.2.1", 1},
        {"[2001:db8::1]:65535", 0, "2001:db8::1", 65535},
        {"[2001:db8::1]", 80, "2001:db8::1", 80},
        {"2001:db8::1", 80, "2001:db8::1", 80},
        {"::ffff:192.0.2.1", 80, "::ffff:192.0.2.1", 80},
        {"example.org", 80, "example.org", 80},
        {"example.org:81", 80, "example.org", 81},
        {"xn--bcher-kva.example", 80, "xn--bcher-kva.example", 80},
    };
    (void)unused;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ssp__endpoint e;
        assert_int_equal(ssp__endpoint_parse(&e, rows[i].text, rows[i].dflt), 0);
        assert_string_equal(ssp__endpoint_host(&e, (char[SSP_HOST_MAX]){0}), rows[i].host);
        assert_int_equal(e.port, rows[i].port);
    }
}

static void texts_of_another_form_are_refused(void **unused)
{
    static const char *const rows[] = {
        "",
        ":80",
        "example.org:",
        "example.org:0",
        "example.org:65536",
        "a:b:80",
        "[::1",
        "[::1]80",
        "[::1]:",
        "[example.org]:80",
        "[]:80",
        "a b:80",
        "a/b:80",
        "example.org:+1",
        "example.org: 1",
        "::1]:80",
        "a\tb",
        "example.org:80x",
        "a|b:80",
        "[::1]:80:80",
        "[1.2.3.4]:1",
    };
    (void)unused;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ssp__endpoint e;
        if (ssp__endpoint_parse(&e, rows[i], 80) != -1)
            fail_msg("\"%s\" was read as %s port %u", rows[i],
                     ssp__endpoint_host(&e, (char[SSP_HOST_MAX]){0}), e.port);
    }
}

static void without_a_default_the_port_must_be_there(void **unused)
{
    struct ssp__endpoint e;
    (void)unused;
    assert_int_equal(ssp__endpoint_parse(&e, "example.org", 0), -1);
    assert_int_equal(ssp__endpoint_parse(&e, "::1", 0), -1);
    assert_int_equal(ssp__endpoint_parse(&e, "[::1]", 0), -1);
}

static void the_longest_name_fits_and_one_byte_more_does_not(void **unused)
{
    struct ssp__endpoint e;
    char name[SSP_HOST_MAX + 1];
    char text[SSP_HOST_MAX + 8];
    (void)unused;
    memset(name, 'a', sizeof name);
    name[SSP_HOST_MAX] = '\0';
    assert_int_equal(ssp__endpoint_set(&e, name, 1), -1);
    assert_int_equal(ssp__endpoint_parse(&e, name, 1), -1);
    name[SSP_HOST_MAX - 1] = '\0';
    assert_int_equal(ssp__endpoint_set(&e, name, 65535), 0);
    ssp__endpoint_format(&e, text, sizeof text);
    assert_int_equal(strlen(text), SSP_HOST_MAX - 1 + strlen(":65535"));
}

static void parts_lose_their_brackets(void **unused)
{
    struct ssp__endpoint e;
    (void)unused;
    assert_int_equal(ssp__endpoint_set(&e, "[::1]", 53), 0);
    assert_string_equal(ssp__endpoint_host(&e, (char[SSP_HOST_MAX]){0}), "::1");
    assert_int_equal(ssp__endpoint_set(&e, "", 53), -1);
    assert_int_equal(ssp__endpoint_set(&e, "[]", 53), -1);
}

static void what_is_formatted_is_read_back(void **unused)
{
    static const char *const rows[] = {"example.org:1", "[::1]:443", "192.0.2.1:65535"};
    (void)unused;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ssp__endpoint e;
        char text[SSP_HOST_MAX + 8];
        assert_int_equal(ssp__endpoint_parse(&e, rows[i], 0), 0);
        ssp__endpoint_format(&e, text, sizeof text);
        assert_string_equal(text, rows[i]);
    }
}

/* A port of the address that was stored does not count, nor does one that is given later. */
static void a_literal_is_an_address_and_the_rest_a_name(void **unused)
{
    static const struct {
        const char *host, *address; /* NULL: a name */
    } rows[] = {
        {"192.0.2.1", "192.0.2.1:9"},
        {"[2001:DB8::1]", "[2001:db8::1]:9"},
        {"::", "[::]:9"},
        {"fe80::1%lo", "[fe80::1%1]:9"},
        {"127.1", NULL},
        {"example.org", NULL},
    };
    (void)unused;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ssp__endpoint e;
        struct ssp__address a;
        char text[SSP_ADDRESS_TEXT_MAX];
        assert_int_equal(ssp__endpoint_set(&e, rows[i].host, 53), 0);
        assert_int_equal(e.named, rows[i].address == NULL);
        e.port = 9;
        assert_int_equal(ssp__endpoint_address(&e, &a), rows[i].address != NULL);
        if (rows[i].address == NULL)
            continue;
        ssp__address_format(&a, text, sizeof text);
        assert_string_equal(text, rows[i].address);
    }
}

static void an_endpoint_of_zeros_is_none(void **unused)
{
    const struct ssp__endpoint none = {.port = 0};
    struct ssp__address a;
    (void)unused;
    assert_false(ssp__endpoint_address(&none, &a));
    assert_string_equal(ssp__endpoint_host(&none, (char[SSP_HOST_MAX]){0}), "");
}

static void addresses_are_the_same_with_port_and_zone(void **unused)
{
    static const struct {
        const char *left, *right;
        bool same;
    } rows[] = {
        {"192.0.2.1", "192.0.2.1", true},       {"192.0.2.1", "192.0.2.2", false},
        {"2001:db8::1", "2001:db8:0::1", true}, {"::ffff:192.0.2.1", "192.0.2.1", false},
        {"fe80::1%1", "fe80::1%2", false},      {"fe80::1%1", "fe80::1%1", true},
    };
    (void)unused;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ssp__address a, b;
        assert_int_equal(ssp__address_parse(&a, rows[i].left, 80), 0);
        assert_int_equal(ssp__address_parse(&b, rows[i].right, 80), 0);
        assert_int_equal(ssp__address_same(&a, &b), rows[i].same);
        ssp__address_set_port(&b, 81);
        assert_false(ssp__address_same(&a, &b));
    }
}

static void numeric_hosts_become_socket_addresses(void **unused)
{
    static const struct {
        const char *host, *text;
    } rows[] = {
        {"127.0.0.1", "127.0.0.1:80"},
        {"::1", "[::1]:80"},
        {"2001:DB8:0:0::1", "[2001:db8::1]:80"},
        {"fe80::1%lo", "[fe80::1%1]:80"},
        {"fe80::1%99", "[fe80::1%99]:80"},
        {"fe80:1111:2222:3333:4444:5555:6666:7777%4294967295",
         "[fe80:1111:2222:3333:4444:5555:6666:7777%4294967295]:80"},
    };
    (void)unused;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ssp__address a;
        char text[SSP_ADDRESS_TEXT_MAX];
        assert_int_equal(ssp__address_parse(&a, rows[i].host, 80), 0);
        ssp__address_format(&a, text, sizeof text);
        assert_string_equal(text, rows[i].text);
        assert_int_equal(ssp__address_port(&a), 80);
    }
}

static void names_and_half_numbers_are_no_addresses(void **unused)
{
    static const char *const rows[] = {
        "",
        "example.org",
        "1",
        "127.1",
        "0x7f.0.0.1",
        "1.2.3.4.5",
        "1.2.3.256",
        "[::1]",
        ":::",
        "::1%",
        "fe80::1%no such interface",
        "fe80::1%lo:1",
        "1.2.3.4%lo",
    };
    (void)unused;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ssp__address a;
        if (ssp__address_parse(&a, rows[i], 80) != -1)
            fail_msg("\"%s\" was read as an address", rows[i]);
    }
}

static void loopback_is_told_from_the_rest(void **unused)
{
    static const struct {
        const char *host;
        bool loopback;
    } rows[] = {
        {"127.0.0.1", true}, {"127.255.0.9", true},      {"128.0.0.1", false},
        {"::1", true},       {"::ffff:127.0.0.1", true}, {"::ffff:10.0.0.1", false},
        {"::", false},       {"0.0.0.0", false},         {"::127.0.0.1", false},
    };
    (void)unused;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ssp__address a;
        assert_int_equal(ssp__address_parse(&a, rows[i].host, 80), 0);
        assert_int_equal(ssp__address_loopback(&a), rows[i].loopback);
    }
}

static void no_address_has_a_text_too(void **unused)
{
    const struct ssp__address a = {.len = 0};
    char text[SSP_ADDRESS_TEXT_MAX];
    (void)unused;
    ssp__address_format(&a, text, sizeof text);
    assert_string_equal(text, "none");
    assert_int_equal(ssp__address_port(&a), 0);
    assert_false(ssp__address_loopback(&a));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(endpoints_are_read_in_every_accepted_form),
        cmocka_unit_test(texts_of_another_form_are_refused),
        cmocka_unit_test(without_a_default_the_port_must_be_there),
        cmocka_unit_test(the_longest_name_fits_and_one_byte_more_does_not),
        cmocka_unit_test(parts_lose_their_brackets),
        cmocka_unit_test(what_is_formatted_is_read_back),
        cmocka_unit_test(a_literal_is_an_address_and_the_rest_a_name),
        cmocka_unit_test(an_endpoint_of_zeros_is_none),
        cmocka_unit_test(addresses_are_the_same_with_port_and_zone),
        cmocka_unit_test(numeric_hosts_become_socket_addresses),
        cmocka_unit_test(names_and_half_numbers_are_no_addresses),
        cmocka_unit_test(loopback_is_told_from_the_rest),
        cmocka_unit_test(no_address_has_a_text_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
