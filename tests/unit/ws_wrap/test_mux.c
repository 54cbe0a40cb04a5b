/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes are those that v2ray-plugin's client and server send. */
#include "end.h"

#include "ws-wrap/mux.h"

#define NEW "\0\x0c\0\1\1\1\1\0\0\1\x7f\0\0\1"
#define NEW_EMPTY "\0\x0c\0\1\1\0\1\0\0\1\x7f\0\0\1"
#define KEEP "\0\4\0\1\2\1"
#define KEEP_OTHER "\0\4\0\2\2\1"
#define END "\0\4\0\1\3\0"
#define END_OTHER "\0\4\0\2\3\0"
#define ALIVE "\0\4\0\0\4\1"

struct flow {
    ssp_drive *drive;
};

static void begin(struct flow *f)
{
    f->drive = ssp_drive_new(&ws_mux, SSP_CLIENT, NULL, NULL);
    assert_non_null(f->drive);
}

static void finish(struct flow *f)
{
    assert_null(ssp_drive_broken_rule(f->drive));
    ssp_drive_free(f->drive);
}

static void says(struct flow *f, ssp_dir dir, const char *text, size_t n)
{
    size_t len;
    const uint8_t *said = ssp_drive_output(f->drive, dir, &len);
    assert_int_equal(len, n);
    assert_memory_equal(said, text, n);
    ssp_drive_take(f->drive, dir, len);
}

#define SAYS(flow_, dir_, text_) says(flow_, dir_, text_, sizeof(text_) - 1)

static ssp_verdict feed(struct flow *f, ssp_dir dir, const char *text, size_t n, bool fin)
{
    return ssp_drive_feed(f->drive, dir, text, n, fin);
}

#define FEED(flow_, dir_, text_) feed(flow_, dir_, text_, sizeof(text_) - 1, false)

static void a_session_is_opened_with_the_first_bytes(void **state)
{
    (void)state;
    struct flow f;
    begin(&f);
    assert_int_equal(FEED(&f, SSP_WRAP, "hello"), SSP_MORE);
    SAYS(&f, SSP_WRAP, NEW "\0\5hello");
    assert_int_equal(FEED(&f, SSP_WRAP, "more"), SSP_MORE);
    SAYS(&f, SSP_WRAP, KEEP "\0\4more");
    finish(&f);
}

/* An End would cut the download at v2ray's server. */
static void the_end_waits_for_that_of_the_download(void **state)
{
    (void)state;
    struct flow f;
    begin(&f);
    assert_int_equal(feed(&f, SSP_WRAP, "x", 1, true), SSP_MORE);
    SAYS(&f, SSP_WRAP, NEW "\0\1x");
    assert_int_equal(FEED(&f, SSP_UNWRAP, KEEP "\0\6answer"), SSP_MORE);
    SAYS(&f, SSP_UNWRAP, "answer");
    assert_int_equal(FEED(&f, SSP_UNWRAP, END), SSP_END);
    assert_int_equal(feed(&f, SSP_WRAP, "", 0, true), SSP_END);
    SAYS(&f, SSP_WRAP, END);
    finish(&f);
}

static void a_silent_server_is_not_waited_for_long(void **state)
{
    (void)state;
    struct flow f;
    begin(&f);
    assert_int_equal(feed(&f, SSP_WRAP, "", 0, true), SSP_MORE);
    SAYS(&f, SSP_WRAP, NEW_EMPTY);
    ssp_drive_advance(f.drive, 10001);
    SAYS(&f, SSP_WRAP, END);
    assert_int_equal(feed(&f, SSP_WRAP, "", 0, true), SSP_END);
    finish(&f);
}

static void frames_of_others_are_skipped_whatever_the_cut(void **state)
{
    static const char wire[] = KEEP_OTHER "\0\5other" ALIVE "\0\2xx" END_OTHER KEEP "\0\4mine" END;
    (void)state;
    for (size_t cut = 0; cut < sizeof wire; cut++) {
        struct flow f;
        begin(&f);
        (void)feed(&f, SSP_UNWRAP, wire, cut, false);
        assert_int_equal(feed(&f, SSP_UNWRAP, wire + cut, sizeof wire - 1 - cut, false), SSP_END);
        SAYS(&f, SSP_UNWRAP, "mine");
        finish(&f);
    }
}

static void a_session_that_the_server_fails_is_cut(void **state)
{
    (void)state;
    struct flow f;
    begin(&f);
    assert_int_equal(FEED(&f, SSP_UNWRAP, "\0\4\0\1\3\2"), SSP_FAIL);
    assert_non_null(strstr(ssp_drive_why(f.drive), "ended the session by an error"));
    finish(&f);
}

static void a_cut_is_no_end(void **state)
{
    static const char wire[] = KEEP "\0\4mine" END;
    (void)state;
    for (size_t cut = 0; cut < sizeof wire - 1; cut++) {
        struct flow f;
        begin(&f);
        assert_int_equal(feed(&f, SSP_UNWRAP, wire, cut, true), SSP_FAIL);
        finish(&f);
    }
}

static void what_is_no_frame_is_refused(void **state)
{
    static const char *const wrong[] = {"\0\3\0\1\2\0", "\2\1\0\1\2\0", "\0\4\0\1\0\0",
                                        "\0\4\0\1\5\0"};
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct flow f;
        begin(&f);
        assert_int_equal(feed(&f, SSP_UNWRAP, wrong[i], 6, false), SSP_FAIL);
        assert_non_null(strstr(ssp_drive_why(f.drive), "so must the client"));
        finish(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_session_is_opened_with_the_first_bytes),
        cmocka_unit_test(the_end_waits_for_that_of_the_download),
        cmocka_unit_test(a_silent_server_is_not_waited_for_long),
        cmocka_unit_test(frames_of_others_are_skipped_whatever_the_cut),
        cmocka_unit_test(a_session_that_the_server_fails_is_cut),
        cmocka_unit_test(a_cut_is_no_end),
        cmocka_unit_test(what_is_no_frame_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
