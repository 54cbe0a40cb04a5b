/* SPDX-License-Identifier: Apache-2.0 */
/* Servers that bring their own settings, and the options of shadowsocks-c. */
#include "capture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* base64 of aes-256-gcm:secret, and of aes-128-gcm:other */
#define SECRET "YWVzLTI1Ni1nY206c2VjcmV0"
#define OTHER "YWVzLTEyOC1nY206b3RoZXI"

static void write_text(struct capture *c, const char *text)
{
    capture_write(c, text, strlen(text));
}

static void expect_server(const struct ss_conf *conf, const char *where, const char *password)
{
    char text[SSP_HOST_MAX + 8];
    assert_int_equal(conf->servers, 1);
    ssp__endpoint_format(&conf->server[0], text, sizeof text);
    assert_string_equal(text, where);
    assert_string_equal(conf->password, password);
}

static void a_url_is_all_that_is_needed(void **state)
{
    struct capture *c = *state;
    LOCAL(c, "ss://" SECRET "@192.0.2.1");
    capture_expect(c, -1, "");
    expect_server(&c->conf, "192.0.2.1:8388", "secret");
    assert_string_equal(c->conf.method, "aes-256-gcm");
    assert_int_equal(c->conf.local_port, 1080);
    assert_null(c->conf.plugin);
    assert_null(strstr(c->argv[1], SECRET));
    capture_run(
        c, SS_TUNNEL,
        (const char *const[]){"ss-tunnel", "ss://" SECRET "@h", "-L", "x:1", "-l", "2", NULL});
    capture_expect(c, -1, "");
    SERVER(c, "-s", "ss://" SECRET "@127.0.0.1:443");
    capture_expect(c, -1, "");
    expect_server(&c->conf, "127.0.0.1:443", "secret");
}

static void a_url_beats_what_stands_beside_it(void **state)
{
    struct capture *c = *state;
    write_text(
        c,
        "{\"server\": \"ss://" SECRET "@h:1/?plugin=a;b\", \"password\": \"x\","
        "\"method\": \"aes-128-gcm\", \"key\": \"x\", \"plugin\": \"y\", \"mode\": \"udp_only\"}");
    LOCAL(c, "-c", "@");
    capture_expect(c, -1, "");
    expect_server(&c->conf, "h:1", "secret");
    assert_string_equal(c->conf.method, "aes-256-gcm");
    assert_string_equal(c->conf.plugin, "a");
    assert_string_equal(c->conf.plugin_opts, "b");
    assert_null(c->conf.key);
    assert_int_equal(c->conf.mode, SSP_UDP_ONLY);
    write_text(c, "{\"server\": \"ss://" SECRET "@h:1\", \"plugin\": \"y\"}");
    LOCAL(c, "-c", "@");
    capture_expect(c, -1, "");
    assert_string_equal(c->conf.plugin, "y");
}

static void the_command_line_beats_the_file(void **state)
{
    struct capture *c = *state;
    write_text(c, "{\"server\": \"ss://" SECRET "@h:1/?plugin=a;b\", \"local_port\": 7}");
    LOCAL(c, "-c", "@", "ss://" OTHER "@i");
    capture_expect(c, -1, "");
    expect_server(&c->conf, "i:8388", "other");
    assert_string_equal(c->conf.method, "aes-128-gcm");
    assert_int_equal(c->conf.local_port, 7);
    assert_null(c->conf.plugin);
    assert_null(c->conf.plugin_opts);
    LOCAL(c, "-c", "@", "-k", "third");
    capture_expect(c, -1, "");
    expect_server(&c->conf, "h:1", "third");
}

static void expect_upstream(const struct ss_conf *conf, size_t i, const char *where,
                            const char *method, const char *password)
{
    assert_true(i < conf->upstreams);
    expect_server(&conf->upstream[i], where, password);
    assert_string_equal(conf->upstream[i].method, method);
}

static void several_are_chosen_from_and_a_bad_one_is_skipped(void **state)
{
    struct capture *c = *state;
    LOCAL(c, "ss://cmM0LW1kNTp4@h:1#old", "ss://" SECRET "@i:2/?plugin=a;b", "ss://" OTHER "@j:3");
    capture_expect(c, -1, "ss-local: server old (h:1): its method is not supported; skipped\n");
    assert_int_equal(c->conf.upstreams, 2);
    expect_upstream(&c->conf, 0, "i:2", "aes-256-gcm", "secret");
    expect_upstream(&c->conf, 1, "j:3", "aes-128-gcm", "other");
    assert_string_equal(c->conf.upstream[0].plugin, "a");
    assert_null(c->conf.upstream[1].plugin);
    assert_int_equal(c->conf.local_port, 1080);
    LOCAL(c, "ss://cmM0LW1kNTp4@h:1");
    assert_int_equal(c->status, SS_EXIT_FATAL);
    assert_non_null(strstr(c->err, "\"rc4-md5\" is a stream cipher"));
    LOCAL(c, "ss://cmM0LW1kNTp4@h:1", "ss://cmM0LW1kNTp4@h:2");
    assert_int_equal(c->status, SS_EXIT_FATAL);
    assert_non_null(strstr(c->err, "server h:1: its method is not supported; skipped"));
    assert_non_null(strstr(c->err, "\"rc4-md5\" is a stream cipher"));
    LOCAL(c, "ss://cmM0LW1kNTp4@h:1", "ss://" OTHER "@j:3", "--check");
    assert_true(c->conf.mistaken);
}

static void the_key_of_every_server_is_forgotten(void **state)
{
    struct capture *c = *state;
    LOCAL(c, "ss://" SECRET "@i:2", "ss://" OTHER "@j:3");
    ss_conf_forget_key(&c->conf);
    assert_null(c->conf.upstream[0].password);
    assert_null(c->conf.upstream[1].password);
}

static void the_options_of_shadowsocks_c_are_those_of_ours(void **state)
{
    struct capture *c = *state;
    write_text(c, "{\"mode\": \"udp_only\", \"ipv6_first\": true}");
    LOCAL(c, "-c", "@", "--server", "192.0.2.1:443", "--listen-address", "::1", "--listen-port",
          "7", "--tcp-only", "--ipv4-first", "-k", "secret");
    capture_expect(c, -1, "");
    expect_server(&c->conf, "192.0.2.1:443", "secret");
    assert_string_equal(c->conf.local_address, "::1");
    assert_int_equal(c->conf.local_port, 7);
    assert_int_equal(c->conf.mode, SSP_TCP_ONLY);
    assert_false(c->conf.ipv6_first);
    SERVER(c, "--listen-address", "::1", "--listen-port", "7", "--udp", "--outbound-address",
           "192.0.2.1", "-k", "secret");
    capture_expect(c, -1, "");
    expect_server(&c->conf, "[::1]:7", "secret");
    assert_int_equal(c->conf.mode, SSP_TCP_AND_UDP);
    assert_string_equal(c->conf.local_ipv4_address, "192.0.2.1");
    capture_run(c, SS_TUNNEL,
                (const char *const[]){"ss-tunnel", "--server-url", "ss://" SECRET "@h",
                                      "--destination", "x:1", "--listen-port", "2", NULL});
    capture_expect(c, -1, "");
    assert_string_equal(c->conf.tunnel_address, "x:1");
}

#define ENTRY(host, more)                                                                          \
    "{\"server\": \"" host "\", \"server_port\": 443, \"password\": \"secret\", "                  \
    "\"method\": \"aes-256-gcm\"" more "}"

static void servers_of_shadowsocks_rust_are_chosen_from(void **state)
{
    struct capture *c = *state;
    write_text(c, "{\"servers\": [" ENTRY("a", ", \"disabled\": true") "," ENTRY(
                      "b",
                      ", \"plugin\": \"p\", \"plugin_opts\": \"o\", \"mode\": \"udp_only\","
                      "\"remarks\": \"mine\", \"plugin_mode\": \"tcp_and_udp\", \"tcp_weight\": 1,"
                      "\"paswword\": \"x\"") "," ENTRY("c", "") "], \"local_port\": 1, "
                                                                "\"plugin\": \"not of a server\"}");
    LOCAL(c, "-c", "@");
    capture_expect(c, -1,
                   "ss-local: @: servers[1].tcp_weight: not supported, ignored\n"
                   "ss-local: @: servers[1].paswword: unknown key of a server, ignored\n");
    expect_server(&c->conf, "b:443", "secret");
    expect_upstream(&c->conf, 0, "b:443", "aes-256-gcm", "secret");
    expect_upstream(&c->conf, 1, "c:443", "aes-256-gcm", "secret");
    assert_string_equal(c->conf.upstream[0].plugin, "p");
    assert_null(c->conf.upstream[1].plugin);
    assert_int_equal(c->conf.upstream[0].mode, SSP_UDP_ONLY);
    assert_int_equal(c->conf.upstream[0].plugin_mode, SSP_TCP_AND_UDP);
    assert_int_equal(c->conf.upstream[1].mode, SSP_TCP_ONLY);
    assert_int_equal(c->conf.mode,
                     SSP_TCP_AND_UDP); /* the listener carries what any of them does */
    assert_int_equal(c->conf.list.n, 2);
    write_text(c, "{\"servers\": [" ENTRY("a", "") "], \"local_port\": 1, \"plugin\": \"x\"}");
    LOCAL(c, "-c", "@");
    capture_expect(c, -1, "");
    assert_null(c->conf.plugin);
}

static void an_entry_takes_what_it_leaves_out_from_beside_the_list(void **state)
{
    struct capture *c = *state;
    write_text(c, "{\"servers\": [{\"server\": \"a\", \"port\": 1}," ENTRY(
                      "b", "") "], \"method\": \"aes-128-gcm\", \"password\": \"top\"}");
    LOCAL(c, "-c", "@");
    assert_int_equal(c->status, -1);
    expect_server(&c->conf, "a:1", "top");
    assert_string_equal(c->conf.method, "aes-128-gcm");
    assert_string_equal(c->conf.list.at[0].method, "aes-128-gcm");
    assert_string_equal(c->conf.list.at[0].password, "top");
    assert_string_equal(c->conf.list.at[1].password, "secret");
    SERVER(c, "-c", "@");
    capture_expect(c, -1, "");
    expect_server(&c->conf.instance[0], "a:1", "top");
    expect_server(&c->conf.instance[1], "b:443", "secret");
    assert_string_equal(c->conf.instance[1].method, "aes-256-gcm");
}

static void a_variable_is_read_before_a_server_is_chosen(void **state)
{
    struct capture *c = *state;
    assert_int_equal(setenv("TEST_KEY", "AAAAAAAAAAAAAAAAAAAAAA==", 1), 0);
    write_text(c, "{\"servers\": [{\"server\": \"a\", \"port\": 1, \"password\": \"${TEST_KEY}\","
                  "\"method\": \"2022-blake3-aes-128-gcm\"}," ENTRY("b", "") "]}");
    LOCAL(c, "-c", "@");
    assert_int_equal(c->status, -1);
    expect_server(&c->conf, "a:1", "AAAAAAAAAAAAAAAAAAAAAA==");
    assert_int_equal(unsetenv("TEST_KEY"), 0);
    LOCAL(c, "-c", "@");
    expect_server(&c->conf, "b:443", "secret");
}

static void a_wrong_entry_names_its_number(void **state)
{
    struct capture *c = *state;
    write_text(
        c, "{\"servers\": [" ENTRY("a", "") ", {\"server\": \"b\"}, {\"server_port\": 1}, 5," ENTRY(
               "c", ", \"mode\": 1") "], \"local_port\": 1}");
    LOCAL(c, "-c", "@");
    capture_expect(
        c, SS_EXIT_FATAL,
        "ss-local: @: servers[1]: server_port is missing or wrong (expected 1..65535)\n"
        "ss-local: @: servers[2]: server is missing or wrong (expected a host)\n"
        "ss-local: @: servers[3]: the entry is missing or wrong (expected an object: {...})\n"
        "ss-local: @: servers[4]: mode is missing or wrong (expected tcp_only, tcp_and_udp or "
        "udp_only)\n");
}

static void each_server_of_ss_server_is_an_instance(void **state)
{
    struct capture *c = *state;
    write_text(
        c, "{\"server\": \"0.0.0.0\", \"server_port\": 1, \"password\": \"top\", \"timeout\": 7,"
           "\"plugin\": \"x\", \"servers\": [" ENTRY("::", "") "," ENTRY("::1", "") "]}");
    SERVER(c, "-c", "@");
    capture_expect(c, -1, "");
    assert_int_equal(c->conf.instances, 3);
    expect_server(&c->conf.instance[0], "0.0.0.0:1", "top");
    assert_string_equal(c->conf.instance[0].plugin, "x");
    expect_server(&c->conf.instance[2], "[::1]:443", "secret");
    assert_null(c->conf.instance[2].plugin);
    assert_int_equal(c->conf.instance[2].timeout_s, 7);
    write_text(
        c, "{\"servers\": [" ENTRY("::", "") "," ENTRY("::1", ", \"plugin\": 1, \"port\": 0") "]}");
    SERVER(c, "-c", "@");
    assert_int_equal(c->status, SS_EXIT_FATAL);
}

static void each_listener_is_an_instance(void **state)
{
    struct capture *c = *state;
    write_text(c,
               "{\"server\": \"h:1\", \"password\": \"p\", \"locals\": [{\"local_port\": 1},"
               "{\"local_port\": 2, \"local_address\": \"::1\", \"mode\": \"tcp_and_udp\"},"
               "{\"protocol\": \"tunnel\", \"local_port\": 3, \"forward_address\": \"2001:db8::1\","
               "\"forward_port\": 53}, {\"local_port\": 4, \"disabled\": true},"
               "{\"protocol\": \"dns\", \"local_port\": 5},"
               "{\"protocol\": \"redir\", \"local_port\": 6, \"tcp_redir\": \"tproxy\","
               "\"udp_redir\": \"tproxy\"}]}");
    LOCAL(c, "-c", "@");
    capture_expect(
        c, -1,
        "ss-local: @: locals[4]: a listener of protocol \"dns\" is not supported, ignored "
        "(expected socks, http, redir or tunnel)\n");
    assert_int_equal(c->conf.instances, 4);
    const struct ss_conf *one = c->conf.instance;
    assert_int_equal(one[0].local_port, 1);
    assert_string_equal(one[0].local_address, "127.0.0.1");
    assert_int_equal(one[1].mode, SSP_TCP_AND_UDP);
    assert_string_equal(one[1].local_address, "::1");
    assert_int_equal(one[2].program, SS_TUNNEL);
    assert_string_equal(one[2].tunnel_address, "[2001:db8::1]:53");
    assert_int_equal(one[3].program, SS_REDIR);
    assert_true(one[3].tcp_tproxy && !one[2].tcp_tproxy);
    LOCAL(c, "-c", "@", "-l", "9");
    assert_int_equal(c->conf.instances, 0);
    assert_int_equal(c->conf.local_port, 9);
    write_text(c, "{\"servers\": [" ENTRY("a", "") "], \"locals\": [{\"local_port\": 1}]}");
    LOCAL(c, "-c", "@");
    capture_expect(c, -1, "");
    assert_int_equal(c->conf.instances, 1); /* and none at the default port */
    assert_int_equal(c->conf.instance[0].local_port, 1);
}

/* Each listener takes both protocols; all have the users. */
static void users_of_a_client_are_those_of_each_listener(void **state)
{
    struct capture *c = *state;
    assert_int_equal(setenv("SECOND", "from outside", 1), 0);
    write_text(c, "{\"server\": \"h:1\", \"password\": \"p\", \"local_users\": ["
                  "{\"name\": \"a\", \"password\": \"\"},"
                  "{\"user_name\": \"b\", \"password\": \"${SECOND}\"}], \"locals\": ["
                  "{\"local_port\": 1}, {\"protocol\": \"http\", \"local_port\": 2}]}");
    LOCAL(c, "-c", "@");
    capture_expect(c, -1, "");
    assert_int_equal(c->conf.instances, 2);
    for (size_t i = 0; i < 2; i++) {
        const struct ss_conf *one = &c->conf.instance[i];
        assert_int_equal(one->program, SS_LOCAL);
        assert_int_equal(one->accounts, 2);
        assert_string_equal(one->account[0].password, "");
        assert_string_equal(one->account[1].name, "b");
        assert_string_equal(one->account[1].password, "from outside");
    }
    static const char *const wrong[] = {"5", "{\"name\": \"a\"}",
                                        "{\"name\": \"\", \"password\": \"b\"}",
                                        "{\"name\": \"a:b\", \"password\": \"c\"}",
                                        "{\"name\": \"a\\u0000\", \"password\": \"c\"}"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char text[256];
        (void)snprintf(text, sizeof text,
                       "{\"server\": \"h:1\", \"password\": \"p\", \"local_port\": 1,"
                       "\"local_users\": [%s]}",
                       wrong[i]);
        write_text(c, text);
        LOCAL(c, "-c", "@");
        assert_int_equal(c->status, SS_EXIT_FATAL);
        assert_non_null(strstr(c->err, "local_users[0]: lacks a name or a password"));
    }
}

static void a_listener_without_port_or_target_is_refused(void **state)
{
    struct capture *c = *state;
    write_text(c, "{\"server\": \"h:1\", \"password\": \"p\", \"locals\": [{\"loca_port\": 1},"
                  "{\"protocol\": \"tunnel\", \"local_port\": 1}, 5,"
                  "{\"local_port\": 2, \"disabled\": \"false\"}]}");
    LOCAL(c, "-c", "@");
    capture_expect(
        c, SS_EXIT_FATAL,
        "ss-local: @: loca_port: unknown key of a listener, ignored (did you mean "
        "\"local_port\"?)\n"
        "ss-local: @: locals[0]: a listener has no port (expected \"local_port\")\n"
        "ss-local: @: locals[1]: a tunnel has no target (expected \"forward_address\" and "
        "\"forward_port\")\n"
        "ss-local: @: locals[2]: not a list of listeners (expected objects: [{...}])\n"
        "ss-local: @: locals[3]: disabled is wrong (expected true or false)\n");
}

static void a_check_says_every_mistake_once(void **state)
{
    struct capture *c = *state;
    write_text(c, "{\"server_port\": 0, \"method\": \"rc4\", \"fast_open\": 1}");
    LOCAL(c, "-c", "@", "--check");
    assert_int_equal(c->status, -1);
    assert_true(c->conf.mistaken);
    unsigned lines = 0;
    for (const char *line = c->err; *line != '\0'; line += strcspn(line, "\n") + 1)
        lines++;
    assert_int_equal(lines, 6); /* three values, and no server, local port and password */
    write_text(c, "{\"server\": \"h:1\", \"local_port\": 1, \"password\": \"p\"}");
    LOCAL(c, "-c", "@", "--check");
    capture_expect(c, -1, "");
    assert_false(c->conf.mistaken);
    write_text(c, "{");
    LOCAL(c, "-c", "@", "--check");
    assert_true(c->conf.mistaken);
}

static void a_check_of_a_password_that_is_no_text_ends_with_the_mistake(void **state)
{
    struct capture *c = *state;
    write_text(c, "{\"server\": \"h:1\", \"local_port\": 1, \"password\": [\"p\"]}");
    LOCAL(c, "-c", "@", "--check");
    capture_expect(c, -1, "ss-local: @: password: an array is not text (expected a string)\n");
    assert_true(c->conf.mistaken);
}

static void keys_of_shadowsocks_rust_are_used(void **state)
{
    struct capture *c = *state;
    write_text(c,
               "{\"server\": \"h:1\", \"local_port\": 1, \"password\": \"p\", \"udp_timeout\": 7,"
               "\"udp_max_associations\": 8, \"ipv6_only\": true, \"outbound_fwmark\": 9,"
               "\"outbound_bind_interface\": \"lo\", \"outbound_bind_addr\": \"::1\","
               "\"outbound_udp_allow_fragmentation\": false, \"keep_alive\": 300}");
    LOCAL(c, "-c", "@");
    capture_expect(c, -1, "");
    assert_int_equal(c->conf.udp_timeout_s, 7);
    assert_int_equal(c->conf.udp_associations, 8);
    assert_true(c->conf.ipv6_only);
    assert_int_equal(c->conf.keep_alive_s, 300);
    assert_int_equal(c->conf.fwmark, 9);
    assert_string_equal(c->conf.interface, "lo");
    assert_string_equal(c->conf.local_ipv6_address, "::1");
}

static void every_mistake_is_reported(void **state)
{
    struct capture *c = *state;
    write_text(c, "{\"server\": 1, \"server_port\": 0, \"timeout\": {}, \"method\": \"none\"}");
    LOCAL(c, "-c", "@");
    assert_int_equal(c->status, SS_EXIT_FATAL);
    for (const char *const *key = (const char *const[]){": server: ", ": server_port: ",
                                                        ": timeout: ", ": method: ", NULL};
         *key != NULL; key++)
        assert_non_null(strstr(c->err, *key));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_url_is_all_that_is_needed),
        cmocka_unit_test(a_url_beats_what_stands_beside_it),
        cmocka_unit_test(the_command_line_beats_the_file),
        cmocka_unit_test(several_are_chosen_from_and_a_bad_one_is_skipped),
        cmocka_unit_test(the_key_of_every_server_is_forgotten),
        cmocka_unit_test(the_options_of_shadowsocks_c_are_those_of_ours),
        cmocka_unit_test(servers_of_shadowsocks_rust_are_chosen_from),
        cmocka_unit_test(an_entry_takes_what_it_leaves_out_from_beside_the_list),
        cmocka_unit_test(a_variable_is_read_before_a_server_is_chosen),
        cmocka_unit_test(a_wrong_entry_names_its_number),
        cmocka_unit_test(each_server_of_ss_server_is_an_instance),
        cmocka_unit_test(each_listener_is_an_instance),
        cmocka_unit_test(users_of_a_client_are_those_of_each_listener),
        cmocka_unit_test(a_listener_without_port_or_target_is_refused),
        cmocka_unit_test(a_check_says_every_mistake_once),
        cmocka_unit_test(a_check_of_a_password_that_is_no_text_ends_with_the_mistake),
        cmocka_unit_test(keys_of_shadowsocks_rust_are_used),
        cmocka_unit_test(every_mistake_is_reported),
    };
    return cmocka_run_group_tests(tests, capture_setup, capture_teardown);
}
