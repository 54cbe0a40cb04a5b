/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of an access list against a search that tries every rule. */
#include "acl/name_set.h"
#include "base/networks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { RULES = 400, TRIES = 4000 };

static uint32_t draw(uint32_t *state)
{
    *state = *state * 1664525U + 1013904223U;
    return *state >> 8;
}

/* Few bits differ, so that networks lie in each other. */
static struct ssp__network draw_network(uint32_t *state, bool whole)
{
    char text[64];
    struct ssp__network net;
    unsigned a = draw(state) % 4, b = draw(state) % 4, c = draw(state) % 256;
    bool v6 = draw(state) % 2 == 0;
    unsigned len = whole ? (v6 ? 128 : 32) : draw(state) % (v6 ? 129 : 33);
    (void)snprintf(text, sizeof text, v6 ? "2001:db8:%x::%x:%x/%u" : "10.%u.%u.%u/%u", a, b, c,
                   len);
    assert_int_equal(ssp__network_parse(&net, text), 0);
    return net;
}

static bool within(const struct ssp__network *outer, const struct ssp__network *inner)
{
    if (outer->v6 != inner->v6 || outer->len > inner->len)
        return false;
    for (unsigned i = 0; i < outer->len; i++) {
        if (((outer->word[i / 64] ^ inner->word[i / 64]) >> (63 - i % 64) & 1) != 0)
            return false;
    }
    return true;
}

static void test_networks(void **state)
{
    (void)state;
    static struct ssp__network rule[RULES];
    struct ssp__networks set = {.n = 0};
    uint32_t seed = 1;
    for (unsigned i = 0; i < RULES; i++) {
        rule[i] = draw_network(&seed, false);
        assert_int_equal(ssp__networks_add(&set, &rule[i], i + 1), 0);
    }
    for (unsigned t = 0; t < TRIES; t++) {
        struct ssp__network a = draw_network(&seed, true);
        unsigned best = 0;
        for (unsigned i = 0; i < RULES; i++) {
            if (within(&rule[i], &a) && (best == 0 || rule[i].len > rule[best - 1].len))
                best = i + 1;
        }
        assert_int_equal(ssp__networks_find(&set, &a), best);
    }
    ssp__networks_release(&set);
}

static void test_network_text(void **state)
{
    (void)state;
    struct ssp__network net;
    static const char *const wrong[] = {"",           "1.2.3",     "1.2.3.4/33", "1.2.3.4/",
                                        "::1/129",    "1.2.3.4/x", "/8",         "300.0.0.0/8",
                                        "1.2.3.4/-1", "fe80::1%lo"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(ssp__network_parse(&net, wrong[i]), -1);
    assert_int_equal(ssp__network_parse(&net, "::ffff:10.1.2.3/104"), 0);
    assert_false(net.v6);
    assert_int_equal(net.len, 8);
    assert_true(net.word[0] == UINT64_C(10) << 56);
    assert_int_equal(ssp__network_parse(&net, "::/0"), 0);
    assert_true(net.v6);
}

/* Names of few labels, so that many are in each other. */
static void draw_name(uint32_t *state, char name[64])
{
    unsigned labels = draw(state) % 4 + 1;
    char *at = name;
    for (unsigned i = 0; i < labels; i++)
        at += snprintf(at, 16, i == 0 ? "%c%u" : ".%c%u", 'a' + (char)(draw(state) % 2),
                       (unsigned)draw(state) % 3);
}

static bool covers(const char *rule, enum ss_cover cover, const char *name)
{
    size_t n = strlen(rule), m = strlen(name);
    if (strcmp(rule, name) == 0)
        return cover != SS_COVER_BELOW;
    return cover != SS_COVER_EXACT && m > n && name[m - n - 1] == '.' &&
           strcmp(name + m - n, rule) == 0;
}

static void test_names(void **state)
{
    (void)state;
    static char rule[RULES][64];
    static enum ss_cover cover[RULES];
    struct ss_name_set set = {.n = 0};
    char name[64];
    uint32_t seed = 7;
    for (unsigned i = 0; i < RULES; i++) {
        draw_name(&seed, rule[i]);
        cover[i] = (enum ss_cover)(draw(&seed) % SS_COVERS);
        if (draw(&seed) % 4 == 0)
            assert_int_equal(ss_name_set_add(&set, rule[i], cover[i], i + 1), 0);
        else
            rule[i][0] = '\0';
    }
    for (unsigned t = 0; t < TRIES; t++) {
        size_t best = 0;
        draw_name(&seed, name);
        for (unsigned i = 0; i < RULES; i++) {
            if (rule[i][0] != '\0' && covers(rule[i], cover[i], name) && strlen(rule[i]) > best)
                best = strlen(rule[i]);
        }
        unsigned line = ss_name_set_find(&set, name);
        assert_int_equal(line == 0 ? 0 : strlen(rule[line - 1]), best);
        assert_true(line == 0 || covers(rule[line - 1], cover[line - 1], name));
    }
    ss_name_set_release(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_networks),
                                       cmocka_unit_test(test_network_text),
                                       cmocka_unit_test(test_names)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
