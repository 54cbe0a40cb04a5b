/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of the access log: names with anything in them, and addresses that are told in part. */
#include "app/access_line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct timespec at = {.tv_sec = 1796075324, .tv_nsec = 7999999};

static struct ssp__access_record record_of(const char *client, const char *target)
{
    struct ssp__access_record r = {
        .reason = "closed", .began_ms = 1000, .ended_ms = 3500, .up = 1, .down = UINT64_MAX};
    assert_int_equal(ssp__address_parse(&r.client, client, 51234), 0);
    r.targeted = target != NULL;
    if (target != NULL)
        assert_int_equal(ssp__endpoint_set(&r.target, target, 443), 0);
    return r;
}

static void is(const struct ss_access_style *style, const struct ssp__access_record *r,
               const char *expected)
{
    char line[SS_ACCESS_LINE_MAX + 1];
    size_t n = ss_access_line(line, style, r, 8388, &at);
    line[n] = '\0';
    assert_string_equal(line, expected);
}

static void a_line_has_all(void **unused)
{
    struct ssp__access_record r = record_of("192.0.2.7", "example.com");
    r.user = "alice";
    (void)unused;
    is(&(struct ss_access_style){.targets = true}, &r,
       "2026-11-30T21:48:44.007Z tcp 192.0.2.7:51234 alice example.com:443 port=8388 up=1 "
       "down=18446744073709551615 ms=2500 closed\n");
    is(&(struct ss_access_style){.targets = true, .json = true}, &r,
       "{\"time\":\"2026-11-30T21:48:44.007Z\",\"transport\":\"tcp\",\"client\":\"192.0.2.7:"
       "51234\","
       "\"user\":\"alice\",\"target\":\"example.com:443\",\"port\":8388,\"up\":1,"
       "\"down\":18446744073709551615,\"ms\":2500,\"end\":\"closed\"}\n");
}

static void what_is_not_known_is_a_dash(void **unused)
{
    struct ssp__access_record r = record_of("192.0.2.7", NULL);
    r.packets = true;
    r.client.len = 0;
    r.ended_ms = 0;
    r.down = 0;
    (void)unused;
    is(&(struct ss_access_style){.targets = true}, &r,
       "2026-11-30T21:48:44.007Z udp - - - port=8388 up=1 down=0 ms=0 closed\n");
    is(&(struct ss_access_style){.json = true}, &r,
       "{\"time\":\"2026-11-30T21:48:44.007Z\",\"transport\":\"udp\",\"client\":null,\"user\":null,"
       "\"target\":null,\"port\":8388,\"up\":1,\"down\":0,\"ms\":0,\"end\":\"closed\"}\n");
}

static void clients_are_told_in_part(void **unused)
{
    static const struct {
        const char *client, *told;
    } rows[] = {{"192.0.2.7", " 192.0.2.0/24 "},
                {"2001:db8:1:2:3:4:5:6", " 2001:db8:1::/48 "},
                {"::ffff:192.0.2.7", "192.0.2.0/"}};
    char line[SS_ACCESS_LINE_MAX + 1];
    (void)unused;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct ssp__access_record r = record_of(rows[i].client, "203.0.113.1");
        line[ss_access_line(line, &(struct ss_access_style){.clients = SS_TOLD_NETWORK}, &r, 1,
                            &at)] = '\0';
        assert_non_null(strstr(line, rows[i].told));
        assert_null(strstr(line, "51234"));
        assert_null(strstr(line, "203.0.113.1"));
    }
}

/* All bytes, in each place that takes a name. */
static void a_line_stays_one_line(void **unused)
{
    char name[256], line[SS_ACCESS_LINE_MAX];
    (void)unused;
    for (int i = 0; i < 255; i++)
        name[i] = (char)(i + 1);
    name[255] = '\0';
    for (int json = 0; json < 2; json++) {
        struct ssp__access_record r = record_of("192.0.2.7", "example.com");
        r.user = name;
        size_t n = ss_access_line(
            line, &(struct ss_access_style){.targets = true, .json = json == 1}, &r, 1, &at);
        assert_true(n < SS_ACCESS_LINE_MAX);
        for (size_t i = 0; i + 1 < n; i++)
            assert_in_range(line[i], ' ', '~');
        assert_int_equal(line[n - 1], '\n');
        assert_non_null(strstr(line, json == 1 ? "\\u000a" : "\\x0a"));
        assert_non_null(strstr(line, json == 1 ? "\\u0022#$" : "\\x22#$"));
    }
}

static void words_of_how_much_is_told(void **unused)
{
    enum ss_told told;
    (void)unused;
    assert_int_equal(ss_told_read(&told, "network"), 0);
    assert_int_equal(told, SS_TOLD_NETWORK);
    assert_int_equal(ss_told_read(&told, "some"), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_has_all),
        cmocka_unit_test(what_is_not_known_is_a_dash),
        cmocka_unit_test(clients_are_told_in_part),
        cmocka_unit_test(a_line_stays_one_line),
        cmocka_unit_test(words_of_how_much_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
