/* SPDX-License-Identifier: Apache-2.0 */
/* Each change of a configuration: the servers that it means, and those that it must not touch. */
#include "app/changes.h"
#include "conf/fields.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MANY = 8 };

static char plugin[] = "a-plugin", address[] = "127.0.0.1", method[] = "aes-256-gcm";

/* A server at that port, with a key that is known by a number. */
struct server {
    struct ss_conf conf;
    struct ss_party party;
};

static struct ss_party *server_at(struct server *s, uint16_t port, uint8_t key)
{
    *s = (struct server){.conf = {.servers = 1, .timeout_s = 60, .method = method}};
    assert_int_equal(ssp__endpoint_set(&s->conf.server[0], "127.0.0.1", port), 0);
    s->party = (struct ss_party){.conf = &s->conf, .program = SS_SERVER, .key = {key}};
    return &s->party;
}

static struct ss_party *client_at(struct server *s, uint16_t port)
{
    (void)server_at(s, 1, 0);
    s->conf.local_address = address;
    s->conf.local_port = port;
    s->party.program = SS_LOCAL;
    return &s->party;
}

/* One of each; returns what becomes of it, or -1. */
static int become(const struct server *now, const struct server *next, char why[SS_CHANGES_WHY_MAX])
{
    struct ss_change change;
    bool gone;
    int rc = ss_changes_find(&change, (struct ss_parties){&next->party, 1}, &gone,
                             (struct ss_parties){&now->party, 1}, why);
    if (rc == 0)
        assert_int_equal(gone, change.kind == SS_ADDED);
    return rc == 0 ? (int)change.kind : -1;
}

static void servers_are_told_apart_by_their_places(void **state)
{
    struct server s[MANY];
    struct ss_change change[3];
    bool gone[3];
    char why[SS_CHANGES_WHY_MAX];
    (void)state;
    struct ss_party now[] = {*server_at(&s[0], 1, 1), *server_at(&s[1], 2, 2),
                             *server_at(&s[2], 3, 3)};
    struct ss_party next[] = {*server_at(&s[3], 3, 3), *server_at(&s[4], 4, 4),
                              *server_at(&s[5], 1, 9)};
    assert_int_equal(ss_changes_find(change, (struct ss_parties){next, 3}, gone,
                                     (struct ss_parties){now, 3}, why),
                     0);
    assert_int_equal(change[0].kind, SS_KEPT);
    assert_int_equal(change[0].former, 2);
    assert_int_equal(change[1].kind, SS_ADDED);
    assert_int_equal(change[2].kind, SS_REKEYED);
    assert_int_equal(change[2].former, 0);
    assert_false(gone[0]);
    assert_true(gone[1]);
    assert_false(gone[2]);
    assert_int_equal(ss_changes_find(change, (struct ss_parties){next, 0}, gone,
                                     (struct ss_parties){now, 3}, why),
                     0);
    assert_true(gone[0] && gone[1] && gone[2]);
}

/* A reload must not miss one: every field that has a value of its own is changed alone. */
static void every_field_has_its_consequence(void **state)
{
    (void)state;
    for (const struct ss_field *f = ss_fields; f->name != NULL; f++) {
        struct server now, next;
        char why[SS_CHANGES_WHY_MAX];
        (void)server_at(&now, 1, 1);
        (void)server_at(&next, 1, 1);
        if (ss_field_holds_text(f))
            *(char **)ss_field_member(&next.conf, f) = address;
        else if (f->kind == SS_KIND_PORT)
            *(uint16_t *)ss_field_member(&next.conf, f) ^= 1;
        else if (f->kind == SS_KIND_NUMBER || f->kind == SS_KIND_SECONDS)
            *(unsigned *)ss_field_member(&next.conf, f) ^= 1;
        else if (f->kind == SS_KIND_SWITCH)
            *(bool *)ss_field_member(&next.conf, f) ^= 1;
        else
            continue;
        bool start = (f->flags & SS_AT_START) != 0, elsewhere = (f->flags & SS_GROUPS) != 0;
        assert_true((ss_conf_differs(&now.conf, &next.conf, SS_AT_START) != NULL) == start);
        int kind = become(&now, &next, why);
        if ((f->flags & SS_OF_SOCKET) != 0 || (f->offset == offsetof(struct ss_conf, plugin)))
            assert_int_equal(kind, -1);
        else if (!elsewhere || (f->flags & (SS_OF_DIAL | SS_OF_PLUGIN)) != 0)
            assert_int_equal(kind, SS_REPLACED);
        else
            assert_int_equal(kind, SS_KEPT);
    }
}

static void a_plugin_cannot_be_started_any_more(void **state)
{
    struct server now, next;
    char why[SS_CHANGES_WHY_MAX];
    (void)state;
    (void)server_at(&now, 1, 1);
    (void)server_at(&next, 1, 1);
    next.conf.plugin = plugin;
    assert_int_equal(become(&now, &next, why), -1);
    assert_string_equal(why, "127.0.0.1:1: plugin needs a new plugin: restart the program");
    assert_int_equal(become(&next, &now, why), -1);
    now.conf.plugin = plugin;
    assert_int_equal(become(&now, &next, why), SS_KEPT);
    next.conf.timeout_s = 61;
    next.party.key[0] = 2;
    assert_int_equal(become(&now, &next, why), SS_REKEYED);
    next.conf.plugin_opts = address;
    assert_int_equal(become(&now, &next, why), -1);
    (void)server_at(&next, 2, 1);
    next.conf.plugin = plugin;
    assert_int_equal(become(&now, &next, why), -1);
    assert_string_equal(why, "127.0.0.1:2: a new server needs a plugin: restart the program");
}

static void a_client_has_its_servers_apart(void **state)
{
    struct server now, next;
    struct ss_account account[] = {{address, address}}, other[] = {{address, method}};
    char why[SS_CHANGES_WHY_MAX];
    (void)state;
    (void)client_at(&now, 1);
    (void)client_at(&next, 1);
    next.conf.plugin = plugin;
    next.conf.method = plugin;
    next.conf.server[0].port = 7;
    next.party.key[0] = 7;
    assert_int_equal(become(&now, &next, why), SS_KEPT);
    next.conf.local_port = 2;
    assert_int_equal(become(&now, &next, why), SS_ADDED);
    next.conf.local_port = 1;
    next.party.program = SS_TUNNEL;
    assert_int_equal(become(&now, &next, why), SS_ADDED);
    next.party.program = SS_LOCAL;
    now.conf.account = account;
    next.conf.account = other;
    now.conf.accounts = next.conf.accounts = 1;
    assert_int_equal(become(&now, &next, why), SS_REPLACED);
    next.conf.account = account;
    assert_int_equal(become(&now, &next, why), SS_KEPT);
}

static void two_of_one_place_are_not_one(void **state)
{
    struct server now, next;
    struct ss_change change[2];
    bool gone;
    char why[SS_CHANGES_WHY_MAX];
    (void)state;
    (void)server_at(&now, 1, 1);
    (void)server_at(&next, 1, 1);
    const struct ss_party twice[] = {next.party, next.party};
    assert_int_equal(ss_changes_find(change, (struct ss_parties){twice, 2}, &gone,
                                     (struct ss_parties){&now.party, 1}, why),
                     0);
    assert_int_equal(change[0].kind, SS_KEPT);
    assert_int_equal(change[1].kind, SS_ADDED);
}

static void a_print_tells_keys_apart(void **state)
{
    struct ss_conf a = {.method = method, .password = address}, b = a;
    uint8_t secret[SS_KEY_PRINT] = {1}, print[4][SS_KEY_PRINT];
    (void)state;
    ss_conf_key_print(print[0], &a, secret);
    ss_conf_key_print(print[1], &b, secret);
    assert_memory_equal(print[0], print[1], SS_KEY_PRINT);
    b.password = method;
    ss_conf_key_print(print[1], &b, secret);
    b = a;
    b.has_users = true;
    ss_conf_key_print(print[2], &b, secret);
    b = (struct ss_conf){.method = address, .password = method};
    ss_conf_key_print(print[3], &b, secret);
    for (int i = 0; i < 4; i++) {
        for (int k = 0; k < i; k++)
            assert_memory_not_equal(print[i], print[k], SS_KEY_PRINT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(servers_are_told_apart_by_their_places),
        cmocka_unit_test(every_field_has_its_consequence),
        cmocka_unit_test(a_plugin_cannot_be_started_any_more),
        cmocka_unit_test(a_client_has_its_servers_apart),
        cmocka_unit_test(two_of_one_place_are_not_one),
        cmocka_unit_test(a_print_tells_keys_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
