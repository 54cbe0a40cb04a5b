/* SPDX-License-Identifier: Apache-2.0 */
/* Who counts as one peer, and that nobody is forgotten when the table grows. */
#include "relay/peer_limit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { MANY = 5000 };

static struct ssp__peer_limit_entry *enter(struct ssp__peer_limit *c, const char *host,
                                           unsigned max)
{
    struct ssp__address a;
    assert_int_equal(ssp__address_parse(&a, host, 4711), 0);
    return ssp__peer_limit_enter(c, &a, max);
}

static void a_peer_is_an_address_or_half_of_one(void **unused)
{
    static const struct {
        const char *first, *second;
        int same;
    } rows[] = {
        {"192.0.2.1", "192.0.2.1", 1},
        {"192.0.2.1", "192.0.2.2", 0},
        {"2001:db8:1:2::1", "2001:db8:1:2:ffff::9", 1},
        {"2001:db8:1:2::1", "2001:db8:1:3::1", 0},
        {"::ffff:192.0.2.1", "192.0.2.1", 1}, /* a client of a dual socket */
        {"::ffff:192.0.2.1", "::ffff:192.0.2.2", 0},
        {"::1", "0.0.0.1", 0},
    };
    struct ssp__peer_limit *c = ssp__peer_limit_new(ssp_world_real());
    (void)unused;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ssp__peer_limit_entry *first = enter(c, rows[i].first, 1);
        struct ssp__peer_limit_entry *second = enter(c, rows[i].second, 1);
        assert_non_null(first);
        assert_int_equal(second == NULL, rows[i].same);
        ssp__peer_limit_leave(c, &first);
        assert_null(first);
        ssp__peer_limit_leave(c, &second);
        ssp__peer_limit_leave(c, &second); /* a second time changes nothing */
    }
    ssp__peer_limit_free(c);
}

static void those_that_leave_make_room(void **unused)
{
    struct ssp__peer_limit *c = ssp__peer_limit_new(ssp_world_real());
    struct ssp__peer_limit_entry *a = enter(c, "192.0.2.1", 2), *b = enter(c, "192.0.2.1", 2);
    (void)unused;
    assert_ptr_equal(a, b);
    assert_null(enter(c, "192.0.2.1", 2));
    ssp__peer_limit_leave(c, &a);
    a = enter(c, "192.0.2.1", 2);
    assert_non_null(a);
    ssp__peer_limit_leave(c, &a);
    ssp__peer_limit_leave(c, &b);
    ssp__peer_limit_free(c);
}

static void a_large_crowd_is_counted_as_well(void **unused)
{
    static struct ssp__peer_limit_entry *peer[MANY];
    struct ssp__peer_limit *c = ssp__peer_limit_new(ssp_world_real());
    char host[32];
    (void)unused;
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < MANY; i++) {
            (void)snprintf(host, sizeof host, "198.51.%d.%d", i / 250, i % 250);
            struct ssp__peer_limit_entry *p = enter(c, host, 1);
            assert_int_equal(p != NULL, round == 0);
            peer[i] = round == 0 ? p : peer[i];
        }
    }
    for (int i = 0; i < MANY; i++)
        ssp__peer_limit_leave(c, &peer[i]);
    ssp__peer_limit_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_peer_is_an_address_or_half_of_one),
        cmocka_unit_test(those_that_leave_make_room),
        cmocka_unit_test(a_large_crowd_is_counted_as_well),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
