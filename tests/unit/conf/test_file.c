/* SPDX-License-Identifier: Apache-2.0 */
#include "capture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NEEDED "\"server\": \"192.0.2.1\", \"server_port\": 8388, \"password\": \"secret\""

static void write_text(struct capture *c, const char *text)
{
    capture_write(c, text, strlen(text));
}

/* Runs ss-server with this file. */
static void serve(struct capture *c, const char *text)
{
    write_text(c, text);
    SERVER(c, "-c", "@");
}

static void a_file_is_enough(void **state)
{
    struct capture *c = *state;
    serve(c,
          "{" NEEDED ", \"method\": \"aes-256-gcm\", \"timeout\": \"300\", \"fast_open\": true,"
          "\"mode\": \"tcp_and_udp\", \"plugin\": \"obfs-server\", \"plugin_opts\": \"obfs=tls\"}");
    capture_expect(c, -1, "");
    assert_string_equal(ssp__endpoint_host(&c->conf.server[0], (char[SSP_HOST_MAX]){0}),
                        "192.0.2.1");
    assert_int_equal(c->conf.server[0].port, 8388);
    assert_string_equal(c->conf.method, "aes-256-gcm");
    assert_int_equal(c->conf.timeout_s, 300);
    assert_true(c->conf.fast_open);
    assert_int_equal(c->conf.mode, SSP_TCP_AND_UDP);
    assert_string_equal(c->conf.plugin, "obfs-server");
    assert_string_equal(c->conf.plugin_opts, "obfs=tls");
}

static void the_command_line_beats_the_file(void **state)
{
    struct capture *c = *state;
    write_text(c, "{\"server\": [\"a\", \"b\"], \"server_port\": 1, \"local_port\": 2,"
                  "\"local_address\": \"::\", \"password\": \"file\", \"method\": \"aes-128-gcm\","
                  "\"timeout\": 5, \"mode\": \"udp_only\", \"mtu\": 100, \"plugin\": \"x\"}");
    LOCAL(c, "-s", "c", "-p", "11", "-l", "12", "-b", "127.0.0.9", "-k", "argv", "-m",
          "aes-256-gcm", "-t", "6", "-u", "--mtu", "200", "--plugin", "y", "-c", "@");
    capture_expect(c, -1, "");
    assert_int_equal(c->conf.servers, 1);
    assert_string_equal(ssp__endpoint_host(&c->conf.server[0], (char[SSP_HOST_MAX]){0}), "c");
    assert_int_equal(c->conf.server[0].port, 11);
    assert_int_equal(c->conf.local_port, 12);
    assert_string_equal(c->conf.local_address, "127.0.0.9");
    assert_string_equal(c->conf.password, "argv");
    assert_string_equal(c->conf.method, "aes-256-gcm");
    assert_int_equal(c->conf.timeout_s, 6);
    assert_int_equal(c->conf.mode, SSP_TCP_AND_UDP);
    assert_int_equal(c->conf.mtu, 200);
    assert_string_equal(c->conf.plugin, "y");
}

static void the_file_adds_what_the_command_line_does_not_say(void **state)
{
    struct capture *c = *state;
    write_text(c, "{" NEEDED ", \"mode\": \"udp_only\", \"user\": \"nobody\"}");
    SERVER(c, "-c", "@", "-p", "9");
    capture_expect(c, -1, "");
    assert_string_equal(ssp__endpoint_host(&c->conf.server[0], (char[SSP_HOST_MAX]){0}),
                        "192.0.2.1");
    assert_int_equal(c->conf.server[0].port, 9);
    assert_int_equal(c->conf.mode, SSP_UDP_ONLY);
    assert_string_equal(c->conf.user, "nobody");
}

static void a_switch_of_either_is_on(void **state)
{
    struct capture *c = *state;
    write_text(c, "{" NEEDED ", \"no_delay\": true, \"fast_open\": false}");
    SERVER(c, "-c", "@", "--fast-open");
    assert_true(c->conf.no_delay && c->conf.fast_open);
    assert_false(c->conf.reuse_port);
}

static void an_empty_plugin_on_the_command_line_beats_the_file(void **state)
{
    struct capture *c = *state;
    write_text(c, "{" NEEDED ", \"plugin\": \"obfs-server\"}");
    SERVER(c, "-c", "@", "--plugin", "");
    assert_null(c->conf.plugin);
}

static void a_password_on_the_command_line_beats_a_key_in_the_file(void **state)
{
    struct capture *c = *state;
    write_text(c, "{" NEEDED ", \"key\": \"AAECAwQFBgcICQoLDA0ODw==\"}");
    SERVER(c, "-c", "@", "-k", "argv");
    capture_expect(c, -1, "");
    assert_null(c->conf.key);
    assert_string_equal(c->conf.password, "argv");
}

static void the_default_file_is_read_only_without_arguments(void **state)
{
    struct capture *c = *state;
    char home[] = "/tmp/ss-conf-home-XXXXXX", below[64], path[128];
    assert_non_null(mkdtemp(home));
    (void)snprintf(below, sizeof below, "%s/shadowsocks-libev", home);
    (void)snprintf(path, sizeof path, "%s/config.json", below);
    assert_int_equal(mkdir(below, 0700), 0);
    write_text(c, "{" NEEDED "}");
    assert_int_equal(rename(c->path, path), 0);
    assert_int_equal(setenv("XDG_CONFIG_HOME", home, 1), 0);

    capture_run(c, SS_SERVER, (const char *const[]){"ss-server", NULL});
    capture_expect(c, -1, "");
    assert_int_equal(c->conf.server[0].port, 8388);
    SERVER(c, "-v");
    assert_int_equal(c->status, SS_EXIT_USAGE);

    assert_int_equal(unsetenv("XDG_CONFIG_HOME"), 0);
    assert_int_equal(rename(path, c->path) | rmdir(below) | rmdir(home), 0);
}

static void a_missing_file_says_why(void **state)
{
    struct capture *c = *state;
    SERVER(c, "-c", "/no/such/file");
    capture_expect(c, SS_EXIT_FATAL,
                   "ss-server: /no/such/file: cannot read the configuration: No such file or "
                   "directory\n");
    LOCAL(c, "-c", "/tmp");
    capture_expect(c, SS_EXIT_FATAL,
                   "ss-local: /tmp: cannot read the configuration: Is a directory\n");
}

static void a_syntax_error_has_a_line_and_a_column(void **state)
{
    static const struct {
        const char *text, *complaint;
    } cases[] = {
        {"{\n  \"a\": 1,\n  \"b\" 2\n}",
         ":3:7: not valid JSON: object property name separator ':' expected"},
        {"{\"a\": \"b\"", ":1:10: not valid JSON: unexpected end"},
        {"{\"\xc3\xa9\" 1}", ":1:6: not valid JSON: object property name separator ':' expected"},
        {"{\"a\": 1 \"b\": 2}", ":1:9: not valid JSON: object value separator ',' expected"},
        {"", ":1:1: not valid JSON: unexpected end"},
        {"{}\n}", ":2:1: not valid JSON: unexpected text after the closing brace"},
        {"[1]", ": an array is not a configuration (expected an object: {...})"},
        {"\"x\"", ": a string is not a configuration (expected an object: {...})"},
    };
    struct capture *c = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char line[256];
        (void)snprintf(line, sizeof line, "ss-server: @%s\n", cases[i].complaint);
        serve(c, cases[i].text);
        capture_expect(c, SS_EXIT_FATAL, line);
    }
}

static void a_nul_byte_is_a_syntax_error(void **state)
{
    static const char text[] = "{\"a\":\0 1}";
    struct capture *c = *state;
    capture_write(c, text, sizeof text - 1);
    SERVER(c, "-c", "@");
    capture_expect(c, SS_EXIT_FATAL, "ss-server: @:1:6: not valid JSON: unexpected NUL byte\n");
}

static void an_escaped_nul_is_not_cut_off(void **state)
{
    struct capture *c = *state;
    serve(c, "{" NEEDED ", \"password\": \"a\\u0000b\"}");
    capture_expect(c, SS_EXIT_FATAL, "ss-server: @: password: contains a NUL character\n");
}

/* Shadowsocks-libev and shadowsocks-rust read them, too. */
static void deep_nesting_is_fine(void **state)
{
    enum { DEPTH = 1000 };
    char text[2 * DEPTH + 256] = "{" NEEDED ", \"dscp\": ";
    struct capture *c = *state;
    size_t head = strlen(text);
    memset(text + head, '[', DEPTH);
    memset(text + head + DEPTH, ']', DEPTH);
    memcpy(text + head + 2 * DEPTH, "}", sizeof "}");
    serve(c, text);
    capture_expect(c, -1, "");
}

static void nesting_is_limited(void **state)
{
    static const char head[] = "{\"x\": ";
    char text[4096];
    struct capture *c = *state;
    memset(text, '[', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    memcpy(text, head, sizeof head - 1);
    serve(c, text);
    assert_int_equal(c->status, SS_EXIT_FATAL);
    assert_non_null(strstr(c->err, "not valid JSON: nesting too deep"));
}

static void a_byte_order_mark_comments_and_trailing_commas_are_fine(void **state)
{
    struct capture *c = *state;
    serve(c, "\xEF\xBB\xBF{/* ours */ " NEEDED ", \"server\": [\"a\", \"b\",],}\r\n");
    capture_expect(c, -1,
                   "ss-server: @:1:2: a comment is JSON5: read, but other programs may refuse the "
                   "file\n");
    assert_int_equal(c->conf.servers, 2);
}

static void a_file_may_have_16_mib_and_not_one_byte_more(void **state)
{
    enum { LIMIT = 16 * 1024 * 1024 };
    static const char object[] = "{" NEEDED "}";
    static char text[LIMIT + 1];
    struct capture *c = *state;
    memset(text, ' ', sizeof text);
    memcpy(text, object, sizeof object - 1);
    capture_write(c, text, LIMIT);
    SERVER(c, "-c", "@");
    capture_expect(c, -1, "");
    capture_write(c, text, LIMIT + 1);
    SERVER(c, "-c", "@");
    capture_expect(c, SS_EXIT_FATAL, "ss-server: @: too large (expected at most 16777216 bytes)\n");
}

static void a_wrong_value_names_file_and_key(void **state)
{
    static const struct {
        const char *item, *complaint;
    } cases[] = {
        {"\"server_port\": 99999", "server_port: 99999 is not a port (expected 1..65535)"},
        {"\"server_port\": \"x\"", "server_port: \"x\" is not a port (expected 1..65535)"},
        {"\"server_port\": 1.5", "server_port: 1.5 is not a port (expected 1..65535)"},
        {"\"server_port\": {}", "server_port: an object is not a port (expected 1..65535)"},
        {"\"timeout\": true", "timeout: true is not a number (expected 0..2147483)"},
        {"\"fast_open\": \"yes\"", "fast_open: \"yes\" is not a boolean (expected true or false)"},
        {"\"password\": [\"hush\"]", "password: an array is not text (expected a string)"},
        {"\"password\": 1.5", "password: a float is not text (expected a string)"},
        {"\"server\": [\"a\", 5]",
         "server: 5 is not an address (expected host, host:port or [ipv6]:port)"},
        {"\"server\": [null]",
         "server: null is not an address (expected host, host:port or [ipv6]:port)"},
        {"\"server\": [1,2]",
         "server: 1 is not an address (expected host, host:port or [ipv6]:port)"},
        {"\"local_ipv4_address\": \"::1\"",
         "local_ipv4_address: \"::1\" is not an IPv4 address (expected four numbers as in "
         "192.0.2.1)"},
        {"\"local_ipv6_address\": \"1.2.3.4\"",
         "local_ipv6_address: 1.2.3.4 is not an IPv6 address (expected groups as in "
         "2001:db8::1)"},
        {"\"auth\": true", "auth: One time auth has been deprecated. Try AEAD ciphers instead."},
        {"\"server\": [\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\",\"10\",\"11\"]",
         "server: too many addresses (expected at most 10)"},
    };
    struct capture *c = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[256], line[256];
        (void)snprintf(text, sizeof text, "{%s}", cases[i].item);
        (void)snprintf(line, sizeof line, "ss-server: @: %s\n", cases[i].complaint);
        serve(c, text);
        capture_expect(c, SS_EXIT_FATAL, line);
    }
}

static void a_wrong_method_lists_the_right_ones(void **state)
{
    struct capture *c = *state;
    serve(c, "{" NEEDED ", \"method\": true}");
    capture_expect(c, SS_EXIT_FATAL,
                   "ss-server: @: method: true is not a method (expected one of aes-128-gcm, "
                   "aes-192-gcm, aes-256-gcm, chacha20-ietf-poly1305, xchacha20-ietf-poly1305, "
                   "2022-blake3-aes-128-gcm, 2022-blake3-aes-256-gcm, "
                   "2022-blake3-chacha20-poly1305)\n");
    serve(c, "{" NEEDED ", \"method\": \"aes-256-cfb\"}");
    capture_expect(c, SS_EXIT_FATAL,
                   "ss-server: @: method: \"aes-256-cfb\" is a stream cipher, which is not secure "
                   "(expected one of aes-128-gcm, aes-192-gcm, aes-256-gcm, "
                   "chacha20-ietf-poly1305, xchacha20-ietf-poly1305, "
                   "2022-blake3-aes-128-gcm, 2022-blake3-aes-256-gcm, "
                   "2022-blake3-chacha20-poly1305)\n");
}

static void an_unknown_key_is_a_warning_with_a_guess(void **state)
{
    static const struct {
        const char *key, *complaint;
    } cases[] = {
        {"paswword", "unknown key, ignored (did you mean \"password\"?)"},
        {"sever", "unknown key, ignored (did you mean \"server\"?)"},
        {"fastopen", "unknown key, ignored (did you mean \"fast_open\"?)"},
        {"port", "unknown key, ignored (did you mean \"server_port\"?)"},
        {"cipher", "unknown key, ignored (did you mean \"method\"?)"},
        {"zzz", "unknown key, ignored"},
        {"x", "unknown key, ignored"},
        {"verbose", "unknown key, ignored"},
        {"dns", "not supported, ignored"},
        {"runtime", "not supported, ignored"},
    };
    struct capture *c = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[256], line[256];
        (void)snprintf(text, sizeof text, "{" NEEDED ", \"%s\": 5}", cases[i].key);
        (void)snprintf(line, sizeof line, "ss-server: @: %s: %s\n", cases[i].key,
                       cases[i].complaint);
        serve(c, text);
        capture_expect(c, -1, line);
    }
}

static void the_usual_misspellings_of_plugin_opts_work(void **state)
{
    static const char *const spellings[] = {"plugin-opts", "plugin_opt", "plugin-opt"};
    struct capture *c = *state;
    for (size_t i = 0; i < sizeof spellings / sizeof spellings[0]; i++) {
        char text[256], line[256];
        (void)snprintf(text, sizeof text, "{" NEEDED ", \"plugin\": \"p\", \"%s\": \"obfs=http\"}",
                       spellings[i]);
        (void)snprintf(line, sizeof line,
                       "ss-server: @: %s: read as \"plugin_opts\", the name of this "
                       "key\n",
                       spellings[i]);
        serve(c, text);
        capture_expect(c, -1, line);
        assert_string_equal(c->conf.plugin_opts, "obfs=http");
    }
}

static void dashes_in_a_key_are_a_warning(void **state)
{
    struct capture *c = *state;
    serve(c, "{\"server-port\": 5, \"password\": \"p\"}");
    capture_expect(c, -1,
                   "ss-server: @: server-port: read as \"server_port\", the name of this "
                   "key\n");
    assert_int_equal(c->conf.server[0].port, 5);
}

static void an_unknown_mode_falls_back_to_tcp(void **state)
{
    struct capture *c = *state;
    serve(c, "{" NEEDED ", \"mode\": \"both\"}");
    capture_expect(c, -1,
                   "ss-server: @: mode: ignore unknown mode: \"both\", use tcp_only as fallback "
                   "(expected tcp_only, tcp_and_udp or udp_only)\n");
    assert_int_equal(c->conf.mode, SSP_TCP_ONLY);
}

static void options_of_a_plugin_may_be_an_object(void **state)
{
    struct capture *c = *state;
    serve(c, "{" NEEDED
             ", \"plugin\": \"p\", \"plugin_opts\": {\"path\": \"/a;b=c\\\\d\", \"k=\": \"\","
             "\"n\": -5, \"f\": 1.5, \"tls\": true, \"off\": false, \"none\": null}}");
    capture_expect(c, -1, "");
    assert_string_equal(c->conf.plugin_opts, "path=/a\\;b\\=c\\\\d;k\\==;n=-5;f=1.5;tls");
}

static void an_option_that_cannot_be_written_is_refused(void **state)
{
    static const char *const objects[] = {"{\"a\": [1]}", "{\"ok\": 1, \"a\": {}}", "{\"\": \"x\"}",
                                          "{\"a\": \"x\\u0000y\"}"};
    struct capture *c = *state;
    for (size_t i = 0; i < sizeof objects / sizeof objects[0]; i++) {
        char text[256];
        (void)snprintf(text, sizeof text, "{" NEEDED ", \"plugin_opts\": %s}", objects[i]);
        serve(c, text);
        assert_int_equal(c->status, SS_EXIT_FATAL);
        assert_non_null(strstr(c->err, ": plugin_opts: \""));
        assert_non_null(strstr(c->err, "is not an option (expected a string, a number or a "
                                       "boolean)\n"));
    }
}

static void local_address_of_a_server_is_sorted_by_family(void **state)
{
    struct capture *c = *state;
    serve(c, "{" NEEDED ", \"local_address\": \"2001:db8::5\"}");
    capture_expect(c, -1, "");
    assert_null(c->conf.local_address);
    assert_string_equal(c->conf.local_ipv6_address, "2001:db8::5");
    serve(c, "{" NEEDED ", \"local_address\": \"127.0.0.1\","
             "\"local_ipv4_address\": \"192.0.2.7\"}");
    capture_expect(c, -1, "");
    assert_string_equal(c->conf.local_ipv4_address, "192.0.2.7");
}

static void the_loopback_address_of_a_clients_file_is_a_warning_on_a_server(void **state)
{
    struct capture *c = *state;
    serve(c, "{" NEEDED ", \"local_address\": \"127.0.0.1\", \"local_port\": 1080}");
    capture_expect(c, -1,
                   "ss-server: local_address: outgoing connections come from 127.0.0.1 and reach "
                   "this machine only (remove it unless that is meant)\n");
    LOCAL(c, "-c", "@");
    capture_expect(c, -1, "");
    assert_string_equal(c->conf.local_address, "127.0.0.1");
}

static void one_bound_family_on_the_command_line_drops_both_of_the_file(void **state)
{
    struct capture *c = *state;
    write_text(c, "{" NEEDED ", \"local_ipv4_address\": \"192.0.2.7\","
                  "\"local_address\": \"::1\"}");
    SERVER(c, "-c", "@", "-b", "2001:db8::5");
    capture_expect(c, -1, "");
    assert_null(c->conf.local_ipv4_address);
    assert_string_equal(c->conf.local_ipv6_address, "2001:db8::5");
}

static void a_public_file_with_a_password_is_a_warning(void **state)
{
    struct capture *c = *state;
    write_text(c, "{" NEEDED "}");
    assert_int_equal(chmod(c->path, 0644), 0);
    SERVER(c, "-c", "@");
    capture_expect(
        c, -1,
        "ss-server: @: holds a password and everyone can read it (chmod 640 and a group; "
        "for a unit with DynamicUser= chmod 600 and LoadCredential=)\n");
    assert_int_equal(chmod(c->path, 0640), 0);
    SERVER(c, "-c", "@");
    capture_expect(c, -1, "");
    write_text(c, "{\"servers\": [{\"server\": \"::1\", \"port\": 1, \"password\": \"p\"}]}");
    assert_int_equal(chmod(c->path, 0644), 0);
    SERVER(c, "-c", "@");
    assert_non_null(strstr(c->err, "holds a password and everyone can read it"));
}

static void a_public_file_with_names_of_variables_is_none(void **state)
{
    struct capture *c = *state;
    assert_int_equal(setenv("SS_TEST_KEY", "AAECAwQFBgcICQoLDA0ODw==", 1), 0);
    write_text(c, "{\"server\": \"192.0.2.1\", \"server_port\": 8388, \"method\": "
                  "\"2022-blake3-aes-128-gcm\", \"password\": \"${SS_TEST_KEY}\", "
                  "\"users\": [{\"name\": \"a\", \"password\": \"${SS_TEST_KEY}\"}]}");
    assert_int_equal(chmod(c->path, 0644), 0);
    SERVER(c, "-c", "@");
    assert_null(strstr(c->err, "holds a password"));
    assert_int_equal(unsetenv("SS_TEST_KEY"), 0);
}

static void a_file_that_others_can_change_is_a_warning(void **state)
{
    struct capture *c = *state;
    write_text(c, "{" NEEDED "}");
    assert_int_equal(chmod(c->path, 0602), 0);
    SERVER(c, "-c", "@");
    capture_expect(c, -1,
                   "ss-server: @: everyone can change it and so choose the plugin that runs (chmod "
                   "o-w)\n");
    if (geteuid() != 0)
        return; /* who else may give files away? */
    assert_int_equal(chmod(c->path, 0600) | chown(c->path, 65534, 65534), 0);
    SERVER(c, "-c", "@");
    capture_expect(c, -1,
                   "ss-server: @: user 65534 can change it and so choose what runs as root (chown "
                   "root, or start as that user)\n");
}

/* Nothing that its user could do would help. */
static void a_service_that_reads_a_public_file_of_root_is_not_warned(void **state)
{
    struct capture *c = *state;
    if (geteuid() != 0)
        skip();
    write_text(c, "{" NEEDED "}");
    assert_int_equal(chmod(c->path, 0644) | seteuid(65534), 0);
    SERVER(c, "-c", "@");
    assert_int_equal(seteuid(0), 0);
    capture_expect(c, -1, "");
}

static void port_password_is_for_ss_manager(void **state)
{
    struct capture *c = *state;
    serve(c, "{\"server\": \"::1\", \"port_password\": {\"8388\": \"geheim\"}}");
    assert_int_equal(c->status, SS_EXIT_USAGE);
    assert_non_null(strstr(c->err, ": port_password: is for ss-manager"));
    assert_null(strstr(c->err, "geheim"));
    serve(c, "{" NEEDED ", \"port_password\": {\"8388\": \"word\"}}");
    assert_int_equal(c->status, -1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, capture_setup, capture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_file_is_enough),
        TEST(the_command_line_beats_the_file),
        TEST(the_file_adds_what_the_command_line_does_not_say),
        TEST(a_switch_of_either_is_on),
        TEST(an_empty_plugin_on_the_command_line_beats_the_file),
        TEST(a_password_on_the_command_line_beats_a_key_in_the_file),
        TEST(the_default_file_is_read_only_without_arguments),
        TEST(a_missing_file_says_why),
        TEST(a_syntax_error_has_a_line_and_a_column),
        TEST(a_nul_byte_is_a_syntax_error),
        TEST(an_escaped_nul_is_not_cut_off),
        TEST(deep_nesting_is_fine),
        TEST(nesting_is_limited),
        TEST(a_byte_order_mark_comments_and_trailing_commas_are_fine),
        TEST(a_file_may_have_16_mib_and_not_one_byte_more),
        TEST(a_wrong_value_names_file_and_key),
        TEST(a_wrong_method_lists_the_right_ones),
        TEST(an_unknown_key_is_a_warning_with_a_guess),
        TEST(the_usual_misspellings_of_plugin_opts_work),
        TEST(dashes_in_a_key_are_a_warning),
        TEST(an_unknown_mode_falls_back_to_tcp),
        TEST(options_of_a_plugin_may_be_an_object),
        TEST(an_option_that_cannot_be_written_is_refused),
        TEST(local_address_of_a_server_is_sorted_by_family),
        TEST(the_loopback_address_of_a_clients_file_is_a_warning_on_a_server),
        TEST(one_bound_family_on_the_command_line_drops_both_of_the_file),
        TEST(a_public_file_with_a_password_is_a_warning),
        TEST(a_public_file_with_names_of_variables_is_none),
        TEST(a_file_that_others_can_change_is_a_warning),
        TEST(a_service_that_reads_a_public_file_of_root_is_not_warned),
        TEST(port_password_is_for_ss_manager),
    };
    return cmocka_run_group_tests_name("conf: the file", tests, NULL, NULL);
}
