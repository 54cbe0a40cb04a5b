/* SPDX-License-Identifier: Apache-2.0 */
/* Its strdup() is the one that json-c copies keys with.  It is linked with --wrap=json_object_put,
 * to see what our code gives back. */
#include "formats/json_tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SECRET "correct horse"

int __real_json_object_put(json_object *value);
int __wrap_json_object_put(json_object *value);

static unsigned given_back;

int __wrap_json_object_put(json_object *value)
{
    const char *text = value != NULL ? json_object_to_json_string(value) : "";
    given_back += strstr(text, SECRET) != NULL ? 1 : 0;
    return __real_json_object_put(value);
}

static unsigned copies, lacking; /* the copy that there is no memory for; 0: none */

char *strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = ++copies != lacking ? malloc(size) : NULL;
    return copy != NULL ? memcpy(copy, text, size) : NULL;
}

/* json-c forgets the value whose key it cannot copy. */
const char *__lsan_default_suppressions(void);

const char *__lsan_default_suppressions(void)
{
    return "leak:libjson-c";
}

static json_object *tree_of(const char *text, unsigned without)
{
    json_tokener *tokener = json_tokener_new();
    copies = 0;
    lacking = without;
    json_object *tree = ss_json_tree(tokener, text, strlen(text));
    lacking = 0;
    json_tokener_free(tokener);
    return tree;
}

/* Each key is copied by the tokener, which crashes without memory, and by the object. */
static void no_member_is_lost(void **unused)
{
    static const char text[] = "{\"a\": 1, \"b\": [2, 3], \"c\": {}}";
    json_object *whole = tree_of(text, 0);
    unsigned n = copies;
    (void)unused;
    assert_non_null(whole);
    assert_true(n > 0);
    for (unsigned i = 2; i <= n; i += 2) {
        json_object *tree = tree_of(text, i);
        assert_true(tree == NULL || json_object_equal(tree, whole));
        json_object_put(tree);
    }
    json_object_put(whole);
}

static void a_key_that_stands_twice_is_no_loss(void **unused)
{
    json_object *tree = tree_of("{\"a\": 1, \"a\": 2}", 0), *a;
    (void)unused;
    assert_true(json_object_object_get_ex(tree, "a", &a));
    assert_int_equal(json_object_get_int(a), 2);
    json_object_put(tree);
}

static void no_text_is_given_back(void **unused)
{
    static const char text[] = "{\"a\": \"" SECRET "\", \"b\": [\"" SECRET "\", null, 1]}";
    (void)unused;
    given_back = 0;
    json_object *tree = tree_of(text, 0);
    unsigned n = copies;
    for (unsigned i = 2; i <= n; i += 2)
        assert_null(tree_of(text, i));
    assert_int_equal(given_back, 0);
    json_object_put(tree);
    assert_int_equal(given_back, 1); /* the observer sees */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(no_member_is_lost),
                                       cmocka_unit_test(no_text_is_given_back),
                                       cmocka_unit_test(a_key_that_stands_twice_is_no_loss)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
