/* SPDX-License-Identifier: Apache-2.0 */
#include "captures.h"
#include "end.h"

#include <stdio.h>
#include <string.h>

static const struct obfs_conf bing = {.mode = OBFS_HTTP, .host = "www.bing.com"};

/* Opens a client that has sent payload, and copies its request into text. */
static void request_of(struct end *client, struct obfs_conf conf, const char *payload,
                       char text[8192])
{
    size_t len;
    end_open(client, &obfs_local, conf, 1);
    assert_int_equal(end_feed(client, SSP_WRAP, payload, strlen(payload)), SSP_CLEAR);
    const uint8_t *said = ssp_drive_output(client->drive, SSP_WRAP, &len);
    assert_true(len < 8192);
    memcpy(text, said, len);
    text[len] = '\0';
}

/* Overwrites what differs from one process or connection to the next. */
static void mask(char *text, const char *before, const char *after)
{
    char *from = strstr(text, before);
    assert_non_null(from);
    from += strlen(before);
    char *to = strstr(from, after);
    assert_non_null(to);
    memset(from, '?', (size_t)(to - from));
}

static void the_request_is_the_stock_one_but_for_version_and_key(void **state)
{
    (void)state;
    struct end client;
    char ours[8192], stock[8192] = "";
    request_of(&client, bing, "HELLO0", ours);
    memcpy(stock, stock_http_request.bytes, stock_http_request.len);
    mask(ours, "curl/7.", "\r\n");
    mask(stock, "curl/7.", "\r\n");
    mask(ours, "Key: ", "==\r\n");
    mask(stock, "Key: ", "==\r\n");
    assert_string_equal(ours, stock);
    end_close(&client);
}

static void nothing_is_sent_before_there_is_payload(void **state)
{
    (void)state;
    struct end client;
    end_open(&client, &obfs_local, bing, 1);
    assert_int_equal(end_feed(&client, SSP_WRAP, "", 0), SSP_MORE);
    end_says(&client, SSP_WRAP, "", 0);
    assert_int_equal(end_finish(&client, SSP_WRAP, "", 0), SSP_END);
    end_says(&client, SSP_WRAP, "", 0);
    end_close(&client);
}

static void the_length_is_that_of_the_first_chunk_only(void **state)
{
    (void)state;
    struct end client;
    char text[8192], chunk[2049];
    memset(chunk, 'x', 2048);
    chunk[2048] = '\0';
    request_of(&client, bing, chunk, text);
    assert_non_null(strstr(text, "\r\nContent-Length: 2048\r\n\r\nxxx"));
    assert_string_equal(strstr(text, "\r\n\r\n") + 4, chunk);
    end_close(&client);
}

static void after_the_first_chunk_bytes_are_raw(void **state)
{
    (void)state;
    struct end client;
    char text[8192];
    request_of(&client, bing, "first", text);
    end_forget(&client, SSP_WRAP);
    assert_int_equal(end_feed(&client, SSP_WRAP, "second", 6), SSP_CLEAR);
    end_says(&client, SSP_WRAP, "second", 6);
    end_close(&client);
}

static void uri_and_method_are_as_configured(void **state)
{
    (void)state;
    struct end client;
    char text[8192];
    struct obfs_conf conf = bing;
    conf.uri = "/a/b?c=d";
    conf.method = "POST";
    request_of(&client, conf, "x", text);
    assert_int_equal(strncmp(text, "POST /a/b?c=d HTTP/1.1\r\n", 24), 0);
    end_close(&client);
}

static void the_host_is_cloudfront_net_unless_configured(void **state)
{
    (void)state;
    struct end client;
    char text[8192];
    request_of(&client, (struct obfs_conf){.mode = OBFS_HTTP}, "x", text);
    assert_non_null(strstr(text, "\r\nHost: cloudfront.net:44171\r\n"));
    end_close(&client);
}

/* The stock program formats its request into 512 bytes and sends what lies behind them. */
static void the_longest_host_uri_and_method_leave_whole(void **state)
{
    (void)state;
    struct end client;
    char host[OBFS_HOST_MAX + 1], uri[OBFS_URI_MAX + 1], method[OBFS_METHOD_MAX + 1];
    char text[8192], line[8192];
    memset(host, 'h', OBFS_HOST_MAX);
    memset(uri, '/', OBFS_URI_MAX);
    memset(method, 'M', OBFS_METHOD_MAX);
    host[OBFS_HOST_MAX] = uri[OBFS_URI_MAX] = method[OBFS_METHOD_MAX] = '\0';
    request_of(&client, (struct obfs_conf){.host = host, .uri = uri, .method = method}, "payload",
               text);
    int n = snprintf(line, sizeof line, "%s %s HTTP/1.1\r\nHost: %s:44171\r\n", method, uri, host);
    assert_int_equal(strncmp(text, line, (size_t)n), 0);
    assert_string_equal(strstr(text, "\r\n\r\n") + 4, "payload");
    end_close(&client);
}

static void two_connections_share_the_version_but_not_the_key(void **state)
{
    (void)state;
    struct end client;
    char one[8192], other[8192];
    request_of(&client, bing, "x", one);
    end_close(&client);

    size_t len;
    end_open(&client, &obfs_local, bing, 2);
    (void)end_feed(&client, SSP_WRAP, "x", 1);
    const uint8_t *said = ssp_drive_output(client.drive, SSP_WRAP, &len);
    memcpy(other, said, len);
    other[len] = '\0';
    end_close(&client);

    assert_string_not_equal(one, other);
    mask(one, "Key: ", "==\r\n");
    mask(other, "Key: ", "==\r\n");
    assert_string_equal(one, other);
}

/* The stock client looks for the whole head in its first read. */
static void the_stock_answer_is_understood_whatever_the_cut(void **state)
{
    (void)state;
    end_unwraps_every_split(&obfs_local, bing, stock_http_answer.bytes, stock_http_answer.len,
                            "WORLD0");
}

static void an_answer_without_payload_is_understood(void **state)
{
    (void)state;
    end_unwraps_every_split(&obfs_local, bing, stock_http_answer.bytes, stock_http_answer.len - 6,
                            "");
}

static void an_answer_that_is_not_http_fails_at_the_byte_that_proves_it(void **state)
{
    (void)state;
    static const char prefix[] = "HTTP/1.";
    for (size_t i = 0; i < sizeof prefix - 1; i++) {
        struct end client;
        end_open(&client, &obfs_local, bing, 1);
        assert_int_equal(end_feed(&client, SSP_UNWRAP, prefix, i), SSP_MORE);
        assert_int_equal(end_feed(&client, SSP_UNWRAP, "\x16", 1), SSP_FAIL);
        end_says(&client, SSP_UNWRAP, "", 0);
        end_close(&client);
    }
}

static void an_answer_that_is_cut_inside_its_head_fails(void **state)
{
    (void)state;
    for (size_t cut = 1; cut < stock_http_answer.len - 6; cut++) {
        struct end client;
        end_open(&client, &obfs_local, bing, 1);
        assert_int_equal(end_finish(&client, SSP_UNWRAP, stock_http_answer.bytes, cut), SSP_FAIL);
        end_says(&client, SSP_UNWRAP, "", 0);
        end_close(&client);
    }
}

static ssp_verdict answer_with_head_of(size_t len)
{
    struct end client;
    char filling[16384];
    memset(filling, 'x', sizeof filling);
    end_open(&client, &obfs_local, bing, 1);
    (void)end_feed(&client, SSP_UNWRAP, "HTTP/1.1 101 ", 13);
    (void)end_feed(&client, SSP_UNWRAP, filling, len - 13 - 4);
    ssp_verdict verdict = end_feed(&client, SSP_UNWRAP, "\r\n\r\n", 4);
    end_close(&client);
    return verdict;
}

static void a_head_may_have_8192_bytes(void **state)
{
    (void)state;
    assert_int_equal(answer_with_head_of(8192), SSP_CLEAR);
    assert_int_equal(answer_with_head_of(8193), SSP_FAIL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_request_is_the_stock_one_but_for_version_and_key),
        cmocka_unit_test(nothing_is_sent_before_there_is_payload),
        cmocka_unit_test(the_length_is_that_of_the_first_chunk_only),
        cmocka_unit_test(after_the_first_chunk_bytes_are_raw),
        cmocka_unit_test(uri_and_method_are_as_configured),
        cmocka_unit_test(the_host_is_cloudfront_net_unless_configured),
        cmocka_unit_test(the_longest_host_uri_and_method_leave_whole),
        cmocka_unit_test(two_connections_share_the_version_but_not_the_key),
        cmocka_unit_test(the_stock_answer_is_understood_whatever_the_cut),
        cmocka_unit_test(an_answer_without_payload_is_understood),
        cmocka_unit_test(an_answer_that_is_not_http_fails_at_the_byte_that_proves_it),
        cmocka_unit_test(an_answer_that_is_cut_inside_its_head_fails),
        cmocka_unit_test(a_head_may_have_8192_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
