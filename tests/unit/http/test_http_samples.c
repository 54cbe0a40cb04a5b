/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "http/exposition.h"
#include "http/samples.h"

#include <string.h>

static void a_sample_comes_back_as_it_was_written(void **state)
{
    (void)state;
    static const char *const values[] = {"", "a", "b\"} 1\nx{y=\\", "\xc3\xa9mile", ",=\"", "\\n"};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        char *text = NULL;
        size_t len;
        FILE *out = open_memstream(&text, &len);
        struct ss_label label[] = {{"port", "1"}, {"user", values[i]}};
        struct ss_sample sample;
        assert_non_null(out);
        ss_exposition_thousandths(out, "m", label, 2, 1042);
        assert_int_equal(fclose(out), 0);
        text[len - 1] = '\0'; /* the newline */
        assert_int_equal(ss_sample_read(&sample, text), 1);
        assert_string_equal(sample.name, "m");
        assert_string_equal(ss_sample_label(&sample, "port"), "1");
        assert_string_equal(ss_sample_label(&sample, "user"), values[i]);
        assert_string_equal(ss_sample_label(&sample, "absent"), "");
        assert_true(sample.value > 1.0419 && sample.value < 1.0421);
        free(text);
    }
}

static void nothing_else_is_a_sample(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        int result;
    } rows[] = {{"", 0},
                {"# HELP m Help.", 0},
                {"m 1", 1},
                {"m", -1},
                {" 1", -1},
                {"{a=\"b\"} 1", -1},
                {"m{a=\"b\"} 1", 1},
                {"m{a=\"b\" 1", -1},
                {"m{a=\"b} 1", -1},
                {"m{a=\"b\\", -1},
                {"m{", -1},
                {"m{}", -1},
                {"m{a=\"b\",", -1},
                {"m{a=\"1\",b=\"2\",c=\"3\",d=\"4\",e=\"5\"} 1", -1},
                {"m one", -1},
                {"m 1 2", -1}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct ss_sample sample;
        char *line = strdup(rows[i].line); /* of exactly this size */
        assert_non_null(line);
        assert_int_equal(ss_sample_read(&sample, line), rows[i].result);
        free(line);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sample_comes_back_as_it_was_written),
        cmocka_unit_test(nothing_else_is_a_sample),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
