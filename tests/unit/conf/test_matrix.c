/* SPDX-License-Identifier: Apache-2.0 */
/* Every key of the file with every kind of value, for every program. */
#include "capture.h"
#include "within.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LONG_TEXT = 65536,
    MANAGER = 1 << SS_MANAGER, /* needs no port and no password */
    ALL = ((1 << SS_PROGRAMS) - 1) & ~MANAGER,
    CLIENTS = 1 << SS_LOCAL | 1 << SS_TUNNEL | 1 << SS_REDIR
};

/* In the order of the outcomes below. */
static const char *const values[] = {
    "null", "true", "0", "2147483647", "-1", "1.5", "\"\"", "\"text\"", NULL /* long */, "[]", "{}",
};

enum { VALUES = sizeof values / sizeof values[0] };

/*
 * Keys with the same outcomes, a letter for each value: '.' is fine, 'w' is fine with a warning,
 * 'F' is fatal and 'U' ends for want of something.
 */
static const struct group {
    const char *outcomes;
    unsigned programs; /* that read it; the others have nothing to say */
    const char *keys;
} groups[] = {
    {".F...F...FF", ALL, "user plugin plugin_user acl"},
    {"UFFFFFUFFFF", 1 << SS_TUNNEL, "tunnel_address"},
    {".FwwwF.wwF.", ALL, "plugin_opts"},
    {".F...F...FF", 1 << SS_SERVER, "manager_address"},
    {".F...F...FF", CLIENTS, "local_address"},
    {".FwwwF.wwFF", 1 << SS_SERVER, "local_address"},
    {"UF...Fw..FF", ALL, "password"},
    {".FFFFF.FFFF", ALL, "method plugin_dir"},
    {".FUUUF.UUFF", ALL, "key"},
    {"UFFFFFFFFFF", ALL, "server_port"},
    {"UFFFFFFFFFF", CLIENTS, "local_port"},
    {".F.FFFFFFFF", ALL, "workers"},
    {".F..FFFFFFF", ALL, "nofile tcp_incoming_sndbuf tcp_incoming_rcvbuf"},
    {".F..FFFFFFF", 1 << SS_LOCAL | 1 << SS_SERVER, "handshakes_per_ip"},
    {".F..FFFFFFF", ALL, "tcp_outgoing_sndbuf tcp_outgoing_rcvbuf"},
    {".F.FFFFFFFF", ALL, "timeout mtu keep_alive tcp_user_timeout"},
    {".F.FFFFFFFF", 1 << SS_SERVER, "handshake_timeout"},
    {".F.FF.FFFFF", ALL, "plugin_grace"},
    {".FFFF.FFFFF", ALL, "plugin_ready"},
    {".FFFFFFFFFF", ALL, "plugin_restart plugin_udp plugin_mode"},
    {".FFFFFFFFFF", 1 << SS_SERVER | MANAGER, "outbound"},
    {"..FFFFFFFFF", ALL,
     "fast_open reuse_port mptcp ipv6_first no_delay use_syslog plugin_sandbox"},
    {".FwwwFwwwFF", ALL, "mode"},
    {".FFFFFF.F.F", 1 << SS_SERVER, "server"},
    {"UFFFFFF.FUF", CLIENTS, "server"},
    {".FFFFF.FFFF", 1 << SS_SERVER, "local_ipv4_address local_ipv6_address nameserver"},
    {".F.FFF.FF..", ALL, "auth"},
    {"..FFFFFFFFF", 1 << SS_REDIR, "tcp_tproxy"},
    {"...........", ALL & ~(1 << SS_TUNNEL), "tunnel_address"},
    {"...........", ALL & ~(1 << SS_REDIR), "tcp_tproxy"},
    {"...........", ALL, "dscp workdir"},
    {".wwwwwwwwww", ALL, "port_password"},
    {".FFFFFFFFF.", MANAGER, "port_password"},
    {".F...F...FF", MANAGER, "manager_address workdir executable acl user plugin"},
    {".F.FFFFFFFF", MANAGER, "timeout mtu handshake_timeout"},
    {"...........", MANAGER, "local_port tunnel_address dscp"},
    {".wwwwwwwwww", ALL, "plugin_args dns log runtime"},
    {".wwwwwwwwww", ALL, "outbound_proxy version balancer"},
    {"wwwwwwwwwww", ALL, "verbose pid_file print_plugin_env no_such_key x"},
};

/* The options that every program needs, then the key under test: the last of two counts. */
static void write_file(struct capture *c, const char *key, const char *value, const char *twice)
{
    static char text[2 * LONG_TEXT];
    int len =
        snprintf(text, sizeof text,
                 "{\"server\":\"::1\",\"server_port\":1,\"local_port\":\"2\",\"password\":\"p\","
                 "\"tunnel_address\":\"a:1\",%s\"%s\":%s}",
                 twice, key, value);
    assert_within(len, 1, sizeof text - 1);
    capture_write(c, text, (size_t)len);
}

/* The number of lines on stderr, each of which names the program, the file and the key. */
static unsigned complaints(const struct capture *c, const char *program, const char *key)
{
    unsigned lines = 0;
    char named[256], checked[256];
    (void)snprintf(named, sizeof named, "%s: %s: %s: ", program, c->path, key);
    /* A mistake that only shows when everything is known has no file to name. */
    (void)snprintf(checked, sizeof checked, "%s: %s: ", program, key);
    for (const char *line = c->err; *line != '\0'; line += strcspn(line, "\n") + 1) {
        if (strncmp(line, named, strlen(named)) != 0 &&
            strncmp(line, checked, strlen(checked)) != 0 && strstr(line, " -h for help") == NULL)
            fail_msg("unexpected: %s", line);
        lines++;
    }
    return lines;
}

static void judge(const struct capture *c, const char *program, const char *key, char outcome)
{
    static const struct {
        char outcome;
        int status;
        unsigned lines;
    } expected[] = {{'.', -1, 0}, {'w', -1, 1}, {'F', SS_EXIT_FATAL, 1}, {'U', SS_EXIT_USAGE, 1}};
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        if (expected[i].outcome != outcome)
            continue;
        if (c->status != expected[i].status || complaints(c, program, key) != expected[i].lines)
            fail_msg("%s: %s: status %d, not %d: %s", program, key, c->status, expected[i].status,
                     c->err);
        return;
    }
    fail();
}

static void try_program(struct capture *c, enum ss_program program, const char *key, char outcome)
{
    const char *name = ss_programs[program].name;
    capture_run(c, program, (const char *const[]){name, "-c", "@", NULL});
    judge(c, name, key, outcome);
}

static void try_key(struct capture *c, const struct group *group, const char *key)
{
    static char long_text[LONG_TEXT + 3];
    assert_int_equal(strlen(group->outcomes), VALUES);
    memset(long_text, 'x', LONG_TEXT + 2);
    long_text[0] = long_text[LONG_TEXT + 1] = '"';
    for (size_t i = 0; i < VALUES; i++) {
        const char *value = values[i] != NULL ? values[i] : long_text;
        write_file(c, key, value, "");
        for (unsigned program = 0; program < SS_PROGRAMS; program++) {
            if ((group->programs & 1U << program) != 0)
                try_program(c, (enum ss_program)program, key, group->outcomes[i]);
        }
    }
}

static void every_key_takes_or_refuses_every_kind_of_value(void **state)
{
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
        char keys[128];
        (void)snprintf(keys, sizeof keys, "%s", groups[i].keys);
        char *rest = keys;
        for (char *key = strsep(&rest, " "); key != NULL; key = strsep(&rest, " "))
            try_key(*state, &groups[i], key);
    }
}

static void a_key_of_the_other_program_is_not_even_checked(void **state)
{
    static const struct {
        const char *key;
        enum ss_program program;
    } cases[] = {
        {"local_port", SS_SERVER},         {"nameserver", SS_LOCAL},
        {"manager_address", SS_LOCAL},     {"local_ipv4_address", SS_LOCAL},
        {"local_ipv6_address", SS_LOCAL},  {"handshake_timeout", SS_LOCAL},
        {"local_ipv4_address", SS_TUNNEL}, {"nameserver", SS_TUNNEL},
        {"nameserver", SS_REDIR},          {"tcp_tproxy", SS_LOCAL},
    };
    struct capture *c = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (size_t j = 0; j < VALUES; j++) {
            if (values[j] == NULL)
                continue;
            write_file(c, cases[i].key, values[j], "");
            try_program(c, cases[i].program, cases[i].key, '.');
        }
    }
}

static void of_two_keys_the_last_counts(void **state)
{
    struct capture *c = *state;
    write_file(c, "server_port", "7", "\"server_port\":99999,");
    SERVER(c, "-c", "@");
    capture_expect(c, -1, "");
    assert_int_equal(c->conf.server[0].port, 7);
    write_file(c, "server", "[\"b\"]", "\"server\":[\"c\",\"d\"],");
    SERVER(c, "-c", "@");
    assert_int_equal(c->conf.servers, 1);
    assert_string_equal(ssp__endpoint_host(&c->conf.server[0], (char[SSP_HOST_MAX]){0}), "b");
}

static void a_long_text_arrives_whole(void **state)
{
    static char text[LONG_TEXT + 3];
    struct capture *c = *state;
    memset(text, 'y', LONG_TEXT + 2);
    text[0] = text[LONG_TEXT + 1] = '"';
    write_file(c, "password", text, "");
    SERVER(c, "-c", "@");
    capture_expect(c, -1, "");
    assert_int_equal(strlen(c->conf.password), LONG_TEXT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, capture_setup, capture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_key_takes_or_refuses_every_kind_of_value),
        TEST(a_key_of_the_other_program_is_not_even_checked),
        TEST(of_two_keys_the_last_counts),
        TEST(a_long_text_arrives_whole),
    };
    return cmocka_run_group_tests_name("conf: every key, every value", tests, NULL, NULL);
}
