/* SPDX-License-Identifier: Apache-2.0 */
/* Option tables and what they make of texts.  Linked with --wrap, so that memory can run out. */
#include "options/settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int allocations_left = -1; /* -1: no limit */

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);

static bool granted(void)
{
    return allocations_left == -1 || allocations_left-- > 0;
}

void *__wrap_malloc(size_t size)
{
    return granted() ? __real_malloc(size) : NULL;
}

void *__wrap_calloc(size_t n, size_t size)
{
    return granted() ? __real_calloc(n, size) : NULL;
}

struct conf {
    const char *host, *key, *fallback;
    int mode, size, reverse, twice;
    int set_up, released;
};

static const ssp_option rows[] = {
    {.name = "obfs-host",
     .type = SSP_TEXT,
     .offset = offsetof(struct conf, host),
     .dflt = "www.example.com",
     .help = "Host header"},
    {.name = "obfs",
     .type = SSP_CHOICE,
     .offset = offsetof(struct conf, mode),
     .help = "disguise",
     .flags = SSP_REQUIRED,
     .choices = "http|tls"},
    {.name = "key",
     .type = SSP_TEXT,
     .offset = offsetof(struct conf, key),
     .help = "shared key",
     .flags = SSP_SECRET},
    {.name = "code",
     .type = SSP_CHOICE,
     .offset = offsetof(struct conf, twice),
     .help = "secret choice",
     .flags = SSP_SECRET,
     .choices = "a|b"},
    {.name = "size",
     .type = SSP_INT,
     .offset = offsetof(struct conf, size),
     .dflt = "7",
     .help = "bytes"},
    {.name = "failover",
     .type = SSP_ADDRESS,
     .offset = offsetof(struct conf, fallback),
     .help = "for strangers",
     .flags = SSP_FOR_SERVER},
    {.name = "reverse_proxy",
     .type = SSP_FLAG,
     .offset = offsetof(struct conf, reverse),
     .help = "server first",
     .flags = SSP_FOR_SERVER | SSP_REQUIRED},
    SSP_OPTION_END,
};

static int setup(void *conf, const ssp_env *env, char *why, size_t why_cap)
{
    struct conf *c = conf;
    (void)env;
    c->set_up++;
    if (c->size != 13)
        return 0;
    (void)snprintf(why, why_cap, "size 13 is unlucky");
    return -1;
}

static int releases;

static void release(void *conf)
{
    (void)conf;
    releases++;
}

static const ssp_codec codec = {.size = sizeof(ssp_codec),
                                .name = "toy",
                                .conf_size = sizeof(struct conf),
                                .options = rows,
                                .setup = setup,
                                .release = release};

static const ssp_codec *const toy = &codec;

struct fixture {
    struct ssp__settings s;
    char why[512], unknown[64];
};

static int begin(void **state)
{
    static struct fixture f;
    f = (struct fixture){.why = ""};
    releases = 0;
    *state = &f;
    return ssp__settings_init(&f.s, &toy, 1, f.why, sizeof f.why);
}

static int end(void **state)
{
    struct fixture *f = *state;
    allocations_left = -1;
    ssp__settings_release(&f->s);
    return 0;
}

static void note_unknown(void *arg, const char *key)
{
    struct fixture *f = arg;
    size_t len = strlen(f->unknown);
    (void)snprintf(f->unknown + len, sizeof f->unknown - len, "<%s>", key);
}

static int parse(struct fixture *f, const char *options)
{
    return ssp__settings_parse(&f->s, options, note_unknown, f, f->why, sizeof f->why);
}

static int finish(struct fixture *f, ssp_role role)
{
    const ssp_env env = {.role = role};
    return ssp__settings_finish(&f->s, &env, f->why, sizeof f->why);
}

static const struct conf *conf_of(const struct fixture *f)
{
    return f->s.layer[0].conf;
}

static void fields_begin_with_their_defaults(void **state)
{
    const struct fixture *f = *state;
    assert_string_equal(conf_of(f)->host, "www.example.com");
    assert_int_equal(conf_of(f)->size, 7);
    assert_null(conf_of(f)->fallback);
    assert_int_equal(f->s.builtin.timeout_s, 600);
    assert_null(f->s.builtin.user);
}

static void every_type_is_stored_in_its_field(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(
        parse(f, "obfs=tls;obfs-host=a\\;b;size=2147483647;failover=[::1]:80;reverse_proxy"), 0);
    assert_int_equal(conf_of(f)->mode, 1);
    assert_string_equal(conf_of(f)->host, "a;b");
    assert_int_equal(conf_of(f)->size, 2147483647);
    assert_string_equal(conf_of(f)->fallback, "[::1]:80");
    assert_int_equal(conf_of(f)->reverse, 1);
}

static void dashes_and_underscores_are_the_same_in_names(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(parse(f, "obfs_host=x;reverse-proxy;fast_open"), 0);
    assert_string_equal(conf_of(f)->host, "x");
    assert_int_equal(conf_of(f)->reverse, 1);
    assert_int_equal(f->s.builtin.fast_open, 1);
    assert_string_equal(f->unknown, "");
}

static void the_last_of_two_wins(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(parse(f, "obfs-host=one;obfs-host=two;v;v=0"), 0);
    assert_string_equal(conf_of(f)->host, "two");
    assert_int_equal(f->s.builtin.verbose, 0);
}

static void flags_are_on_unless_switched_off(void **state)
{
    static const struct {
        const char *options;
        int on;
    } flags[] = {{"mptcp", 1},      {"mptcp=", 1},    {"mptcp=1", 1},
                 {"mptcp=true", 1}, {"mptcp=0", 0},   {"mptcp=false", 0},
                 {"mptcp=no", 0},   {"mptcp=off", 0}, {"mptcp=nope", 1}};
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        f->s.builtin.mptcp = 42;
        assert_int_equal(parse(f, flags[i].options), 0);
        assert_int_equal(f->s.builtin.mptcp, flags[i].on);
    }
}

static void every_built_in_option_reaches_its_field(void **state)
{
    struct fixture *f = *state;
    const struct ssp__builtin *b = &f->s.builtin;
    assert_int_equal(
        parse(f, "fast-open;mptcp;v;6;t=30;i=eth0;a=nobody;b=192.0.2.1;server;client;"
                 "__android_vpn;fwmark=255;fallback=[::1]:80;handshake=5;"
                 "handshakes-per-ip=8;drain=3;udp;strict;proxy-protocol;proxy-protocol-from=::1"),
        0);
    assert_string_equal(f->unknown, "");
    assert_int_equal(b->fast_open + b->mptcp + b->verbose + b->prefer_ipv6, 4);
    assert_int_equal(b->server + b->client + b->android_vpn + b->udp + b->strict, 5);
    assert_int_equal(b->timeout_s, 30);
    assert_int_equal(b->fwmark, 255);
    assert_int_equal(b->handshake_s, 5);
    assert_int_equal(b->handshakes_per_address, 8);
    assert_int_equal(b->drain_s, 3);
    assert_true(b->introduces);
    assert_string_equal(b->balancers, "::1");
    assert_string_equal(b->interface, "eth0");
    assert_string_equal(b->user, "nobody");
    assert_string_equal(b->bind, "192.0.2.1");
    assert_string_equal(b->fallback, "[::1]:80");
}

static void iface_is_another_name_of_i(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(parse(f, "i=eth0;iface=eth1"), 0);
    assert_string_equal(f->s.builtin.interface, "eth1");
}

static void wrong_values_are_named_with_what_was_expected(void **state)
{
    static const struct {
        const char *options, *why;
    } wrong[] = {
        {"obfs=htp", "option obfs: \"htp\" is not one of http|tls"},
        {"obfs=", "option obfs: \"\" is not one of http|tls"},
        {"obfs", "option obfs: stands alone, expected one of http|tls"},
        {"obfs-host", "option obfs-host: stands alone, expected a text"},
        {"size=2147483648", "option size: \"2147483648\" is not a number from 0 to 2147483647"},
        {"size=-1", "option size: \"-1\" is not a number from 0 to 2147483647"},
        {"t=", "option t: \"\" is not a number from 0 to 2147483647"},
        {"failover=example.org", "option failover: \"example.org\" is not host:port or [v6]:port"},
        {"code=hunter2", "option code: the value is not one of a|b"},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(parse(f, wrong[i].options), -1);
        assert_string_equal(f->why, wrong[i].why);
    }
}

static void grammar_errors_name_the_byte(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(parse(f, "size=1;=x"), -1);
    assert_string_equal(f->why, "options, byte 8: a key is missing before \"=\"");
    assert_int_equal(parse(f, "obfs-host=x\\"), -1);
    assert_string_equal(f->why, "options, byte 12: no character behind \"\\\"");
}

static void a_string_beyond_the_limit_is_refused(void **state)
{
    struct fixture *f = *state;
    char *options = calloc(1, SSP_OPTIONS_MAX + 2);
    assert_non_null(options);
    memset(options, ';', SSP_OPTIONS_MAX);
    assert_int_equal(parse(f, options), 0);
    options[SSP_OPTIONS_MAX] = ';';
    assert_int_equal(parse(f, options), -1);
    assert_string_equal(f->why, "options: longer than 65536 bytes");
    free(options);
}

static void unknown_keys_are_reported_and_passed_over(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(parse(f, "colour=red;size=3;Size=4;sizes=5"), 0);
    assert_string_equal(f->unknown, "<colour><Size><sizes>");
    assert_int_equal(conf_of(f)->size, 3);
    assert_int_equal(ssp__settings_parse(&f->s, "colour", NULL, NULL, f->why, sizeof f->why), 0);
    assert_int_equal(ssp__settings_apply(&f->s, "colour", "x", f->why, sizeof f->why), 1);
}

static void a_required_option_must_be_given(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(finish(f, SSP_CLIENT), -1);
    assert_string_equal(f->why, "option obfs: is required: disguise");
    assert_int_equal(parse(f, "obfs=http"), 0);
    assert_int_equal(finish(f, SSP_CLIENT), 0);
    assert_int_equal(conf_of(f)->set_up, 1);
}

static void required_for_a_server_is_not_required_of_a_client(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(parse(f, "obfs=http"), 0);
    assert_int_equal(finish(f, SSP_SERVER), -1);
    assert_string_equal(f->why, "option reverse_proxy: is required: server first");
    assert_int_equal(finish(f, SSP_CLIENT), 0);
}

static void options_of_the_other_role_are_ignored(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(parse(f, "obfs=http;failover=a:1;reverse_proxy"), 0);
    assert_int_equal(finish(f, SSP_CLIENT), 0);
    assert_null(conf_of(f)->fallback);
    assert_int_equal(conf_of(f)->reverse, 0);
}

static void options_of_the_own_role_are_kept(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(parse(f, "obfs=http;failover=a:1;reverse_proxy"), 0);
    assert_int_equal(finish(f, SSP_SERVER), 0);
    assert_string_equal(conf_of(f)->fallback, "a:1");
}

static void a_refusal_of_the_codec_comes_through(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(parse(f, "obfs=http;size=13"), 0);
    assert_int_equal(finish(f, SSP_CLIENT), -1);
    assert_string_equal(f->why, "size 13 is unlucky");
    ssp__settings_release(&f->s);
    assert_int_equal(releases, 0);
}

static void what_setup_made_is_released_once(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(parse(f, "obfs=http"), 0);
    assert_int_equal(finish(f, SSP_CLIENT), 0);
    ssp__settings_release(&f->s);
    ssp__settings_release(&f->s);
    assert_int_equal(releases, 1);
}

struct own {
    const char *t;
};

static void the_codecs_row_wins_over_a_built_in_one(void **unused)
{
    static const ssp_option own_rows[] = {
        {.name = "t", .type = SSP_TEXT, .offset = offsetof(struct own, t), .help = "temperature"},
        SSP_OPTION_END};
    const ssp_codec own = {.size = sizeof(ssp_codec),
                           .name = "own",
                           .conf_size = sizeof(struct own),
                           .options = own_rows};
    const ssp_codec *const codecs = &own;
    struct ssp__settings s;
    char why[128];
    (void)unused;
    assert_int_equal(ssp__settings_init(&s, &codecs, 1, why, sizeof why), 0);
    assert_int_equal(ssp__settings_apply(&s, "t", "hot", why, sizeof why), 0);
    assert_string_equal(((struct own *)s.layer[0].conf)->t, "hot");
    assert_int_equal(s.builtin.timeout_s, 600);
    ssp__settings_release(&s);
}

static void a_codec_needs_no_options(void **unused)
{
    const ssp_codec bare = {.size = sizeof(ssp_codec), .name = "bare"};
    const ssp_codec *const codecs = &bare;
    const ssp_env env = {.role = SSP_CLIENT};
    struct ssp__settings s;
    char why[128];
    (void)unused;
    assert_int_equal(ssp__settings_init(&s, &codecs, 1, why, sizeof why), 0);
    assert_int_equal(ssp__settings_apply(&s, "v", NULL, why, sizeof why), 0);
    assert_int_equal(ssp__settings_finish(&s, &env, why, sizeof why), 0);
    assert_non_null(s.layer[0].conf);
    ssp__settings_release(&s);
}

/* ---- several codecs ---- */

struct inner {
    const char *path;
    int level;
};
struct outer {
    const char *path, *sni;
    int v;
};

static const ssp_option inner_rows[] = {{.name = "path",
                                         .type = SSP_TEXT,
                                         .offset = offsetof(struct inner, path),
                                         .dflt = "/",
                                         .help = "inner path"},
                                        {.name = "level",
                                         .type = SSP_INT,
                                         .offset = offsetof(struct inner, level),
                                         .dflt = "1",
                                         .help = "level"},
                                        SSP_OPTION_END};
static const ssp_option outer_rows[] = {
    {.name = "path",
     .type = SSP_TEXT,
     .offset = offsetof(struct outer, path),
     .help = "outer path"},
    {.name = "sni",
     .type = SSP_TEXT,
     .offset = offsetof(struct outer, sni),
     .help = "name",
     .flags = SSP_REQUIRED},
    {.name = "v", .type = SSP_INT, .offset = offsetof(struct outer, v), .help = "a number"},
    SSP_OPTION_END};
static const ssp_codec inner = {.size = sizeof(ssp_codec),
                                .name = "inner",
                                .conf_size = sizeof(struct inner),
                                .options = inner_rows,
                                .release = release};
static const ssp_codec outer = {.size = sizeof(ssp_codec),
                                .name = "outer",
                                .conf_size = sizeof(struct outer),
                                .options = outer_rows};
static const ssp_codec *const both[] = {&inner, &outer};

static int begin_both(void **state)
{
    static struct fixture f;
    f = (struct fixture){.why = ""};
    releases = 0;
    *state = &f;
    return ssp__settings_init(&f.s, both, 2, f.why, sizeof f.why);
}

static void an_option_goes_to_the_first_codec_that_knows_it(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(parse(f, "path=/x;sni=a.b;level=7;v=3;mptcp"), 0);
    assert_string_equal(f->unknown, "");
    const struct inner *i = f->s.layer[0].conf;
    const struct outer *o = f->s.layer[1].conf;
    assert_string_equal(i->path, "/x");
    assert_int_equal(i->level, 7);
    assert_null(o->path);
    assert_string_equal(o->sni, "a.b");
    assert_int_equal(o->v, 3);
    assert_int_equal(f->s.builtin.verbose, 0);
    assert_int_equal(f->s.builtin.mptcp, 1);
}

static void a_dotted_option_goes_to_the_codec_of_that_name(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(parse(f, "outer.path=/o;inner.path=/i;outer.sni=x"), 0);
    assert_string_equal(f->unknown, "");
    assert_string_equal(((const struct inner *)f->s.layer[0].conf)->path, "/i");
    assert_string_equal(((const struct outer *)f->s.layer[1].conf)->path, "/o");
    assert_int_equal(parse(f, "outer.level=1;other.path=2;outer.mptcp;outer"), 0);
    assert_string_equal(f->unknown, "<outer.level><other.path><outer.mptcp><outer>");
}

static void each_codec_asks_for_what_it_requires(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(finish(f, SSP_CLIENT), -1);
    assert_string_equal(f->why, "option sni: is required: name");
    ssp__settings_release(&f->s);
    assert_int_equal(releases, 1);
}

static void an_older_and_shorter_codec_is_taken_as_it_is(void **unused)
{
    union {
        ssp_codec codec;
        unsigned char bytes[sizeof(ssp_codec)];
    } old;
    memset(&old, 0xff, sizeof old);
    memcpy(&old, &inner, offsetof(ssp_codec, reload));
    old.codec.size = offsetof(ssp_codec, reload);
    const ssp_codec *const codecs = &old.codec;
    struct ssp__settings s;
    char why[128];
    (void)unused;
    assert_int_equal(ssp__settings_init(&s, &codecs, 1, why, sizeof why), 0);
    assert_null(s.layer[0].codec.reload);
    assert_null(s.layer[0].codec.seal);
    assert_string_equal(s.layer[0].codec.name, "inner");
    ssp__settings_release(&s);
}

static void out_of_memory_is_an_error_and_leaks_nothing(void **unused)
{
    (void)unused;
    int rc = -1;
    for (int granted_calls = 0; rc == -1; granted_calls++) {
        struct ssp__settings s;
        char why[256] = "";
        allocations_left = granted_calls;
        rc = ssp__settings_init(&s, both, 2, why, sizeof why);
        if (rc == 0)
            rc = ssp__settings_parse(&s, "path=x;i=y", NULL, NULL, why, sizeof why);
        allocations_left = -1;
        ssp__settings_release(&s);
        if (rc == -1)
            assert_non_null(strstr(why, "out of memory"));
        assert_true(granted_calls < 20);
    }
}

#define SETTINGS_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
#define BOTH_TEST(name) cmocka_unit_test_setup_teardown(name, begin_both, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SETTINGS_TEST(fields_begin_with_their_defaults),
        SETTINGS_TEST(every_type_is_stored_in_its_field),
        SETTINGS_TEST(dashes_and_underscores_are_the_same_in_names),
        SETTINGS_TEST(the_last_of_two_wins),
        SETTINGS_TEST(flags_are_on_unless_switched_off),
        SETTINGS_TEST(every_built_in_option_reaches_its_field),
        SETTINGS_TEST(wrong_values_are_named_with_what_was_expected),
        SETTINGS_TEST(grammar_errors_name_the_byte),
        SETTINGS_TEST(a_string_beyond_the_limit_is_refused),
        SETTINGS_TEST(unknown_keys_are_reported_and_passed_over),
        SETTINGS_TEST(a_required_option_must_be_given),
        SETTINGS_TEST(required_for_a_server_is_not_required_of_a_client),
        SETTINGS_TEST(options_of_the_other_role_are_ignored),
        SETTINGS_TEST(options_of_the_own_role_are_kept),
        SETTINGS_TEST(a_refusal_of_the_codec_comes_through),
        SETTINGS_TEST(what_setup_made_is_released_once),
        cmocka_unit_test(the_codecs_row_wins_over_a_built_in_one),
        cmocka_unit_test(a_codec_needs_no_options),
        SETTINGS_TEST(iface_is_another_name_of_i),
        BOTH_TEST(an_option_goes_to_the_first_codec_that_knows_it),
        BOTH_TEST(a_dotted_option_goes_to_the_codec_of_that_name),
        BOTH_TEST(each_codec_asks_for_what_it_requires),
        cmocka_unit_test(an_older_and_shorter_codec_is_taken_as_it_is),
        cmocka_unit_test(out_of_memory_is_an_error_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
