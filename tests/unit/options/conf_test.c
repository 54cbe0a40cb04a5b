/* SPDX-License-Identifier: Apache-2.0 */
/* A codec's configuration without a program. */
#include <ssplugin/drive.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct conf {
    const char *key;
    int size, remote;
};

static const ssp_option rows[] = {{.name = "key",
                                   .type = SSP_TEXT,
                                   .offset = offsetof(struct conf, key),
                                   .help = "the key",
                                   .flags = SSP_REQUIRED},
                                  {.name = "size",
                                   .type = SSP_INT,
                                   .offset = offsetof(struct conf, size),
                                   .dflt = "7",
                                   .help = "bytes"},
                                  SSP_OPTION_END};

static int releases;

static int setup(void *conf, const ssp_env *env, char *why, size_t why_cap)
{
    struct conf *c = conf;
    c->remote = ssp_port_parse(env->remote_port);
    if (env->role == SSP_CLIENT && env->local_host != NULL && env->notify_fd == -1)
        return 0;
    (void)snprintf(why, why_cap, "only for clients");
    return -1;
}

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

static void options_become_values(void **unused)
{
    char why[256] = "";
    (void)unused;
    releases = 0;
    ssp_conf *conf =
        ssp_conf_new(&codec, SSP_CLIENT, "key=a\\;b;size=9;colour=red", why, sizeof why);
    assert_non_null(conf);
    const struct conf *values = ssp_conf_values(conf);
    assert_string_equal(values->key, "a;b");
    assert_int_equal(values->size, 9);
    assert_true(values->remote > 0);
    ssp_conf_free(conf);
    assert_int_equal(releases, 1);
    ssp_conf_free(NULL);
}

static void what_is_wrong_is_said(void **unused)
{
    static const struct {
        const char *options, *why;
    } wrong[] = {
        {NULL, "option key: is required: the key"},
        {"size=1", "option key: is required: the key"},
        {"key=x;size=big", "option size: \"big\" is not a number from 0 to 2147483647"},
        {"key=x\\", "options, byte 6: no character behind \"\\\""},
    };
    char why[256];
    (void)unused;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_null(ssp_conf_new(&codec, SSP_CLIENT, wrong[i].options, why, sizeof why));
        assert_string_equal(why, wrong[i].why);
    }
    assert_null(ssp_conf_new(&codec, SSP_SERVER, "key=x", why, sizeof why));
    assert_string_equal(why, "only for clients");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_become_values),
        cmocka_unit_test(what_is_wrong_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
