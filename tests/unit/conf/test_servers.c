/* SPDX-License-Identifier: Apache-2.0 */
/* Servers that bring their own settings, and the options of shadowsocks-c. */
#include "capture.h"

#include <stdio.h>
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

static void one_of_several_is_used(void **state)
{
    struct capture *c = *state;
    LOCAL(c, "ss://cmM0LW1kNTp4@h:1#old", "ss://" SECRET "@i:2", "ss://" OTHER "@j:3");
    capture_expect(c, -1,
                   "ss-local: server old (h:1): its method is not supported; skipped\n"
                   "ss-local: one of 3 servers is used, i:2: this program does not choose among "
                   "servers with settings of their own\n");
    LOCAL(c, "ss://cmM0LW1kNTp4@h:1");
    assert_int_equal(c->status, SS_EXIT_FATAL);
    assert_non_null(strstr(c->err, "\"rc4-md5\" is a stream cipher"));
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
        cmocka_unit_test(one_of_several_is_used),
        cmocka_unit_test(the_options_of_shadowsocks_c_are_those_of_ours),
        cmocka_unit_test(every_mistake_is_reported),
    };
    return cmocka_run_group_tests(tests, capture_setup, capture_teardown);
}
