/* SPDX-License-Identifier: Apache-2.0 */
/* JSON stays as it is; what JSON5 adds becomes JSON, and the first of it is found. */
#include "formats/json5.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void everything_becomes_json(void **state)
{
    static const struct {
        const char *in, *out, *found;
        size_t at;
    } rows[] = {
        {"{\"a\": [1, 2.5e+3, true, null, \"x\\\"//,]\"]}",
         "{\"a\": [1, 2.5e+3, true, null, \"x\\\"//,]\"]}", NULL, 0},
        {"{}//x\n", "{}   \n", "a comment", 2},
        {"{/*\n*/}", "{  \n  }", "a comment", 1},
        {"[1,\n /* , */ ]", "[1 \n         ]", "a trailing comma", 2},
        {"{a: 1, $b_2 /**/ : 2}", "{\"a\": 1, \"$b_2\"      : 2}", "a name without quotes", 1},
        {"{true: true}", "{\"true\": true}", "a name without quotes", 1},
        {"['it\\'s \"x\"']", "[\"it's \\\"x\\\"\"]", "a text in single quotes", 1},
        {"[\"\\x41\\\nb\"]", "[\"\\u0041b\"]", NULL, 0},
        {"[+1, .5, 0x1F, -0x]", "[1, 0.5, 31, -0x]", "a number in another form", 1},
        {"[1,,2]", "[1,,2]", NULL, 0},
        {"/* open", "/* open", NULL, 0},
        {"\"open", "\"open", NULL, 0},
        {"\"open\\", "\"open\\", NULL, 0},
        {"", "", NULL, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ss_json5 json;
        assert_int_equal(ss_json5_rewrite(&json, rows[i].in, strlen(rows[i].in)), 0);
        json.text[json.len] = '\0'; /* there is room to spare */
        assert_string_equal(json.text, rows[i].out);
        if (rows[i].found == NULL) {
            assert_null(json.found);
        } else {
            assert_string_equal(json.found, rows[i].found);
            assert_int_equal(json.at, rows[i].at);
        }
        free(json.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(everything_becomes_json)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
