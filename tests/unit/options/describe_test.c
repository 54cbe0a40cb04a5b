/* SPDX-License-Identifier: Apache-2.0 */
/* The option tables as text. */
#include "options/describe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct conf {
    const char *host, *key, *failover;
    int mode, size, reverse;
};

static const ssp_option rows[] = {
    {.name = "host",
     .type = SSP_TEXT,
     .offset = offsetof(struct conf, host),
     .dflt = "a.b",
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
     .help = "shared \"key\"",
     .flags = SSP_SECRET},
    {.name = "uri",
     .type = SSP_ADDRESS,
     .offset = offsetof(struct conf, failover),
     .help = "for a|b",
     .flags = SSP_FOR_SERVER | SSP_REQUIRED},
    {.name = "reverse",
     .type = SSP_FLAG,
     .offset = offsetof(struct conf, reverse),
     .help = "first",
     .flags = SSP_FOR_CLIENT},
    {.name = "internal", .type = SSP_FLAG, .offset = offsetof(struct conf, reverse)},
    SSP_OPTION_END,
};

static const ssp_option outer_rows[] = {
    {.name = "host", .type = SSP_TEXT, .offset = offsetof(struct conf, host), .help = "outer host"},
    {.name = "t",
     .type = SSP_INT,
     .offset = offsetof(struct conf, size),
     .dflt = "9",
     .help = "temperature"},
    SSP_OPTION_END,
};

static const ssp_codec toy = {.size = sizeof(ssp_codec),
                              .name = "toy",
                              .version = "1.2",
                              .about = "a toy",
                              .conf_size = sizeof(struct conf),
                              .options = rows};
static const ssp_codec outer = {.size = sizeof(ssp_codec),
                                .name = "outer",
                                .version = "3",
                                .about = "a coat",
                                .flags = SSP_CLIENT_ONLY,
                                .conf_size = sizeof(struct conf),
                                .options = outer_rows};
static const ssp_codec *const both[] = {&toy, &outer};

typedef void describe_fn(FILE *out, const struct ssp__settings *s);

/* The caller frees it. */
static char *described(describe_fn *describe, size_t layers)
{
    struct ssp__settings s;
    char why[256], *text = NULL;
    size_t size;
    assert_int_equal(ssp__settings_init(&s, both, layers, why, sizeof why), 0);
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    describe(out, &s);
    assert_int_equal(fclose(out), 0);
    ssp__settings_release(&s);
    return text;
}

static void assert_has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("\"%s\" is not in:\n%s", part, text);
}

static void help_has_one_aligned_row_per_option(void **unused)
{
    static const char expected[] = "Options:\n"
                                   "  host=TEXT                 Host header (default a.b)\n"
                                   "  obfs=http|tls             disguise; required\n"
                                   "  key=TEXT                  shared \"key\"\n"
                                   "  uri=HOST:PORT             for a|b; required; server only\n"
                                   "  reverse                   first; client only\n"
                                   "\n"
                                   "Options of every plugin:\n"
                                   "  fast-open                 TCP Fast Open\n";
    (void)unused;
    char *text = described(ssp__describe_help, 1);
    assert_true(strlen(text) > sizeof expected);
    text[sizeof expected - 1] = '\0';
    assert_string_equal(text, expected);
    assert_null(strstr(text, "internal"));
    assert_null(strstr(text, "__android_vpn"));
    free(text);
}

static void a_codec_says_what_it_is_for_or_not(void **unused)
{
    (void)unused;
    struct ssp__settings s = {.layer = &(struct ssp__codec_settings){.codec = toy}, .layers = 1};
    for (int silent = 0; silent < 2; silent++) {
        char text[64] = "";
        FILE *out = fmemopen(text, sizeof text, "w");
        s.layer->codec.about = silent ? NULL : toy.about;
        ssp__describe_title(out, &s);
        assert_int_equal(fclose(out), 0);
        assert_string_equal(text, silent ? "toy 1.2\n\n" : "toy 1.2: a toy\n\n");
    }
}

static void what_another_table_hides_is_shown_with_the_codecs_name(void **unused)
{
    (void)unused;
    char *text = described(ssp__describe_help, 2);
    assert_has(text, "  host=TEXT ");
    assert_has(text, "  outer.host=TEXT ");
    assert_has(text, "  t=NUMBER ");
    assert_has(text, " temperature (default 9)\n");
    assert_null(strstr(text, "seconds without traffic"));
    free(text);
}

static void options_of_a_role_that_the_program_does_not_have_are_left_out(void **unused)
{
    (void)unused;
    char *text = described(ssp__describe_help, 2);
    assert_null(strstr(text, "uri="));
    assert_null(strstr(text, "handshakes-per-ip"));
    assert_null(strstr(text, "only"));
    assert_has(text, "  reverse ");
    free(text);
}

static void json_says_everything_about_an_option(void **unused)
{
    (void)unused;
    char *text = described(ssp__describe_json, 1);
    assert_has(text, "\"name\": \"toy\"");
    assert_has(text, "\"version\": \"1.2\"");
    assert_has(text, "\"about\": \"a toy\"");
    assert_has(text, "\"datagrams\": false");
    assert_has(text, "\"name\": \"obfs\"");
    assert_has(text, "\"type\": \"choice\"");
    assert_has(text, "\"help\": \"shared \\\"key\\\"\"");
    assert_has(text, "\"secret\": true");
    assert_has(text, "\"builtin\": true");
    assert_null(strstr(text, "internal"));
    free(text);
}

static void markdown_is_a_table_whose_cells_hold_bars(void **unused)
{
    (void)unused;
    char *text = described(ssp__describe_markdown, 1);
    assert_has(text, "| option | default | meaning |\n|---|---|---|\n"
                     "| `host=TEXT` | `a.b` | Host header |\n"
                     "| `obfs=http\\|tls` | required | disguise |\n");
    assert_has(text, "| `uri=HOST:PORT` | required | server only: for a\\|b |\n");
    free(text);
}

static void example_of(FILE *out, const struct ssp__settings *s)
{
    ssp__describe_example(out, s, SSP_SERVER);
}

static void an_example_has_what_the_role_requires(void **unused)
{
    (void)unused;
    char *text = described(example_of, 1);
    assert_string_equal(text, "obfs=http;uri=HOST:PORT");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(help_has_one_aligned_row_per_option),
        cmocka_unit_test(a_codec_says_what_it_is_for_or_not),
        cmocka_unit_test(what_another_table_hides_is_shown_with_the_codecs_name),
        cmocka_unit_test(options_of_a_role_that_the_program_does_not_have_are_left_out),
        cmocka_unit_test(json_says_everything_about_an_option),
        cmocka_unit_test(markdown_is_a_table_whose_cells_hold_bars),
        cmocka_unit_test(an_example_has_what_the_role_requires),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
