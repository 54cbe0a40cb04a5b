/* SPDX-License-Identifier: Apache-2.0 */
/* Who counts as one peer, and that nobody is forgotten when the table grows. */
#include "relay/crowd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { MANY = 5000 };

static struct ssp_crowd_peer *enter(struct ssp_crowd *c, const char *host, unsigned max)
{
    struct ssp_address a;
    assert_int_equal(ssp_address_parse(&a, host, 4711), 0);
    return ssp_crowd_enter(c, &a, max);
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
    struct ssp_crowd *c = ssp_crowd_new(ssp_world_real());
    (void)unused;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ssp_crowd_peer *first = enter(c, rows[i].first, 1);
        struct ssp_crowd_peer *second = enter(c, rows[i].second, 1);
        assert_non_null(first);
        assert_int_equal(second == NULL, rows[i].same);
        ssp_crowd_leave(c, &first);
        assert_null(first);
        ssp_crowd_leave(c, &second);
        ssp_crowd_leave(c, &second); /* a second time changes nothing */
    }
    ssp_crowd_free(c);
}

static void those_that_leave_make_room(void **unused)
{
    struct ssp_crowd *c = ssp_crowd_new(ssp_world_real());
    struct ssp_crowd_peer *a = enter(c, "192.0.2.1", 2), *b = enter(c, "192.0.2.1", 2);
    (void)unused;
    assert_ptr_equal(a, b);
    assert_null(enter(c, "192.0.2.1", 2));
    ssp_crowd_leave(c, &a);
    a = enter(c, "192.0.2.1", 2);
    assert_non_null(a);
    ssp_crowd_leave(c, &a);
    ssp_crowd_leave(c, &b);
    ssp_crowd_free(c);
}

static void a_large_crowd_is_counted_as_well(void **unused)
{
    static struct ssp_crowd_peer *peer[MANY];
    struct ssp_crowd *c = ssp_crowd_new(ssp_world_real());
    char host[32];
    (void)unused;
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < MANY; i++) {
            (void)snprintf(host, sizeof host, "198.51.%d.%d", i / 250, i % 250);
            struct ssp_crowd_peer *p = enter(c, host, 1);
            assert_int_equal(p != NULL, round == 0);
            peer[i] = round == 0 ? p : peer[i];
        }
    }
    for (int i = 0; i < MANY; i++)
        ssp_crowd_leave(c, &peer[i]);
    ssp_crowd_free(c);
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
