/* SPDX-License-Identifier: Apache-2.0 */
/* base64 by the vectors of RFC 4648, and what a reader refuses. */
#include <ssplugin/base64.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    const char *bytes, *text, *url;
} vectors[] = {
    {"", "", ""},
    {"f", "Zg==", "Zg"},
    {"fo", "Zm8=", "Zm8"},
    {"foo", "Zm9v", "Zm9v"},
    {"foob", "Zm9vYg==", "Zm9vYg"},
    {"fooba", "Zm9vYmE=", "Zm9vYmE"},
    {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
    {"\xfb\xff\xbf", "+/+/", "-_-_"},
};

static void reads(const char *text, const char *bytes)
{
    uint8_t got[16];
    size_t n = strlen(bytes);
    assert_int_equal(ssp_base64_read(text, strlen(text), got, sizeof got), n);
    assert_memory_equal(got, bytes, n);
    if (n > 0)
        assert_int_equal(ssp_base64_read(text, strlen(text), got, n - 1), -1);
    assert_int_equal(ssp_base64_read(text, strlen(text), got, n), n);
}

static void each_vector_goes_both_ways(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        size_t n = strlen(vectors[i].bytes);
        char text[SSP_BASE64_TEXT(6) + 1];
        assert_int_equal(ssp_base64_write(SSP_BASE64, vectors[i].bytes, n, text),
                         SSP_BASE64_TEXT(n));
        assert_string_equal(text, vectors[i].text);
        assert_int_equal(ssp_base64_write(SSP_BASE64_URL, vectors[i].bytes, n, text),
                         strlen(vectors[i].url));
        assert_string_equal(text, vectors[i].url);
        reads(vectors[i].text, vectors[i].bytes);
        reads(vectors[i].url, vectors[i].bytes);
    }
}

static void every_length_comes_back(void **state)
{
    uint8_t bytes[256], back[sizeof bytes];
    char text[SSP_BASE64_TEXT(sizeof bytes) + 1];
    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 167 + 13);
    for (size_t n = 0; n <= sizeof bytes; n++) {
        for (int alphabet = SSP_BASE64; alphabet <= SSP_BASE64_URL; alphabet++) {
            size_t len = ssp_base64_write((ssp_alphabet)alphabet, bytes, n, text);
            assert_int_equal(ssp_base64_read(text, len, back, sizeof back), n);
            assert_memory_equal(back, bytes, n);
        }
    }
}

static void other_text_is_refused(void **state)
{
    static const char *const wrong[] = {
        "Z",      "Zm9vY", "Zg=",  "Zm9vYg=", "=",    "====",    "Zg==Zg==", "Zm9v==", "Zm 9v",
        "Zm9v\n", "Zm9.",  "Z===", "Zm\x80v", "*m9v", "Zm9vZg=", "Zm9v=",    "Zm9=v"};
    uint8_t bytes[16];
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(ssp_base64_read(wrong[i], strlen(wrong[i]), bytes, sizeof bytes), -1);
    assert_int_equal(ssp_base64_read("Zm\0v", 4, bytes, sizeof bytes), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_vector_goes_both_ways),
        cmocka_unit_test(every_length_comes_back),
        cmocka_unit_test(other_text_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
