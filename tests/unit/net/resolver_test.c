/* SPDX-License-Identifier: Apache-2.0 */
/* Names, asked of a DNS server (RFC 1035) that is the test itself. */
#include "net/resolver.h"

#include "name_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { NEWS_MAX = 4 };

static const char *const addresses[QUESTIONS] = {"192.0.2.1", "2001:db8::1"};

struct rig {
    ssp_loop *loop;
    struct ssp__resolver *resolver;
    int server;
    char hosts[32], resolv_conf[32]; /* files */
    unsigned answers;                /* how often the callback came */
    unsigned n;                      /* addresses, in all calls */
    bool more;                       /* as the last call said */
    char text[NEWS_MAX][SSP_ADDRESS_TEXT_MAX];
    char why[128];
};

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void make_file(char path[32], const char *text)
{
    (void)snprintf(path, 32, "resolver-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd != -1);
    (void)close(fd);
    write_file(path, text);
}

static void rig_open_with(struct rig *r, bool prefer_v6, const char *hosts, const char *resolv_conf)
{
    char text[SSP_ADDRESS_TEXT_MAX];
    const char *why;
    *r = (struct rig){.loop = ssp_loop_new(), .server = name_server_open(text)};
    make_file(r->hosts, hosts);
    make_file(r->resolv_conf, resolv_conf);
    struct ssp__resolver_conf conf = {
        .servers = text, .hosts = r->hosts, .resolv_conf = r->resolv_conf, .prefer_v6 = prefer_v6};
    r->resolver = ssp__resolver_new(r->loop, &conf, &why);
    assert_non_null(r->resolver);
}

static void rig_open(struct rig *r)
{
    rig_open_with(r, false, "", "search .\n");
}

static void rig_close(struct rig *r)
{
    ssp__resolver_free(r->resolver);
    ssp_loop_free(r->loop);
    (void)close(r->server);
    (void)unlink(r->hosts);
    (void)unlink(r->resolv_conf);
}

static void resolved(void *arg, const struct ssp__resolved *news)
{
    struct rig *r = arg;
    r->answers++;
    r->more = news->more;
    for (unsigned i = 0; i < news->n; i++) {
        assert_true(r->n < NEWS_MAX);
        ssp__address_format(&news->addresses[i], r->text[r->n++], sizeof r->text[0]);
    }
    (void)snprintf(r->why, sizeof r->why, "%s", news->why != NULL ? news->why : "");
    assert_true((r->n == 0) == (news->why != NULL));
}

static struct ssp__query *ask(struct rig *r, const char *name)
{
    struct ssp__endpoint e;
    assert_int_equal(ssp__endpoint_set(&e, name, 443), 0);
    struct ssp__query *query = ssp__resolve(r->resolver, &e, resolved, r);
    assert_non_null(query);
    return query;
}

/* Turns the loop until the callback has come so often. */
static void turn_until(struct rig *r, unsigned answers)
{
    for (int i = 0; i < WAIT_MS / 10 && r->answers < answers; i++)
        assert_int_equal(ssp_loop_turn(r->loop, 10), 0);
    assert_int_equal(r->answers, answers);
}

/* ---- tests ---- */

static void a_name_becomes_an_address_with_the_port_of_the_endpoint(void **unused)
{
    struct question q[QUESTIONS];
    struct rig r;
    (void)unused;
    rig_open(&r);
    (void)ask(&r, "a.example");
    take_questions(r.server, r.loop, q);
    answer(r.server, &q[0], addresses[0]);
    deny(r.server, &q[1]);
    assert_int_equal(r.answers, 0); /* never within the call */
    turn_until(&r, 1);
    assert_int_equal(r.n, 1);
    assert_false(r.more);
    assert_string_equal(r.text[0], "192.0.2.1:443");
    rig_close(&r);
}

static void a_name_that_nobody_has_is_a_failure_with_a_reason(void **unused)
{
    struct question q[QUESTIONS];
    struct rig r;
    (void)unused;
    rig_open(&r);
    (void)ask(&r, "b.example");
    take_questions(r.server, r.loop, q);
    deny_all(r.server, &q[0]);
    deny_all(r.server, &q[1]);
    turn_until(&r, 1);
    assert_int_equal(r.n, 0);
    assert_true(strlen(r.why) > 0);
    rig_close(&r);
}

/* The preferred family is told at once; what comes late is told as well. */
static void the_preferred_family_waits_for_no_other(void **unused)
{
    static const char *const texts[] = {"192.0.2.1:443", "[2001:db8::1]:443"};
    (void)unused;
    for (unsigned v6 = 0; v6 < 2; v6++) {
        struct question q[QUESTIONS];
        struct rig r;
        rig_open_with(&r, v6 == 1, "", "search .\n");
        (void)ask(&r, "a.example");
        take_questions(r.server, r.loop, q);
        answer(r.server, &q[v6], addresses[v6]);
        turn_until(&r, 1);
        assert_int_equal(r.n, 1);
        assert_true(r.more);
        assert_string_equal(r.text[0], texts[v6]);
        answer(r.server, &q[1 - v6], addresses[1 - v6]);
        turn_until(&r, 2);
        assert_int_equal(r.n, 2);
        assert_false(r.more);
        assert_string_equal(r.text[1], texts[1 - v6]);
        rig_close(&r);
    }
}

static void the_other_family_is_told_without_the_preferred_one(void **unused)
{
    (void)unused;
    for (unsigned v6 = 0; v6 < 2; v6++) {
        struct question q[QUESTIONS];
        struct rig r;
        rig_open_with(&r, v6 == 1, "", "search .\n");
        (void)ask(&r, "a.example");
        take_questions(r.server, r.loop, q);
        uint64_t begin = ssp__loop_now_ms(r.loop);
        answer(r.server, &q[1 - v6], addresses[1 - v6]);
        turn_until(&r, 1);
        assert_true(ssp__loop_now_ms(r.loop) - begin >= SSP_RESOLUTION_DELAY_MS);
        assert_int_equal(r.n, 1);
        assert_true(r.more);
        deny(r.server, &q[v6]);
        turn_until(&r, 2);
        assert_int_equal(r.n, 1);
        assert_false(r.more);
        rig_close(&r);
    }
}

static void both_families_come_in_order_of_preference(void **unused)
{
    (void)unused;
    for (unsigned v6 = 0; v6 < 2; v6++) {
        struct question q[QUESTIONS];
        struct rig r;
        rig_open_with(&r, v6 == 1, "", "search .\n");
        (void)ask(&r, "a.example");
        take_questions(r.server, r.loop, q);
        answer(r.server, &q[1 - v6], addresses[1 - v6]);
        answer(r.server, &q[v6], addresses[v6]);
        turn_until(&r, 1);
        assert_int_equal(r.text[0][0] == '[', v6);
        while (r.more)
            turn_until(&r, 2);
        assert_int_equal(r.n, 2);
        rig_close(&r);
    }
}

/* The callback of a half-told query forgets the rest, as a cache does to which one is enough. */
static void a_query_is_cancelled_between_its_families(void **unused)
{
    struct question q[QUESTIONS];
    struct rig r;
    (void)unused;
    rig_open(&r);
    struct ssp__query *query = ask(&r, "a.example");
    take_questions(r.server, r.loop, q);
    answer(r.server, &q[0], addresses[0]);
    turn_until(&r, 1);
    ssp__query_cancel(query);
    answer(r.server, &q[1], addresses[1]);
    assert_int_equal(ssp_loop_turn(r.loop, WAIT_MS), 0);
    assert_int_equal(r.answers, 1);
    rig_close(&r);
}

static void localhost_and_what_is_below_is_loopback(void **unused)
{
    static const char *const names[] = {"localhost", "localhost.", "LocalHost", "x.localhost",
                                        "a.b.LOCALHOST."};
    (void)unused;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct rig r;
        rig_open_with(&r, i == 1, "192.0.2.9 localhost x.localhost\n", "search .\n");
        (void)ask(&r, names[i]);
        turn_until(&r, 1);
        assert_int_equal(r.n, 2);
        assert_string_equal(r.text[i == 1], "127.0.0.1:443");
        assert_string_equal(r.text[i != 1], "[::1]:443");
        rig_close(&r);
    }
}

/* A name that only ends so belongs to somebody else. */
static void notlocalhost_is_asked_for(void **unused)
{
    struct question q[QUESTIONS];
    struct rig r;
    (void)unused;
    rig_open(&r);
    ssp__query_cancel(ask(&r, "xlocalhost."));
    take_questions(r.server, r.loop, q);
    rig_close(&r);
}

static void the_hosts_file_counts_with_a_dot_and_without(void **unused)
{
    static const char hosts[] = "# 192.0.2.8 db.example\n"
                                "192.0.2.7\tother db.example. # db2.example\n"
                                "fe80::1%lo DB.example\r\n"
                                "nonsense db.example\n"
                                "2001:db8::7 dotless";
    static const char *const names[] = {"db.example", "db.example.", "Db.Example"};
    struct rig r;
    (void)unused;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        rig_open_with(&r, false, hosts, "search .\n");
        (void)ask(&r, names[i]);
        turn_until(&r, 1);
        assert_int_equal(r.n, 2);
        assert_false(r.more);
        assert_string_equal(r.text[0], "192.0.2.7:443");
        assert_memory_equal(r.text[1], "[fe80::1%", 9);
        rig_close(&r);
    }
    rig_open_with(&r, false, hosts, "search .\n");
    (void)ask(&r, "dotless.");
    turn_until(&r, 1);
    assert_string_equal(r.text[0], "[2001:db8::7]:443");
    rig_close(&r);
}

static void a_hosts_file_that_changes_counts_at_once(void **unused)
{
    struct question q[QUESTIONS];
    struct rig r;
    (void)unused;
    rig_open(&r);
    ssp__query_cancel(ask(&r, "db.example"));
    take_questions(r.server, r.loop, q);
    write_file(r.hosts, "192.0.2.5 db.example\n");
    (void)ask(&r, "db.example");
    turn_until(&r, 1);
    assert_string_equal(r.text[0], "192.0.2.5:443");
    (void)unlink(r.hosts);
    ssp__query_cancel(ask(&r, "db.example"));
    take_questions(r.server, r.loop, q);
    rig_close(&r);
}

static void deny_in(struct rig *r, const char *labels)
{
    struct question q[QUESTIONS];
    take_questions(r->server, r->loop, q);
    assert_true(asks_for(&q[0], labels) && asks_for(&q[1], labels));
    deny_all(r->server, &q[0]);
    deny_all(r->server, &q[1]);
}

/* Both families are those of one name: the search ends with the first domain that has either. */
static void a_search_list_ends_with_the_first_domain_that_answers(void **unused)
{
    struct question q[QUESTIONS];
    struct rig r;
    (void)unused;
    rig_open_with(&r, false, "", "search one.example two.example three.example\n");
    (void)ask(&r, "db");
    deny_in(&r, "\2db\3one\7example");
    take_questions(r.server, r.loop, q);
    assert_true(asks_for(&q[0], "\2db\3two\7example"));
    deny(r.server, &q[0]);
    answer(r.server, &q[1], addresses[1]);
    turn_until(&r, 1);
    assert_int_equal(r.n, 1);
    assert_false(r.more);
    rig_close(&r);
}

static void a_dot_at_the_end_means_no_search_list(void **unused)
{
    struct rig r;
    (void)unused;
    rig_open_with(&r, false, "", "search one.example\n");
    (void)ask(&r, "db.");
    deny_in(&r, "\2db");
    turn_until(&r, 1);
    assert_int_equal(r.n, 0);
    rig_close(&r);
}

/* The file is looked at with each lookup. */
static void a_search_list_that_changes_counts_at_once(void **unused)
{
    struct question q[QUESTIONS];
    struct rig r;
    (void)unused;
    rig_open_with(&r, false, "", "search one.example\n");
    ssp__query_cancel(ask(&r, "db"));
    take_questions(r.server, r.loop, q);
    assert_true(asks_for(&q[0], "\2db\3one\7example"));
    write_file(r.resolv_conf, "search two.example\n");
    (void)ask(&r, "db");
    do
        take_questions(r.server, r.loop, q);
    while (asks_for(&q[0], "\2db\3one\7example")); /* the first ones may come again */
    assert_true(asks_for(&q[0], "\2db\3two\7example"));
    answer(r.server, &q[0], addresses[0]);
    turn_until(&r, 1);
    assert_string_equal(r.text[0], "192.0.2.1:443");
    rig_close(&r);
}

/* No server is asked for what cannot be a name, and still the callback comes from the loop. */
static void an_impossible_name_fails_later_too(void **unused)
{
    struct rig r;
    (void)unused;
    rig_open(&r);
    (void)ask(&r, "a..example");
    assert_int_equal(r.answers, 0);
    turn_until(&r, 1);
    assert_int_equal(r.n, 0);
    ssp__query_cancel(ask(&r, "a..example"));
    assert_int_equal(ssp_loop_turn(r.loop, 0), 0);
    assert_int_equal(r.answers, 1);
    rig_close(&r);
}

/* The leak checker watches: the answer to a forgotten query comes in the last turn of the loop. */
static void an_answer_that_nobody_waits_for_is_dropped(void **unused)
{
    struct question q[QUESTIONS];
    struct rig r;
    (void)unused;
    rig_open(&r);
    struct ssp__query *query = ask(&r, "c.example");
    ssp__query_cancel(query);
    take_questions(r.server, r.loop, q);
    answer(r.server, &q[0], addresses[0]);
    answer(r.server, &q[1], addresses[1]);
    assert_int_equal(ssp_loop_turn(r.loop, WAIT_MS), 0);
    assert_int_equal(r.answers, 0);
    rig_close(&r);
}

static void a_resolver_ends_with_questions_open(void **unused)
{
    struct rig r;
    (void)unused;
    rig_open(&r);
    (void)ask(&r, "d.example");
    ssp__query_cancel(ask(&r, "e.example"));
    rig_close(&r);
    assert_int_equal(r.answers, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_becomes_an_address_with_the_port_of_the_endpoint),
        cmocka_unit_test(a_name_that_nobody_has_is_a_failure_with_a_reason),
        cmocka_unit_test(the_preferred_family_waits_for_no_other),
        cmocka_unit_test(the_other_family_is_told_without_the_preferred_one),
        cmocka_unit_test(both_families_come_in_order_of_preference),
        cmocka_unit_test(a_query_is_cancelled_between_its_families),
        cmocka_unit_test(localhost_and_what_is_below_is_loopback),
        cmocka_unit_test(notlocalhost_is_asked_for),
        cmocka_unit_test(the_hosts_file_counts_with_a_dot_and_without),
        cmocka_unit_test(a_hosts_file_that_changes_counts_at_once),
        cmocka_unit_test(a_search_list_ends_with_the_first_domain_that_answers),
        cmocka_unit_test(a_dot_at_the_end_means_no_search_list),
        cmocka_unit_test(a_search_list_that_changes_counts_at_once),
        cmocka_unit_test(an_impossible_name_fails_later_too),
        cmocka_unit_test(an_answer_that_nobody_waits_for_is_dropped),
        cmocka_unit_test(a_resolver_ends_with_questions_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
