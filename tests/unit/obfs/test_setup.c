/* SPDX-License-Identifier: Apache-2.0 */
#include "end.h"

#include <stdio.h>
#include <string.h>

static const ssp_option *find(const char *name)
{
    for (const ssp_option *o = obfs_local.options; o->name != NULL; o++) {
        if (strcmp(o->name, name) == 0)
            return o;
    }
    fail_msg("no option %s", name);
    return NULL;
}

static void both_programs_read_the_same_options(void **state)
{
    (void)state;
    assert_ptr_equal(obfs_local.options, obfs_server.options);
    assert_true(find("obfs")->flags & SSP_REQUIRED);
    assert_string_equal(find("obfs")->choices, "http|tls");
    assert_int_equal(find("obfs-uri")->flags, SSP_FOR_CLIENT);
    assert_int_equal(find("failover")->flags, SSP_FOR_SERVER);
    assert_int_equal(find("reverse_proxy")->flags, SSP_FOR_SERVER);
    assert_int_equal(find("passthrough")->flags, SSP_FOR_SERVER);
}

/* The words of setup about conf, or "" when it is content. */
static const char *why_not(const ssp_codec *codec, struct obfs_conf conf)
{
    static char why[200];
    why[0] = '\0';
    if (codec == &obfs_local && conf.uri == NULL)
        conf.uri = "/";
    int rc = codec->setup(&conf, &end_env, why, sizeof why);
    if (codec->release != NULL)
        codec->release(&conf);
    assert_int_equal(rc, why[0] == '\0' ? 0 : -1);
    return why;
}

static void what_would_break_a_header_is_refused_with_a_reason(void **state)
{
    (void)state;
    assert_string_equal(why_not(&obfs_local, (struct obfs_conf){.host = "a\r\nb"}),
                        "obfs-host has a space or control character at byte 2");
    assert_string_equal(why_not(&obfs_local, (struct obfs_conf){.host = "a b"}),
                        "obfs-host has a space or control character at byte 2");
    assert_string_equal(why_not(&obfs_local, (struct obfs_conf){.host = ""}),
                        "obfs-host has 0 bytes; 1 to 255 are allowed");
    assert_string_equal(why_not(&obfs_server, (struct obfs_conf){.host = "\t"}),
                        "obfs-host has a space or control character at byte 1");
    assert_string_equal(why_not(&obfs_local, (struct obfs_conf){.uri = "/ "}),
                        "obfs-uri has a space or control character at byte 2");
    assert_string_equal(why_not(&obfs_local, (struct obfs_conf){.method = "G@T"}),
                        "http-method has an invalid character at byte 2");
    assert_string_equal(why_not(&obfs_server, (struct obfs_conf){.method = "G\x7fT"}),
                        "http-method has a space or control character at byte 2");
}

static void what_is_too_long_is_refused_with_a_reason(void **state)
{
    (void)state;
    char text[OBFS_URI_MAX + 2];
    memset(text, 'x', sizeof text);
    text[OBFS_URI_MAX + 1] = '\0';
    assert_string_equal(why_not(&obfs_local, (struct obfs_conf){.uri = text}),
                        "obfs-uri has 2049 bytes; 1 to 2048 are allowed");
    text[OBFS_HOST_MAX + 1] = '\0';
    assert_string_equal(why_not(&obfs_server, (struct obfs_conf){.host = text}),
                        "obfs-host has 256 bytes; 1 to 255 are allowed");
    text[OBFS_HOST_MAX] = '\0';
    assert_string_equal(why_not(&obfs_server, (struct obfs_conf){.host = text}), "");
    text[OBFS_METHOD_MAX + 1] = '\0';
    assert_string_equal(why_not(&obfs_local, (struct obfs_conf){.method = text}),
                        "http-method has 33 bytes; 1 to 32 are allowed");
}

static void port_80_is_not_named(void **state)
{
    (void)state;
    char why[200];
    ssp_env env = end_env;
    struct obfs_conf conf = {.uri = "/"};
    env.remote_port = "80";
    assert_int_equal(obfs_local.setup(&conf, &env, why, sizeof why), 0);
    assert_string_equal(conf.authority, "cloudfront.net");
    env.remote_port = "8080";
    assert_int_equal(obfs_local.setup(&conf, &env, why, sizeof why), 0);
    assert_string_equal(conf.authority, "cloudfront.net:8080");
}

static void fall_back(struct obfs_conf conf, const char *local_host, const char *expected)
{
    char why[200];
    ssp_env env = end_env;
    env.local_host = local_host;
    assert_int_equal(obfs_server.setup(&conf, &env, why, sizeof why), 0);
    const char *to = obfs_server.fallback(&conf);
    if (expected == NULL)
        assert_null(to);
    else
        assert_string_equal(to, expected);
    obfs_server.release(&conf);
}

static void foreign_connections_are_drained_unless_a_place_is_named(void **state)
{
    (void)state;
    struct obfs_conf both = {.failover = "web:80", .passthrough = 1};
    fall_back((struct obfs_conf){.mode = OBFS_TLS}, "127.0.0.1", NULL);
    fall_back((struct obfs_conf){.failover = "web:80"}, "127.0.0.1", "web:80");
    fall_back(both, "127.0.0.1", "web:80");
}

static void passthrough_means_the_shadowsocks_server(void **state)
{
    (void)state;
    struct obfs_conf conf = {.passthrough = 1};
    fall_back(conf, "127.0.0.1", "127.0.0.1:8388");
    fall_back(conf, "::1", "[::1]:8388");
    fall_back(conf, "[::1]", "[::1]:8388");
    fall_back(conf, "::1|127.0.0.1", "[::1]:8388");
}

static void the_claimed_version_depends_on_the_pair_and_on_nothing_else(void **state)
{
    (void)state;
    char why[200];
    uint32_t faces[64];
    ssp_env env = end_env;
    for (int i = 0; i < 64; i++) {
        struct obfs_conf conf = {.uri = "/"}, again = conf;
        char port[8];
        (void)snprintf(port, sizeof port, "%d", 1000 + i);
        env.remote_port = port;
        assert_int_equal(obfs_local.setup(&conf, &env, why, sizeof why), 0);
        assert_int_equal(obfs_local.setup(&again, &env, why, sizeof why), 0);
        assert_int_equal(conf.face, again.face);
        faces[i] = conf.face % 8;
    }
    unsigned seen = 0;
    for (int i = 0; i < 64; i++)
        seen |= 1u << faces[i];
    assert_int_equal(seen, 0xff);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_programs_read_the_same_options),
        cmocka_unit_test(what_would_break_a_header_is_refused_with_a_reason),
        cmocka_unit_test(what_is_too_long_is_refused_with_a_reason),
        cmocka_unit_test(port_80_is_not_named),
        cmocka_unit_test(foreign_connections_are_drained_unless_a_place_is_named),
        cmocka_unit_test(passthrough_means_the_shadowsocks_server),
        cmocka_unit_test(the_claimed_version_depends_on_the_pair_and_on_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
