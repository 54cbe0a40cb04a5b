/* SPDX-License-Identifier: Apache-2.0 */
/* No memory that is freed still holds a secret: the test is linked with --wrap=free. */
#include "formats/draft.h"
#include "formats/qr.h"
#include "formats/url.h"

#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SECRET "correct horse"
#define ENCODED "correct%20horse"

void __real_free(void *p);
void __wrap_free(void *p);

static unsigned found;

static bool holds(const char *p, size_t n, const char *text)
{
    return n > 0 && memmem(p, n, text, strlen(text)) != NULL;
}

void __wrap_free(void *p)
{
    size_t n = p != NULL ? malloc_usable_size(p) : 0;
    found += holds(p, n, SECRET) || holds(p, n, ENCODED) || holds(p, n, "h1v1h-1zM") ? 1 : 0;
    __real_free(p);
}

static void a_text_that_grows_is_wiped_where_it_was(void **state)
{
    (void)state;
    struct ss_draft d = {.text = NULL};
    found = 0;
    ss_draft_put(&d, SECRET);
    for (int i = 0; i < 10000; i++)
        ss_draft_print(&d, "%d", i);
    char *text = ss_draft_end(&d);
    assert_memory_equal(text, SECRET "0123", sizeof SECRET + 3);
    assert_int_equal(found, 0);
    free(text);
    assert_int_equal(found, 1); /* the observer sees */
}

static void a_draft_that_failed_is_wiped(void **state)
{
    (void)state;
    struct ss_draft d = {.text = NULL};
    found = 0;
    ss_draft_put(&d, SECRET);
    d.failed = true;
    assert_null(ss_draft_end(&d));
    assert_int_equal(found, 0);
}

static void a_url_leaves_nothing(void **state)
{
    static const char *const urls[] = {
        "ss://aes-256-gcm:" ENCODED "@h:1",
        "ss://aes-256-gcm:x@h:1/?plugin=obfs-local;host=a;key=" ENCODED,
        "ss://aes-256-gcm:x@h:1/?plugin=obfs-local;key=" ENCODED "#" ENCODED "%zz",
        "ss://aes-256-gcm:" ENCODED "@",
    };
    (void)state;
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        struct ss_server s;
        found = 0;
        bool read = ss_url_read(&s, urls[i]) == NULL;
        free(s.name);
        s.name = NULL;
        found = 0;
        char *again = read ? ss_url_write(&s) : NULL;
        if (again != NULL)
            explicit_bzero(again, strlen(again));
        free(again);
        ss_server_release(&s);
        assert_int_equal(found, 0);
    }
}

static void a_plugin_of_a_url_leaves_nothing(void **state)
{
    struct ss_server s;
    (void)state;
    found = 0;
    assert_null(ss_url_read(&s, "ss://aes-256-gcm:x@h:1/?plugin=obfs-local;key=" ENCODED));
    ss_server_release(&s);
    assert_int_equal(found, 0);
}

static void a_picture_leaves_nothing(void **state)
{
    char *text;
    size_t len;
    (void)state;
    found = 0;
    if (ss_qr_draw("ss://" SECRET, SS_QR_SVG, &text, &len) != NULL)
        skip();
    assert_int_equal(found, 0);
    assert_int_equal(strlen(text), len);
    explicit_bzero(text, len);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_that_grows_is_wiped_where_it_was),
        cmocka_unit_test(a_draft_that_failed_is_wiped),
        cmocka_unit_test(a_url_leaves_nothing),
        cmocka_unit_test(a_plugin_of_a_url_leaves_nothing),
        cmocka_unit_test(a_picture_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
