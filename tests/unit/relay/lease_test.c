/* SPDX-License-Identifier: Apache-2.0 */
/* Which packets a connection has asked for, when there is one connection, and when there are many.
 */
#include "relay/lease.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* An association, as far as a lease knows it. */
struct assoc {
    struct ssp__lease *lease;
    bool quiet, ended;
};

static void end(void *assoc)
{
    struct assoc *a = assoc;
    a->ended = true;
    ssp__lease_unbind(a->lease);
}

static bool quiet(const void *assoc)
{
    return ((const struct assoc *)assoc)->quiet;
}

static struct ssp__address address(const char *host, uint16_t port)
{
    struct ssp__address a;
    assert_int_equal(ssp__address_parse(&a, host, port), 0);
    return a;
}

static struct ssp__lease *lease(struct ssp__leases *all, const char *peer, const char *source,
                                uint16_t port)
{
    struct ssp__address p = address(peer, 999), s = {.len = 0};
    if (source != NULL)
        s = address(source, port);
    struct ssp__lease *l = ssp__lease_new(all, &p, &s);
    assert_non_null(l);
    return l;
}

/* A packet of that address begins an association, if it may. */
static bool served(struct ssp__leases *all, const char *host, uint16_t port, struct assoc *a)
{
    struct ssp__address client = address(host, port);
    struct ssp__lease *l = ssp__lease_find(all, &client, quiet);
    if (l == NULL)
        return false;
    *a = (struct assoc){.lease = l};
    ssp__lease_bind(l, &client, a);
    return true;
}

static void without_a_lease_nothing_is_served(void **state)
{
    struct ssp__leases all = {.end = end};
    struct assoc a;
    (void)state;
    assert_false(served(&all, "127.0.0.1", 1, &a));
    ssp__lease_free(NULL);
}

static void the_first_port_counts(void **state)
{
    static const char *const sources[] = {NULL, "0.0.0.0", "::", "192.0.2.1"};
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        struct ssp__leases all = {.end = end};
        struct assoc a, b;
        struct ssp__lease *l = lease(&all, "192.0.2.1", sources[i], 0);
        assert_false(served(&all, "192.0.2.2", 1, &a));
        assert_true(served(&all, "192.0.2.1", 1, &a));
        assert_false(served(&all, "192.0.2.1", 2, &b));
        ssp__lease_free(l);
        assert_true(a.ended);
        assert_false(served(&all, "192.0.2.1", 1, &b));
    }
}

/* A port of another host is mostly that of a target. */
static void a_port_that_the_client_said_counts(void **state)
{
    static const struct {
        const char *source;
        bool counts;
    } rows[] = {{"0.0.0.0", true},
                {"192.0.2.1", true},
                {"::ffff:192.0.2.1", true},
                {"198.51.100.7", false},
                {"2001:db8::1", false}};
    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct ssp__leases all = {.end = end};
        struct assoc a, b;
        struct ssp__lease *l = lease(&all, "192.0.2.1", rows[i].source, 53);
        assert_int_equal(served(&all, "192.0.2.1", 54, &a), !rows[i].counts);
        assert_int_equal(served(&all, "192.0.2.1", 53, &b), rows[i].counts);
        ssp__lease_free(l);
    }
}

static void both_forms_of_an_ipv4_address_are_one(void **state)
{
    struct ssp__leases all = {.end = end};
    struct assoc a;
    (void)state;
    struct ssp__lease *l = lease(&all, "::ffff:192.0.2.1", NULL, 0);
    assert_false(served(&all, "::192.0.2.1", 1, &a));
    assert_true(served(&all, "192.0.2.1", 1, &a));
    ssp__lease_free(l);
}

static void every_lease_is_for_one_port(void **state)
{
    struct ssp__leases all = {.end = end};
    struct assoc a, b, c;
    (void)state;
    struct ssp__lease *first = lease(&all, "192.0.2.1", NULL, 0);
    struct ssp__lease *second = lease(&all, "192.0.2.1", NULL, 0);
    assert_true(served(&all, "192.0.2.1", 1, &a));
    assert_true(served(&all, "192.0.2.1", 2, &b));
    assert_false(served(&all, "192.0.2.1", 3, &c));
    ssp__lease_free(first);
    assert_true(a.ended);
    assert_false(b.ended);
    ssp__lease_free(second);
    assert_true(b.ended);
}

/* Packets of the second connection came first: once its end has taken the other's place, the port
 * of the first one gets that again when it is quiet. */
static void a_port_that_is_quiet_makes_room_for_another(void **state)
{
    struct ssp__leases all = {.end = end};
    struct assoc a, b;
    (void)state;
    struct ssp__lease *l = lease(&all, "192.0.2.1", NULL, 0);
    assert_true(served(&all, "192.0.2.1", 2, &a));
    assert_false(served(&all, "192.0.2.1", 1, &b));
    a.quiet = true;
    assert_true(served(&all, "192.0.2.1", 1, &b));
    assert_true(a.ended);
    ssp__lease_free(l);
    assert_true(b.ended);
}

static void a_port_returns_after_its_association_has_ended(void **state)
{
    struct ssp__leases all = {.end = end};
    struct assoc a, b;
    (void)state;
    struct ssp__lease *l = lease(&all, "192.0.2.1", NULL, 0);
    assert_true(served(&all, "192.0.2.1", 2, &a));
    end(&a);
    assert_true(served(&all, "192.0.2.1", 2, &b));
    ssp__lease_free(l);
}

static void *end_session(void *lease)
{
    ssp__lease_free(lease);
    return NULL;
}

static void end_elsewhere(struct ssp__lease *l)
{
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, end_session, l), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

/* The session is of another thread, and the association of this one. */
static void the_end_on_another_thread_counts_at_once_and_is_swept_here(void **state)
{
    ssp_loop *loop = ssp_loop_new();
    struct ssp__leases all = {.end = end};
    struct assoc a, b;
    (void)state;
    ssp__leases_open(&all, loop);
    struct ssp__lease *l = lease(&all, "192.0.2.1", NULL, 0);
    assert_true(served(&all, "192.0.2.1", 1, &a));
    end_elsewhere(l);
    assert_false(a.ended);
    assert_false(served(&all, "192.0.2.1", 1, &b));
    assert_int_equal(ssp_loop_turn(loop, 0), 0);
    assert_true(a.ended);
    end_elsewhere(lease(&all, "192.0.2.1", NULL, 0));
    ssp__leases_close(&all);
    assert_null(all.first);
    ssp_loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_end_on_another_thread_counts_at_once_and_is_swept_here),
        cmocka_unit_test(without_a_lease_nothing_is_served),
        cmocka_unit_test(the_first_port_counts),
        cmocka_unit_test(a_port_that_the_client_said_counts),
        cmocka_unit_test(both_forms_of_an_ipv4_address_are_one),
        cmocka_unit_test(every_lease_is_for_one_port),
        cmocka_unit_test(a_port_that_is_quiet_makes_room_for_another),
        cmocka_unit_test(a_port_returns_after_its_association_has_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
