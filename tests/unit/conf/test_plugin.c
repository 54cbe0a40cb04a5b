/* SPDX-License-Identifier: Apache-2.0 */
/* How a plugin is run: keys whose zero is a value, and times with a fraction. */
#include "capture.h"
#include "within.h"

#include <stdio.h>
#include <string.h>

#define NEEDED_LOCAL "-s", "192.0.2.1", "-p", "8388", "-l", "1080", "-k", "secret"
#define NEEDED_SERVER "-p", "8388", "-k", "secret"
#define NEEDED "\"server_port\": 8388, \"password\": \"secret\""

/* The file has these items besides what is needed. */
static void write_items(struct capture *c, const char *items)
{
    char text[1024];
    int len = snprintf(text, sizeof text, "{" NEEDED ", %s}", items);
    assert_within(len, 1, sizeof text - 1);
    capture_write(c, text, (size_t)len);
}

static void expect_defaults(const struct ss_conf *conf)
{
    assert_false(conf->plugin_restart || conf->plugin_udp_off || conf->print_plugin_env);
    assert_true(conf->plugin_sandbox);
    assert_int_equal(conf->plugin_mode, SSP_TCP_ONLY);
    assert_int_equal(conf->plugin_grace_ms, 2000);
    assert_int_equal(conf->plugin_ready_ms, 10000);
    assert_null(conf->plugin_dir);
    assert_null(conf->plugin_user);
}

static void expect_everything_set(const struct ss_conf *conf)
{
    assert_true(conf->plugin_restart && conf->plugin_udp_off);
    assert_false(conf->plugin_sandbox);
    assert_int_equal(conf->plugin_mode, SSP_UDP_ONLY);
    assert_int_equal(conf->plugin_grace_ms, 500);
    assert_int_equal(conf->plugin_ready_ms, 2500);
    assert_string_equal(conf->plugin_dir, "/opt/plugins");
    assert_string_equal(conf->plugin_user, "nobody");
}

#define EVERY_OPTION                                                                               \
    "--plugin-restart", "on-failure", "--plugin-grace", "0.5", "--plugin-ready", "2.5",            \
        "--plugin-user", "nobody", "--no-plugin-sandbox", "--plugin-dir", "/opt/plugins",          \
        "--plugin-udp", "off", "--plugin-mode", "udp_only"

#define EVERY_KEY                                                                                  \
    "\"plugin_restart\": \"on-failure\", \"plugin_grace\": 0.5, \"plugin_ready\": \"2.5\","        \
    "\"plugin_user\": \"nobody\", \"plugin_sandbox\": false, \"plugin_dir\": \"/opt/plugins\","    \
    "\"plugin_udp\": \"off\", \"plugin_mode\": \"udp_only\""

static void options_without_a_plugin_are_a_warning(void **state)
{
    struct capture *c = *state;
    static const char warning[] =
        "ss-server: plugin_opts: ignored without a plugin (set \"plugin\" to the program that they "
        "are for)\n";
    SERVER(c, NEEDED_SERVER, "--plugin-opts", "obfs=http");
    capture_expect(c, -1, warning);
    SERVER(c, NEEDED_SERVER, "--plugin", "", "--plugin-opts", "obfs=http");
    capture_expect(c, -1, warning);
    SERVER(c, NEEDED_SERVER, "--plugin", "obfs-server", "--plugin-opts", "obfs=http");
    capture_expect(c, -1, "");
    SERVER(c, NEEDED_SERVER, "--plugin-opts", "");
    capture_expect(c, -1, "");
}

static void defaults_are_those_of_sip003_in_a_sandbox(void **state)
{
    struct capture *c = *state;
    LOCAL(c, NEEDED_LOCAL);
    capture_expect(c, -1, "");
    expect_defaults(&c->conf);
    write_items(c, "\"plugin_grace\": null");
    SERVER(c, "-c", "@");
    capture_expect(c, -1, "");
    expect_defaults(&c->conf);
}

static void every_option_is_stored(void **state)
{
    struct capture *c = *state;
    LOCAL(c, NEEDED_LOCAL, EVERY_OPTION);
    capture_expect(c, -1, "");
    expect_everything_set(&c->conf);
    SERVER(c, NEEDED_SERVER, EVERY_OPTION, "--print-plugin-env");
    capture_expect(c, -1, "");
    expect_everything_set(&c->conf);
    assert_true(c->conf.print_plugin_env);
}

static void every_key_is_stored(void **state)
{
    struct capture *c = *state;
    write_items(c, EVERY_KEY);
    LOCAL(c, "-c", "@", "-s", "192.0.2.1", "-l", "1080");
    capture_expect(c, -1, "");
    expect_everything_set(&c->conf);
    SERVER(c, "-c", "@");
    capture_expect(c, -1, "");
    expect_everything_set(&c->conf);
}

static void the_command_line_beats_the_file_also_with_a_zero(void **state)
{
    struct capture *c = *state;
    write_items(c, EVERY_KEY);
    SERVER(c, "-c", "@", "--plugin-restart", "never", "--plugin-grace", "0", "--plugin-ready", "1",
           "--plugin-user", "", "--plugin-dir", "", "--plugin-udp", "direct", "--plugin-mode",
           "tcp_only");
    capture_expect(c, -1, "");
    assert_int_equal(c->conf.plugin_mode, SSP_TCP_ONLY);
    assert_false(c->conf.plugin_restart || c->conf.plugin_udp_off || c->conf.plugin_sandbox);
    assert_int_equal(c->conf.plugin_grace_ms, 0);
    assert_int_equal(c->conf.plugin_ready_ms, 1000);
    assert_null(c->conf.plugin_dir);
    assert_null(c->conf.plugin_user);
}

static void a_zero_in_the_file_is_not_the_default(void **state)
{
    struct capture *c = *state;
    write_items(c, "\"plugin_grace\": 0, \"plugin_restart\": \"never\"");
    SERVER(c, "-c", "@");
    capture_expect(c, -1, "");
    assert_int_equal(c->conf.plugin_grace_ms, 0);
    SERVER(c, "-c", "@", "--plugin-grace", "1");
    assert_int_equal(c->conf.plugin_grace_ms, 1000);
}

static void the_sandbox_is_off_when_either_says_so(void **state)
{
    struct capture *c = *state;
    write_items(c, "\"plugin_sandbox\": true");
    SERVER(c, "-c", "@");
    assert_true(c->conf.plugin_sandbox);
    SERVER(c, "-c", "@", "--no-plugin-sandbox");
    assert_false(c->conf.plugin_sandbox);
    write_items(c, "\"plugin_sandbox\": false");
    SERVER(c, "-c", "@");
    assert_false(c->conf.plugin_sandbox);
}

static void of_two_texts_for_a_time_the_last_counts(void **state)
{
    struct capture *c = *state;
    SERVER(c, NEEDED_SERVER, "--plugin-grace", "5", "--plugin-grace=0");
    assert_int_equal(c->conf.plugin_grace_ms, 0);
    SERVER(c, NEEDED_SERVER, "--plugin-restart", "on-failure", "--plugin-restart", "never");
    assert_false(c->conf.plugin_restart);
}

/* Numbers of the file and texts alike. */
static void a_time_is_kept_in_milliseconds(void **state)
{
    static const struct {
        const char *seconds;
        unsigned ms;
    } cases[] = {
        {"0", 0},          {"0.0", 0},          {"0.001", 1},
        {"0.0009", 0},     {"0.5", 500},        {"0.25", 250},
        {"1.9999", 1999},  {"2", 2000},         {"0.30000000000000004", 300},
        {"3600", 3600000}, {"3600.0", 3600000}, {"3599.999", 3599999},
        {"10.01", 10010},
    };
    struct capture *c = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char item[64];
        SERVER(c, NEEDED_SERVER, "--plugin-grace", cases[i].seconds);
        capture_expect(c, -1, "");
        assert_int_equal(c->conf.plugin_grace_ms, cases[i].ms);
        (void)snprintf(item, sizeof item, "\"plugin_grace\": %s", cases[i].seconds);
        write_items(c, item);
        SERVER(c, "-c", "@");
        capture_expect(c, -1, "");
        assert_int_equal(c->conf.plugin_grace_ms, cases[i].ms);
    }
    SERVER(c, NEEDED_SERVER, "--plugin-ready", "0.1");
    assert_int_equal(c->conf.plugin_ready_ms, 100);
}

#define GRACE(found) "--plugin-grace: " found " is not a number of seconds (expected 0..3600)"
#define READY(found) "--plugin-ready: " found " is not a number of seconds (expected 0.1..3600)"

static void a_wrong_option_says_what_was_expected(void **state)
{
    static const struct {
        const char *option, *value, *complaint;
    } cases[] = {
        {"--plugin-grace", "", GRACE("\"\"")},
        {"--plugin-grace", "-1", GRACE("-1")},
        {"--plugin-grace", "1s", GRACE("\"1s\"")},
        {"--plugin-grace", ".5", GRACE(".5")},
        {"--plugin-grace", "5.", GRACE("5.")},
        {"--plugin-grace", "1.2.3", GRACE("1.2.3")},
        {"--plugin-grace", "0,5", GRACE("\"0,5\"")},
        {"--plugin-grace", "1e3", GRACE("1e3")},
        {"--plugin-grace", " 1", GRACE("\" 1\"")},
        {"--plugin-grace", "0.5 ", GRACE("\"0.5 \"")},
        {"--plugin-grace", "nan", GRACE("\"nan\"")},
        {"--plugin-grace", "3600.001", GRACE("3600.001")},
        {"--plugin-grace", "3601", GRACE("3601")},
        {"--plugin-grace", "99999999999999999999999", GRACE("99999999999999999999999")},
        {"--plugin-ready", "0", READY("0")},
        {"--plugin-ready", "0.0999", READY("0.0999")},
        {"--plugin-ready", "3601", READY("3601")},
        {"--plugin-restart", "always",
         "--plugin-restart: \"always\" is not a restart policy (expected never or on-failure)"},
        {"--plugin-restart", "On-Failure",
         "--plugin-restart: \"On-Failure\" is not a restart policy (expected never or "
         "on-failure)"},
        {"--plugin-restart", "",
         "--plugin-restart: \"\" is not a restart policy (expected never or on-failure)"},
        {"--plugin-udp", "plugin",
         "--plugin-udp: \"plugin\" is not a policy for UDP (expected direct or off)"},
        {"--plugin-dir", "plugins",
         "--plugin-dir: \"plugins\" is not an absolute path (expected one that begins with /)"},
        {"--plugin-dir", "./x",
         "--plugin-dir: \"./x\" is not an absolute path (expected one that begins with /)"},
    };
    struct capture *c = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char line[256];
        (void)snprintf(line, sizeof line, "ss-server: %s\n", cases[i].complaint);
        SERVER(c, cases[i].option, cases[i].value);
        capture_expect(c, SS_EXIT_USAGE, line);
    }
    SERVER(c, "--no-plugin-sandbox=yes");
    capture_expect(c, SS_EXIT_USAGE, "ss-server: --no-plugin-sandbox: takes no value\n");
    SERVER(c, "--plugin-sandbox");
    capture_expect(c, SS_EXIT_USAGE,
                   "ss-server: unknown or ambiguous option --plugin-sandbox (ss-server -h lists "
                   "the options)\n");
}

static void a_wrong_key_says_what_was_expected(void **state)
{
    static const struct {
        const char *item, *complaint;
    } cases[] = {
        {"\"plugin_grace\": 1e1",
         "plugin_grace: 1e1 is not a number of seconds (expected 0..3600)"},
        {"\"plugin_grace\": NaN",
         "plugin_grace: \"NaN\" is not a number of seconds (expected 0..3600)"},
        {"\"plugin_ready\": 0.05",
         "plugin_ready: 0.05 is not a number of seconds (expected 0.1..3600)"},
        {"\"plugin_ready\": true",
         "plugin_ready: true is not a number of seconds (expected 0.1..3600)"},
        {"\"plugin_restart\": true",
         "plugin_restart: true is not a restart policy (expected never or on-failure)"},
        {"\"plugin_mode\": \"udp\"",
         "plugin_mode: \"udp\" is not a mode (expected tcp_only, tcp_and_udp or udp_only)"},
        {"\"plugin_udp\": false",
         "plugin_udp: false is not a policy for UDP (expected direct or off)"},
        {"\"plugin_sandbox\": \"false\"",
         "plugin_sandbox: \"false\" is not a boolean (expected true or false)"},
        {"\"plugin_dir\": \"~/plugins\"",
         "plugin_dir: \"~/plugins\" is not an absolute path (expected one that begins with /)"},
        {"\"plugin_user\": {}", "plugin_user: an object is not text (expected a string)"},
    };
    struct capture *c = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char line[256];
        write_items(c, cases[i].item);
        (void)snprintf(line, sizeof line, "ss-server: @: %s\n", cases[i].complaint);
        SERVER(c, "-c", "@");
        capture_expect(c, SS_EXIT_FATAL, line);
    }
}

static void help_has_every_option(void **state)
{
    static const char *const names[] = {
        "--plugin-dir <dir>",           "--plugin-user <user>",        "--plugin-restart <policy>",
        "--plugin-ready <sec>",         "--plugin-grace <sec>",        "--plugin-udp <what>",
        "\n      --no-plugin-sandbox ", "\n      --print-plugin-env ",
    };
    struct capture *c = *state;
    LOCAL(c, "-h");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_non_null(strstr(c->out, names[i]));
    SERVER(c, "-h");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_non_null(strstr(c->out, names[i]));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, capture_setup, capture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(options_without_a_plugin_are_a_warning),
        TEST(defaults_are_those_of_sip003_in_a_sandbox),
        TEST(every_option_is_stored),
        TEST(every_key_is_stored),
        TEST(the_command_line_beats_the_file_also_with_a_zero),
        TEST(a_zero_in_the_file_is_not_the_default),
        TEST(the_sandbox_is_off_when_either_says_so),
        TEST(of_two_texts_for_a_time_the_last_counts),
        TEST(a_time_is_kept_in_milliseconds),
        TEST(a_wrong_option_says_what_was_expected),
        TEST(a_wrong_key_says_what_was_expected),
        TEST(help_has_every_option),
    };
    return cmocka_run_group_tests_name("conf: how a plugin is run", tests, NULL, NULL);
}
