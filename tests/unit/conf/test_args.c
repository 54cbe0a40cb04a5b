/* SPDX-License-Identifier: Apache-2.0 */
#include "capture.h"

#include "proto/method.h"

#include "within.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define METHODS                                                                                    \
    "aes-128-gcm, aes-192-gcm, aes-256-gcm, chacha20-ietf-poly1305, xchacha20-ietf-poly1305, "     \
    "2022-blake3-aes-128-gcm, 2022-blake3-aes-256-gcm, 2022-blake3-chacha20-poly1305"

/* Enough for each program to run. */
#define NEEDED_LOCAL "-s", "192.0.2.1", "-p", "8388", "-l", "1080", "-k", "secret"
#define NEEDED_SERVER "-p", "8388", "-k", "secret"

static void a_server_needs_a_port_and_a_password(void **state)
{
    struct capture *c = *state;
    SERVER(c, NEEDED_SERVER);
    capture_expect(c, -1, "");
    assert_int_equal(c->conf.servers, 1);
    assert_string_equal(ssp__endpoint_host(&c->conf.server[0], (char[SSP_HOST_MAX]){0}), "0.0.0.0");
    assert_int_equal(c->conf.server[0].port, 8388);
    assert_string_equal(c->conf.password, "secret");
}

static void a_client_needs_a_server_and_a_local_port_too(void **state)
{
    struct capture *c = *state;
    LOCAL(c, NEEDED_LOCAL);
    capture_expect(c, -1, "");
    assert_string_equal(ssp__endpoint_host(&c->conf.server[0], (char[SSP_HOST_MAX]){0}),
                        "192.0.2.1");
    assert_int_equal(c->conf.server[0].port, 8388);
    assert_int_equal(c->conf.local_port, 1080);
}

static void what_is_missing_is_named(void **state)
{
    struct capture *c = *state;
    SERVER(c, "-k", "secret");
    capture_expect(c, SS_EXIT_USAGE,
                   "ss-server: no server port (expected -p <port> or \"server_port\" in the "
                   "configuration file); ss-server -h for help\n");
    SERVER(c, "-p", "1");
    capture_expect(c, SS_EXIT_USAGE,
                   "ss-server: no password (expected -k <password> or \"password\" in the "
                   "configuration file); ss-server -h for help\n");
    LOCAL(c, "-p", "1", "-l", "1", "-k", "secret");
    capture_expect(c, SS_EXIT_USAGE,
                   "ss-local: no server (expected -s <host> or \"server\" in the configuration "
                   "file); ss-local -h for help\n");
    LOCAL(c, "-s", "a", "-p", "1", "-k", "secret");
    capture_expect(c, SS_EXIT_USAGE,
                   "ss-local: no local port (expected -l <port> or \"local_port\" in the "
                   "configuration file); ss-local -h for help\n");
}

static void defaults_are_those_of_shadowsocks_libev(void **state)
{
    struct capture *c = *state;
    LOCAL(c, NEEDED_LOCAL);
    assert_string_equal(c->conf.method, "chacha20-ietf-poly1305");
    assert_string_equal(c->conf.local_address, "127.0.0.1");
    assert_int_equal(c->conf.timeout_s, 60);
    assert_int_equal(c->conf.mode, SSP_TCP_ONLY);
    assert_null(c->conf.plugin);
    assert_null(c->conf.user);
    assert_int_equal(c->conf.mtu, 0);
    assert_false(c->conf.fast_open || c->conf.no_delay || c->conf.verbose || c->conf.ipv6_first);
}

static void a_client_of_ipv6_servers_listens_on_ipv6(void **state)
{
    struct capture *c = *state;
    LOCAL(c, "-s", "2001:db8::1", "-s", "[::1]:5", "-p", "1", "-l", "1", "-k", "x");
    assert_string_equal(c->conf.local_address, "::1");
    LOCAL(c, "-s", "2001:db8::1", "-s", "name", "-p", "1", "-l", "1", "-k", "x");
    assert_string_equal(c->conf.local_address, "127.0.0.1");
}

static void every_option_of_a_client_is_stored(void **state)
{
    struct capture *c = *state;
    LOCAL(c, NEEDED_LOCAL, "-m", "aes-256-gcm", "-a", "nobody", "-f", "/run/pid", "-t", "30", "-n",
          "4096", "-i", "eth0", "-b", "::", "-u", "-6", "-v", "--acl", "rules");
    capture_expect(c, -1, "");
    const struct ss_conf *conf = &c->conf;
    assert_string_equal(conf->method, "aes-256-gcm");
    assert_string_equal(conf->user, "nobody");
    assert_string_equal(conf->pid_file, "/run/pid");
    assert_int_equal(conf->timeout_s, 30);
    assert_int_equal(conf->nofile, 4096);
    assert_string_equal(conf->interface, "eth0");
    assert_string_equal(conf->local_address, "::");
    assert_int_equal(conf->mode, SSP_TCP_AND_UDP);
    assert_true(conf->ipv6_first && conf->verbose);
    assert_string_equal(conf->acl, "rules");
}

static void every_long_option_is_stored(void **state)
{
    struct capture *c = *state;
    SERVER(c, "-p", "1", "--password", "secret", "--plugin", "obfs-server", "--plugin-opts",
           "obfs=tls", "--mtu", "1400", "--mptcp", "--no-delay", "--fast-open", "--reuse-port",
           "--manager-address", "/run/m", "--tcp-incoming-sndbuf=20000",
           "--tcp-incoming-rcvbuf=20001", "--tcp-outgoing-sndbuf=20002",
           "--tcp-outgoing-rcvbuf=20003", "--handshake-timeout", "15", "--handshakes-per-ip", "16",
           "--keep-alive", "0", "--tcp-user-timeout=17", "-d", "192.0.2.53,::1");
    capture_expect(c, -1, "");
    const struct ss_conf *conf = &c->conf;
    assert_string_equal(conf->password, "secret");
    assert_string_equal(conf->plugin, "obfs-server");
    assert_string_equal(conf->plugin_opts, "obfs=tls");
    assert_int_equal(conf->mtu, 1400);
    assert_true(conf->mptcp && conf->no_delay && conf->fast_open && conf->reuse_port);
    assert_string_equal(conf->manager_address, "/run/m");
    assert_int_equal(conf->tcp_incoming_sndbuf, 20000);
    assert_int_equal(conf->tcp_incoming_rcvbuf, 20001);
    assert_int_equal(conf->tcp_outgoing_sndbuf, 20002);
    assert_int_equal(conf->tcp_outgoing_rcvbuf, 20003);
    assert_int_equal(conf->handshake_timeout_s, 15);
    assert_int_equal(conf->handshakes_per_ip, 16);
    assert_int_equal(conf->keep_alive_s, 0);
    assert_int_equal(conf->tcp_user_timeout_s, 17);
    assert_string_equal(conf->nameserver, "192.0.2.53,::1");
}

static void an_abbreviated_option_works(void **state)
{
    struct capture *c = *state;
    SERVER(c, NEEDED_SERVER, "--plugin", "p", "--plugin-o", "a=b", "--fast");
    capture_expect(c, -1, "");
    assert_string_equal(c->conf.plugin_opts, "a=b");
    assert_true(c->conf.fast_open);
}

static void a_server_ignores_the_local_port(void **state)
{
    struct capture *c = *state;
    SERVER(c, NEEDED_SERVER, "-l", "any");
    capture_expect(c, -1, "");
    assert_int_equal(c->conf.local_port, 0);
}

static void a_server_binds_outgoing_connections_by_family(void **state)
{
    struct capture *c = *state;
    SERVER(c, NEEDED_SERVER, "-b", "192.0.2.9", "-b", "2001:db8::9");
    capture_expect(c, -1, "");
    assert_null(c->conf.local_address);
    assert_string_equal(c->conf.local_ipv4_address, "192.0.2.9");
    assert_string_equal(c->conf.local_ipv6_address, "2001:db8::9");
    SERVER(c, NEEDED_SERVER, "-b", "name");
    capture_expect(
        c, SS_EXIT_USAGE,
        "ss-server: -b: \"name\" is not an IP address (expected IPv4 or IPv6, numeric)\n");
}

static void a_server_bound_to_loopback_is_a_warning(void **state)
{
    struct capture *c = *state;
    SERVER(c, NEEDED_SERVER, "-b", "127.0.0.1");
    capture_expect(c, -1,
                   "ss-server: local_address: outgoing connections come from 127.0.0.1 and reach "
                   "this machine only (remove it unless that is meant)\n");
}

static void servers_take_three_forms(void **state)
{
    struct capture *c = *state;
    LOCAL(c, "-s", "name", "-s", "192.0.2.1:1", "-s", "[2001:db8::1]:2", "-s", "::1", "-s", "[::2]",
          "-p", "9", "-l", "1", "-k", "x");
    capture_expect(c, -1, "");
    static const struct {
        const char *host;
        uint16_t port;
    } expected[] = {
        {"name", 9}, {"192.0.2.1", 1}, {"2001:db8::1", 2}, {"::1", 9}, {"::2", 9},
    };
    assert_int_equal(c->conf.servers, 5);
    for (unsigned i = 0; i < 5; i++) {
        assert_string_equal(ssp__endpoint_host(&c->conf.server[i], (char[SSP_HOST_MAX]){0}),
                            expected[i].host);
        assert_int_equal(c->conf.server[i].port, expected[i].port);
    }
}

static void servers_with_ports_need_no_server_port(void **state)
{
    struct capture *c = *state;
    LOCAL(c, "-s", "a:1", "-s", "[::1]:2", "-l", "1", "-k", "x");
    capture_expect(c, -1, "");
    assert_int_equal(c->conf.server[1].port, 2);
}

static void an_eleventh_server_is_refused(void **state)
{
    struct capture *c = *state;
    LOCAL(c, "-s", "1", "-s", "2", "-s", "3", "-s", "4", "-s", "5", "-s", "6", "-s", "7", "-s", "8",
          "-s", "9", "-s", "10", "-s", "11");
    capture_expect(c, SS_EXIT_USAGE, "ss-local: -s: too many addresses (expected at most 10)\n");
}

static void a_wrong_value_says_what_was_expected(void **state)
{
    static const struct {
        const char *option, *value, *complaint;
    } cases[] = {
        {"-p", "99999", "-p: 99999 is not a port (expected 1..65535)"},
        {"-p", "0", "-p: 0 is not a port (expected 1..65535)"},
        {"-p", "http", "-p: \"http\" is not a port (expected 1..65535)"},
        {"-p", "", "-p: \"\" is not a port (expected 1..65535)"},
        {"-p", " 80", "-p: \" 80\" is not a port (expected 1..65535)"},
        {"-t", "-5", "-t: -5 is not a number (expected 0..2147483)"},
        {"-t", "1m", "-t: \"1m\" is not a number (expected 0..2147483)"},
        {"-t", "", "-t: \"\" is not a number (expected 0..2147483)"},
        {"-n", "99999999999999999999",
         "-n: 99999999999999999999 is not a number (expected 0..2147483647)"},
        {"--mtu", "65536", "--mtu: 65536 is not a number (expected 0..65535)"},
        {"--handshake-timeout", "3601",
         "--handshake-timeout: 3601 is not a number (expected 0..3600)"},
        {"-s", "", "-s: \"\" is not an address (expected host, host:port or [ipv6]:port)"},
        {"-s", "a:0", "-s: \"a:0\" is not an address (expected host, host:port or [ipv6]:port)"},
        {"-s", "a b", "-s: \"a b\" is not an address (expected host, host:port or [ipv6]:port)"},
        {"-s", "[::1", "-s: \"[::1\" is not an address (expected host, host:port or [ipv6]:port)"},
        {"-s", "::1:8388", "-s: \"::1:8388\" lacks brackets (expected [::1]:8388)"},
        {"-s", "::8388", "-s: \"::8388\" lacks brackets (expected [::]:8388)"},
        {"-s", "2001:db8::5:18388",
         "-s: \"2001:db8::5:18388\" lacks brackets (expected [2001:db8::5]:18388)"},
        {"-b", "::1:18080", "-b: \"::1:18080\" is an address with a port (expected ::1)"},
        {"-b", "::1:99", "-b: \"::1:99\" is an address with a port (expected ::1)"},
    };
    struct capture *c = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char line[256];
        (void)snprintf(line, sizeof line, "ss-server: %s\n", cases[i].complaint);
        SERVER(c, cases[i].option, cases[i].value);
        capture_expect(c, SS_EXIT_USAGE, line);
    }
}

static void name_servers_are_addresses(void **state)
{
    static const char *const right[][2] = {
        {"192.0.2.53,::1", "192.0.2.53,::1"},
        {" 192.0.2.53 , [::1],\t[2001:db8::1]:5353,", "192.0.2.53,::1,[2001:db8::1]:5353"},
        {"192.0.2.53:5353,,::1", "192.0.2.53:5353,::1"},
    };
    static const char *const wrong[] = {"start",      "8.8.8",          "dns.example", "a;b",
                                        ",",          "a#53",           "192.0.2.1:0", "[::1",
                                        "fe80::1%lo", "[fe80::1%lo]:53"};
    struct capture *c = *state;
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++) {
        SERVER(c, NEEDED_SERVER, "-d", right[i][0]);
        capture_expect(c, -1, "");
        assert_string_equal(c->conf.nameserver, right[i][1]);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char line[256];
        const char *quote = strspn(wrong[i], "0123456789.") == strlen(wrong[i]) ? "" : "\"";
        (void)snprintf(line, sizeof line,
                       "ss-server: -d: %s%s%s is not a list of name servers (expected IP addresses "
                       "and commas; with a port as in 192.0.2.1:53 or [2001:db8::1]:53)\n",
                       quote, wrong[i], quote);
        SERVER(c, NEEDED_SERVER, "-d", wrong[i]);
        capture_expect(c, SS_EXIT_USAGE, line);
    }
}

static void a_missing_port_may_be_one_without_brackets(void **state)
{
    struct capture *c = *state;
    SERVER(c, "-k", "secret", "-s", "2001:db8::1:8388");
    capture_expect(c, SS_EXIT_USAGE,
                   "ss-server: no server port (expected -p <port> or \"server_port\" in the "
                   "configuration file; an IPv6 address with a port needs brackets: "
                   "[2001:db8::1]:8388); ss-server -h for help\n");
}

static void a_wrong_option_says_which(void **state)
{
    struct capture *c = *state;
    SERVER(c, "-x");
    capture_expect(c, SS_EXIT_USAGE,
                   "ss-server: unknown option -x (ss-server -h lists the options)\n");
    LOCAL(c, "-vd");
    capture_expect(c, SS_EXIT_USAGE,
                   "ss-local: unknown option -d (ss-local -h lists the options)\n");
    SERVER(c, "--pluggin", "x");
    capture_expect(c, SS_EXIT_USAGE,
                   "ss-server: unknown option --pluggin (did you mean --plugin?)\n");
    SERVER(c, "--plugin_opts=x");
    capture_expect(c, SS_EXIT_USAGE,
                   "ss-server: unknown option --plugin_opts (did you mean --plugin-opts?)\n");
    SERVER(c, "--pasword=hush");
    capture_expect(c, SS_EXIT_USAGE,
                   "ss-server: unknown option --pasword (did you mean --password?)\n");
    SERVER(c, "--secret=hush");
    capture_expect(
        c, SS_EXIT_USAGE,
        "ss-server: unknown or ambiguous option --secret (ss-server -h lists the options)\n");
    SERVER(c, "--tcp");
    capture_expect(
        c, SS_EXIT_USAGE,
        "ss-server: unknown or ambiguous option --tcp (ss-server -h lists the options)\n");
    SERVER(c, "-p");
    capture_expect(c, SS_EXIT_USAGE, "ss-server: -p: missing argument (expected <port>)\n");
    SERVER(c, "--plugin");
    capture_expect(c, SS_EXIT_USAGE,
                   "ss-server: --plugin: missing argument (expected <command>)\n");
    SERVER(c, "--mptcp=yes");
    capture_expect(c, SS_EXIT_USAGE, "ss-server: --mptcp: takes no value\n");
}

static void one_time_auth_is_fatal(void **state)
{
    struct capture *c = *state;
    SERVER(c, NEEDED_SERVER, "-A");
    capture_expect(c, SS_EXIT_FATAL,
                   "ss-server: -A: One time auth has been deprecated. Try AEAD ciphers instead.\n");
}

static void a_stray_argument_is_a_warning(void **state)
{
    struct capture *c = *state;
    SERVER(c, NEEDED_SERVER, "start", "-v");
    capture_expect(c, -1, "ss-server: unexpected argument \"start\", ignored\n");
    assert_true(c->conf.verbose);
}

static void control_characters_do_not_reach_the_terminal(void **state)
{
    struct capture *c = *state;
    SERVER(c, "-p", "\x1b[2J\n8");
    capture_expect(c, SS_EXIT_USAGE,
                   "ss-server: -p: \"?[2J?8\" is not a port (expected 1..65535)\n");
}

static void a_method_that_is_no_aead_cipher_is_fatal(void **state)
{
    struct capture *c = *state;
    assert_string_equal(ss_method_list(), METHODS);
    SERVER(c, NEEDED_SERVER, "-m", "rc4-md5");
    capture_expect(c, SS_EXIT_FATAL,
                   "ss-server: -m: \"rc4-md5\" is a stream cipher, which is not secure (expected "
                   "one of " METHODS ")\n");
    SERVER(c, NEEDED_SERVER, "-m", "none");
    capture_expect(c, SS_EXIT_FATAL,
                   "ss-server: -m: \"none\" is no encryption, which is not supported (expected one "
                   "of " METHODS ")\n");
    SERVER(c, NEEDED_SERVER, "-m", "2022-blake3-chacha8-poly1305");
    capture_expect(
        c, SS_EXIT_FATAL,
        "ss-server: -m: \"2022-blake3-chacha8-poly1305\" is a method of AEAD-2022 that "
        "is not supported (did you mean 2022-blake3-chacha20-poly1305? expected one of " METHODS
        ")\n");
    LOCAL(c, NEEDED_LOCAL, "-m", "no-such-method");
    capture_expect(c, SS_EXIT_FATAL,
                   "ss-local: -m: \"no-such-method\" is not a method (expected one of " METHODS
                   ")\n");
}

static void a_method_is_known_in_any_case(void **state)
{
    struct capture *c = *state;
    SERVER(c, NEEDED_SERVER, "-m", "AES-128-GCM");
    capture_expect(c, -1, "");
    assert_string_equal(c->conf.method, "aes-128-gcm");
}

static void a_key_fits_its_method(void **state)
{
    struct capture *c = *state;
    SERVER(c, "-p", "1", "-m", "aes-128-gcm", "--key", "AAECAwQFBgcICQoLDA0ODw==");
    capture_expect(c, -1, "");
    assert_string_equal(c->conf.key, "AAECAwQFBgcICQoLDA0ODw==");
}

static void a_wrong_key_is_fatal_and_a_fresh_one_is_offered(void **state)
{
    struct capture *c = *state;
    SERVER(c, "-p", "1", "-m", "aes-256-gcm", "--key", "AAECAwQFBgcICQoLDA0ODw==");
    assert_int_equal(c->status, SS_EXIT_USAGE);
    static const char reason[] = "ss-server: key: wrong length: 16 bytes (aes-256-gcm expects 32 "
                                 "bytes in URL-safe base64; a new random key: ";
    assert_memory_equal(c->err, reason, sizeof reason - 1);

    char fresh[64] = "";
    assert_int_equal(sscanf(c->err + sizeof reason - 1, "%45[^)])\n", fresh), 1);
    SERVER(c, "-p", "1", "-m", "aes-256-gcm", "--key", fresh);
    capture_expect(c, -1, "");
}

static void a_key_that_is_not_base64_is_fatal(void **state)
{
    struct capture *c = *state;
    SERVER(c, "-p", "1", "--key", "???");
    assert_int_equal(c->status, SS_EXIT_USAGE);
    assert_non_null(strstr(c->err, "ss-server: key: not base64 ("));
}

static void secrets_vanish_from_the_command_line(void **state)
{
    struct capture *c = *state;
    SERVER(c, "-p", "1", "-k", "first", "--password=second", "-kthird");
    capture_expect(c, -1, "");
    assert_string_equal(c->conf.password, "third");
    assert_string_equal(c->argv[4], "*****");
    assert_string_equal(c->argv[5], "--password=******");
    assert_string_equal(c->argv[6], "-k*****");
    SERVER(c, "-p", "1", "--key", "AAECAwQFBgcICQoLDA0ODw==");
    assert_string_equal(c->argv[4], "************************");
}

static void a_forgotten_key_is_gone(void **state)
{
    struct capture *c = *state;
    SERVER(c, "-p", "1", "-k", "secret", "--plugin-opts", "key=other");
    ss_conf_forget_key(&c->conf);
    assert_null(c->conf.password);
    assert_string_equal(c->conf.plugin_opts, "key=other");
}

static void an_empty_plugin_is_none(void **state)
{
    struct capture *c = *state;
    SERVER(c, NEEDED_SERVER, "--plugin", "", "--plugin-opts", "", "-a", "");
    capture_expect(c, -1, "");
    assert_null(c->conf.plugin);
    assert_null(c->conf.plugin_opts);
    assert_null(c->conf.user);
}

static void an_empty_password_is_a_warning(void **state)
{
    struct capture *c = *state;
    SERVER(c, "-p", "1", "-k", "");
    capture_expect(c, -1,
                   "ss-server: password: is empty: everyone can use the server (set a password)\n");
    assert_string_equal(c->conf.password, "");
}

static void a_method_that_is_nearly_right_is_guessed(void **state)
{
    static const struct {
        const char *typed, *meant;
    } rows[] = {{"aes-256-gmc", "aes-256-gcm"},
                {"aes_256_gcm", "aes-256-gcm"},
                {"aes256gcm", "aes-256-gcm"},
                {"aes-128-gmc", "aes-128-gcm"},
                {"AEAD_AES_192_GCM", "aes-192-gcm"},
                {"chacha20-poly1305", "chacha20-ietf-poly1305"},
                {"AEAD_CHACHA20_POLY1305", "chacha20-ietf-poly1305"},
                {"xchacha20-poly1305", "xchacha20-ietf-poly1305"},
                {"chacha20-ietf-poly1350", "chacha20-ietf-poly1305"}};
    struct capture *c = *state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char expected[128];
        SERVER(c, "-p", "1", "-k", "x", "-m", rows[i].typed);
        assert_int_equal(c->status, SS_EXIT_FATAL);
        (void)snprintf(expected, sizeof expected,
                       "\"%s\" is not a method (did you mean %s? expected ", rows[i].typed,
                       rows[i].meant);
        assert_non_null(strstr(c->err, expected));
    }
    SERVER(c, "-p", "1", "-k", "x", "-m", "blowfish");
    assert_null(strstr(c->err, "did you mean"));
    SERVER(c, "-p", "1", "-k", "x", "-m", "aes-256-cfb");
    assert_null(strstr(c->err, "did you mean"));
}

static void small_socket_buffers_are_ignored(void **state)
{
    struct capture *c = *state;
    SERVER(c, NEEDED_SERVER, "--tcp-outgoing-rcvbuf", "16382", "--tcp-outgoing-sndbuf", "16383");
    capture_expect(c, -1,
                   "ss-server: tcp_outgoing_rcvbuf: 16382 is too small, ignored (expected at least "
                   "16383)\n");
    assert_int_equal(c->conf.tcp_outgoing_rcvbuf, 0);
    assert_int_equal(c->conf.tcp_outgoing_sndbuf, 16383);
}

static void the_last_of_two_modes_counts(void **state)
{
    struct capture *c = *state;
    SERVER(c, NEEDED_SERVER, "-u", "-U");
    assert_int_equal(c->conf.mode, SSP_UDP_ONLY);
    SERVER(c, NEEDED_SERVER, "-Uu");
    assert_int_equal(c->conf.mode, SSP_TCP_AND_UDP);
}

static void help_is_on_stdout_and_a_success(void **state)
{
    struct capture *c = *state;
    SERVER(c, "-h");
    capture_expect(c, SS_EXIT_OK, "");
    assert_non_null(strstr(c->out, "shadowsocks-libev"));
    assert_non_null(strstr(c->out, "2022-blake3-chacha20-poly1305\n"));
    assert_non_null(strstr(c->out, "\n  ss-server -c config.json\n"));
    LOCAL(c, "--help", "-p", "wrong");
    capture_expect(c, SS_EXIT_OK, "");
    assert_non_null(strstr(c->out, "shadowsocks-libev"));
    assert_non_null(strstr(c->out, "\n  ss-local -c config.json\n"));
    assert_null(strstr(c->out, "--manager-address"));
}

static void help_fits_a_terminal(void **state)
{
    struct capture *c = *state;
    LOCAL(c, "-h");
    for (const char *line = c->out; *line != '\0'; line += strcspn(line, "\n") + 1)
        assert_within(strcspn(line, "\n"), 0, 80);
    SERVER(c, "-h");
    for (const char *line = c->out; *line != '\0'; line += strcspn(line, "\n") + 1)
        assert_within(strcspn(line, "\n"), 0, 80);
}

static void the_version_is_a_name_and_a_number(void **state)
{
    struct capture *c = *state;
    unsigned major, minor, patch;
    LOCAL(c, "--version");
    capture_expect(c, SS_EXIT_OK, "");
    assert_int_equal(sscanf(c->out, "shadowplug %u.%u.%u\n", &major, &minor, &patch), 3);
}

/* One row of -h per letter and name that scripts use. */
static void is_known(struct capture *c, const char *option, const char *value)
{
    LOCAL(c, option, value, "-h");
    capture_expect(c, SS_EXIT_OK, "");
    SERVER(c, option, value, "-h");
    capture_expect(c, SS_EXIT_OK, "");
}

static void every_option_of_shadowsocks_libev_is_known(void **state)
{
    static const char *const flags[] = {"-u",          "-U",         "-6",      "-v",
                                        "--fast-open", "--no-delay", "--mptcp", "--reuse-port"};
    static const char *const valued[] = {"-p", "-l",    "-t",       "-n",           "--mtu",
                                         "-s", "-k",    "-f",       "-c",           "-a",
                                         "-i", "--acl", "--plugin", "--plugin-opts"};
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
        is_known(*state, flags[i], "-h");
    for (size_t i = 0; i < sizeof valued / sizeof valued[0]; i++)
        is_known(*state, valued[i], "1");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, capture_setup, capture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_server_needs_a_port_and_a_password),
        TEST(a_client_needs_a_server_and_a_local_port_too),
        TEST(what_is_missing_is_named),
        TEST(defaults_are_those_of_shadowsocks_libev),
        TEST(a_client_of_ipv6_servers_listens_on_ipv6),
        TEST(every_option_of_a_client_is_stored),
        TEST(every_long_option_is_stored),
        TEST(an_abbreviated_option_works),
        TEST(a_server_ignores_the_local_port),
        TEST(a_server_binds_outgoing_connections_by_family),
        TEST(a_server_bound_to_loopback_is_a_warning),
        TEST(servers_take_three_forms),
        TEST(servers_with_ports_need_no_server_port),
        TEST(an_eleventh_server_is_refused),
        TEST(a_wrong_value_says_what_was_expected),
        TEST(name_servers_are_addresses),
        TEST(a_missing_port_may_be_one_without_brackets),
        TEST(a_wrong_option_says_which),
        TEST(one_time_auth_is_fatal),
        TEST(a_stray_argument_is_a_warning),
        TEST(control_characters_do_not_reach_the_terminal),
        TEST(a_method_that_is_no_aead_cipher_is_fatal),
        TEST(a_method_is_known_in_any_case),
        TEST(a_key_fits_its_method),
        TEST(a_wrong_key_is_fatal_and_a_fresh_one_is_offered),
        TEST(a_key_that_is_not_base64_is_fatal),
        TEST(secrets_vanish_from_the_command_line),
        TEST(a_forgotten_key_is_gone),
        TEST(an_empty_plugin_is_none),
        TEST(an_empty_password_is_a_warning),
        TEST(a_method_that_is_nearly_right_is_guessed),
        TEST(small_socket_buffers_are_ignored),
        TEST(the_last_of_two_modes_counts),
        TEST(help_is_on_stdout_and_a_success),
        TEST(help_fits_a_terminal),
        TEST(the_version_is_a_name_and_a_number),
        TEST(every_option_of_shadowsocks_libev_is_known),
    };
    return cmocka_run_group_tests_name("conf: the command line", tests, NULL, NULL);
}
