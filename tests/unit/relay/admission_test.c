/* SPDX-License-Identifier: Apache-2.0 */
/* Which session makes room: the oldest of its source, or of all. */
#include "relay/admission.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include <cmocka.h>

enum { MANY = 5000, FILES = 1024 };

static const struct ssp__address *peer_of(const char *host)
{
    static struct ssp__address a;
    assert_int_equal(ssp__address_parse(&a, host, 4711), 0);
    return &a;
}

static struct ssp__slabs slabs;

static struct ssp__admission *with_files(rlim_t files)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = files;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    struct ssp__admission *a = ssp__admission_new(ssp_world_real(), &slabs);
    assert_non_null(a);
    return a;
}

static void a_source_is_an_address_or_half_of_one(void **state)
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
    struct ssp__admission *a = with_files(FILES);
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int owner = 0;
        struct ssp__applicant *p = ssp__admission_enter(a, peer_of(rows[i].first), &owner);
        assert_non_null(p);
        void *surplus = ssp__admission_surplus_of(a, peer_of(rows[i].second), 1);
        assert_ptr_equal(surplus, rows[i].same ? &owner : NULL);
        ssp__admission_leave(a, &p);
        assert_null(p);
        ssp__admission_leave(a, &p); /* a second time changes nothing */
        assert_null(ssp__admission_surplus_of(a, peer_of(rows[i].second), 1));
    }
    ssp__admission_free(a);
}

static void the_oldest_of_the_source_goes_and_no_other(void **state)
{
    struct ssp__admission *a = with_files(FILES);
    int other, first, second;
    (void)state;
    struct ssp__applicant *o = ssp__admission_enter(a, peer_of("192.0.2.2"), &other);
    struct ssp__applicant *f = ssp__admission_enter(a, peer_of("192.0.2.1"), &first);
    assert_null(ssp__admission_surplus_of(a, peer_of("192.0.2.1"), 2));
    struct ssp__applicant *s = ssp__admission_enter(a, peer_of("192.0.2.1"), &second);
    assert_ptr_equal(ssp__admission_surplus_of(a, peer_of("192.0.2.1"), 2), &first);
    assert_null(ssp__admission_surplus_of(a, peer_of("192.0.2.2"), 2));
    assert_ptr_equal(ssp__admission_oldest(a), &other);
    ssp__admission_leave(a, &f);
    assert_null(ssp__admission_surplus_of(a, peer_of("192.0.2.1"), 2));
    assert_ptr_equal(ssp__admission_surplus_of(a, peer_of("192.0.2.1"), 1), &second);
    ssp__admission_leave(a, &o);
    assert_ptr_equal(ssp__admission_oldest(a), &second);
    ssp__admission_leave(a, &s);
    assert_null(ssp__admission_oldest(a));
    ssp__admission_free(a);
}

static void the_limit_of_files_decides_how_many(void **state)
{
    static const struct {
        rlim_t files;
        unsigned per_source, total;
    } rows[] = {{64, 64, 32}, {1024, 64, 512}, {4096, 256, 2048}};
    static struct ssp__applicant *p[MANY];
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ssp__admission *a = with_files(rows[i].files);
        int owner[2];
        unsigned n = 0;
        for (; n < rows[i].total; n++) {
            assert_null(ssp__admission_surplus(a));
            assert_int_equal(ssp__admission_surplus_of(a, peer_of("192.0.2.1"), 0) != NULL,
                             n >= rows[i].per_source);
            p[n] = ssp__admission_enter(a, peer_of("192.0.2.1"), &owner[n > 0]);
        }
        assert_ptr_equal(ssp__admission_surplus(a), &owner[0]);
        assert_false(ssp__admission_few_left(a, (int)rows[i].total));
        assert_true(ssp__admission_few_left(a, (int)rows[i].files - 1));
        while (n-- > 0)
            ssp__admission_leave(a, &p[n]);
        ssp__admission_free(a);
    }
}

static void a_limit_that_changes_is_noticed(void **state)
{
    struct ssp__admission *a = with_files(FILES), *b;
    (void)state;
    assert_false(ssp__admission_few_left(a, 100));
    b = with_files(64);
    ssp__admission_refused(a);
    assert_true(ssp__admission_few_left(a, 100));
    ssp__admission_free(a);
    ssp__admission_free(b);
}

static void a_large_crowd_is_counted_as_well(void **state)
{
    static struct ssp__applicant *p[MANY];
    static int owner[MANY];
    struct ssp__admission *a = with_files(FILES);
    char host[32];
    (void)state;
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < MANY; i++) {
            (void)snprintf(host, sizeof host, "198.51.%d.%d", i / 250, i % 250);
            void *surplus = ssp__admission_surplus_of(a, peer_of(host), 1);
            assert_ptr_equal(surplus, round == 0 ? NULL : &owner[i]);
            if (round == 0)
                p[i] = ssp__admission_enter(a, peer_of(host), &owner[i]);
        }
    }
    for (int i = 0; i < MANY; i++)
        ssp__admission_leave(a, &p[i]);
    ssp__admission_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_source_is_an_address_or_half_of_one),
        cmocka_unit_test(the_oldest_of_the_source_goes_and_no_other),
        cmocka_unit_test(the_limit_of_files_decides_how_many),
        cmocka_unit_test(a_limit_that_changes_is_noticed),
        cmocka_unit_test(a_large_crowd_is_counted_as_well),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
