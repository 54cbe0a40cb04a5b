/* SPDX-License-Identifier: Apache-2.0 */
#include "captures.h"
#include "end.h"

#include "obfs/request.h"

#include <string.h>

static const struct obfs_conf any = {.mode = OBFS_HTTP};

#define GET "GET / HTTP/1.1\r\n"
#define UPGRADE "Upgrade: websocket\r\n"
#define END "\r\n"

static ssp_verdict hear(struct obfs_conf conf, const char *bytes)
{
    struct end server;
    end_open(&server, &obfs_server, conf, 1);
    ssp_verdict verdict = end_feed(&server, SSP_UNWRAP, bytes, strlen(bytes));
    end_close(&server);
    return verdict;
}

/* Among the splits are those with one byte of a header line, which the stock server calls foreign.
 */
static void the_stock_request_is_understood_whatever_the_cut(void **state)
{
    (void)state;
    struct obfs_conf strict = {.host = "www.bing.com", .method = "GET"};
    end_unwraps_every_split(&obfs_server, any, stock_http_request.bytes, stock_http_request.len,
                            "HELLO0");
    end_unwraps_every_split(&obfs_server, strict, stock_http_request.bytes, stock_http_request.len,
                            "HELLO0");
}

static void the_request_of_go_clients_is_understood_whatever_the_cut(void **state)
{
    (void)state;
    struct obfs_conf strict = {.host = "www.bing.com", .method = "GET"};
    end_unwraps_every_split(&obfs_server, any, go_http_request.bytes, go_http_request.len,
                            "HELLO0");
    end_unwraps_every_split(&obfs_server, strict, go_http_request.bytes, go_http_request.len,
                            "HELLO0");
}

static void a_head_without_payload_is_enough(void **state)
{
    (void)state;
    end_unwraps_every_split(&obfs_server, any, GET UPGRADE END, sizeof(GET UPGRADE END) - 1, "");
}

static void case_order_and_unknown_headers_do_not_matter(void **state)
{
    (void)state;
    assert_int_equal(hear(any, GET "uPGRADE:WebSocket\r\n" END), SSP_CLEAR);
    assert_int_equal(hear(any, GET "A: b\r\nUpgrade: \t websocket \t\r\nC:\r\n" END), SSP_CLEAR);
    assert_int_equal(hear(any, "PATCH /x HTTP/1.0\r\n" UPGRADE END), SSP_CLEAR);
    assert_int_equal(hear(any, GET "Host: \xc3\xa9\r\n" UPGRADE END), SSP_CLEAR);
}

static void a_configured_host_must_be_claimed(void **state)
{
    (void)state;
    struct obfs_conf conf = {.host = "www.bing.com"};
    assert_int_equal(hear(conf, GET UPGRADE "Host: www.bing.com\r\n" END), SSP_CLEAR);
    assert_int_equal(hear(conf, GET "host: WWW.Bing.Com:8388\r\n" UPGRADE END), SSP_CLEAR);
    assert_int_equal(hear(conf, GET UPGRADE END), SSP_FOREIGN);
    assert_int_equal(hear(conf, GET UPGRADE "Host: \r\n" END), SSP_FOREIGN);
    assert_int_equal(hear(conf, GET UPGRADE "Host: www.bing\r\n"), SSP_FOREIGN);
    assert_int_equal(hear(conf, GET UPGRADE "Host: www.bing.com.example\r\n"), SSP_FOREIGN);
    assert_int_equal(hear(conf, GET UPGRADE "Host: www.bing.com:\r\n"), SSP_FOREIGN);
    assert_int_equal(hear(conf, GET UPGRADE "Host: :8388\r\n"), SSP_FOREIGN);
    assert_int_equal(hear(conf, GET "Host: www.bing.com\r\nHost: x\r\n"), SSP_FOREIGN);
}

static void a_configured_ipv6_host_is_recognised_in_every_spelling(void **state)
{
    (void)state;
    struct obfs_conf bare = {.host = "2001:db8::1"}, brackets = {.host = "[2001:db8::1]"};
    assert_int_equal(hear(bare, GET UPGRADE "Host: 2001:db8::1\r\n" END), SSP_CLEAR);
    assert_int_equal(hear(bare, GET UPGRADE "Host: 2001:db8::1:8388\r\n" END), SSP_CLEAR);
    assert_int_equal(hear(bare, GET UPGRADE "Host: [2001:DB8::1]:8388\r\n" END), SSP_CLEAR);
    assert_int_equal(hear(bare, GET UPGRADE "Host: [2001:db8::1]\r\n" END), SSP_CLEAR);
    assert_int_equal(hear(brackets, GET UPGRADE "Host: [2001:db8::1]\r\n" END), SSP_CLEAR);
    assert_int_equal(hear(brackets, GET UPGRADE "Host: [2001:db8::1]:8388\r\n" END), SSP_CLEAR);
    assert_int_equal(hear(brackets, GET UPGRADE "Host: [2001:db8::2]:8388\r\n"), SSP_FOREIGN);
}

static void without_a_configured_host_any_is_welcome(void **state)
{
    (void)state;
    assert_int_equal(hear(any, GET UPGRADE "Host: nobody.example\r\n" END), SSP_CLEAR);
    assert_int_equal(hear(any, GET UPGRADE END), SSP_CLEAR);
}

static void a_configured_method_must_be_sent(void **state)
{
    (void)state;
    struct obfs_conf conf = {.method = "POST"};
    assert_int_equal(hear(conf, "POST / HTTP/1.1\r\n" UPGRADE END), SSP_CLEAR);
    assert_int_equal(hear(conf, "G"), SSP_FOREIGN);
    assert_int_equal(hear(conf, "POS "), SSP_FOREIGN);
    assert_int_equal(hear(conf, "POSTS"), SSP_FOREIGN);
}

/* Every prefix is undecided, the whole is foreign: no byte is waited for in vain. */
static void a_stranger_is_known_at_the_byte_that_proves_it(void **state)
{
    (void)state;
    static const char *const strangers[] = {
        "\x16",
        "SSH-2.0-OpenSSH_9.2\r",
        " ",
        "GET  ",
        "GET /\x01",
        "GET / F",
        "GET / HTTP/2",
        "GET / HTTP/1.x",
        "GET / HTTP/1.12",
        "GET / HTTP/1.1\n",
        "GET / HTTP/1.1\r\r",
        GET ":",
        GET " ",
        GET "Upgrade ",
        GET "Upgrade\r",
        GET "Upgrade: h2c\r",
        GET "Upgrade: websocke\r",
        GET "Upgrade: websockets\r",
        GET "X: \x7f",
        GET "X: a\n",
        GET UPGRADE "\rx",
        GET "Host: www.example.com\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\n" END,
    };
    for (size_t i = 0; i < sizeof strangers / sizeof *strangers; i++) {
        struct end server;
        size_t len = strlen(strangers[i]);
        end_open(&server, &obfs_server, any, 1);
        for (size_t at = 0; at + 1 < len; at++)
            assert_int_equal(end_feed(&server, SSP_UNWRAP, strangers[i] + at, 1), SSP_MORE);
        ssp_verdict verdict = end_feed(&server, SSP_UNWRAP, strangers[i] + len - 1, 1);
        assert_int_equal(verdict, SSP_FOREIGN);
        end_says(&server, SSP_UNWRAP, "", 0);
        end_close(&server);
    }
}

/* A buffer of exactly these bytes: the sanitizer sees a search that expects a NUL. */
static void heads_without_any_line_end_are_not_searched_past_their_end(void **state)
{
    (void)state;
    assert_int_equal(hear(any, "\n"), SSP_FOREIGN);
    assert_int_equal(hear(any, "GET /"), SSP_MORE);
    assert_int_equal(hear((struct obfs_conf){.host = "a"}, GET "Host:"), SSP_MORE);
}

static void a_stranger_who_gives_up_half_way_is_foreign(void **state)
{
    (void)state;
    struct end server;
    end_open(&server, &obfs_server, any, 1);
    assert_int_equal(end_finish(&server, SSP_UNWRAP, "GET / HT", 8), SSP_FOREIGN);
    end_close(&server);
}

static ssp_verdict request_with_head_of(size_t len)
{
    char head[16384];
    size_t used = sizeof(GET UPGRADE "X:") - 1;
    memset(head, 'x', sizeof head);
    memcpy(head, GET UPGRADE "X:", used);
    memcpy(head + len - 4, "\r\n\r\n", 5);
    return hear(any, head);
}

static void a_head_may_have_8192_bytes(void **state)
{
    (void)state;
    assert_int_equal(request_with_head_of(8192), SSP_CLEAR);
    assert_int_equal(request_with_head_of(8193), SSP_FOREIGN);
}

static void an_endless_head_is_foreign_at_the_limit(void **state)
{
    (void)state;
    char head[8193];
    memset(head, 'x', sizeof head);
    memcpy(head, "GET ", 4);
    head[8191] = '\0';
    assert_int_equal(hear(any, head), SSP_MORE);
    head[8191] = 'x';
    head[8192] = '\0';
    assert_int_equal(hear(any, head), SSP_FOREIGN);
}

static void lines_that_were_judged_are_not_read_again(void **state)
{
    (void)state;
    uint8_t head[] = GET UPGRADE END;
    size_t len = sizeof head - 1, line = sizeof GET - 1;
    const struct obfs_request_rule rule = {.method = NULL};
    struct obfs_request request = {.step = 0};
    assert_int_equal(obfs_request_judge(&request, &rule, head, line), OBFS_UNDECIDED);
    memset(head, 0xff, line);
    assert_int_equal(obfs_request_judge(&request, &rule, head, len), OBFS_COMPLETE);
    assert_int_equal(request.at, len);
}

#define ANSWER_BEGIN "HTTP/1.1 101 Switching Protocols\r\nServer: nginx/1."
#define ANSWER_DATE "\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
#define ANSWER_KEY "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "

/* Ours with the stock version, date and key in it is the stock answer. */
static void the_answer_is_the_stock_one_but_for_version_date_and_key(void **state)
{
    (void)state;
    struct end server;
    size_t len;
    end_open(&server, &obfs_server, any, 1);
    (void)end_feed(&server, SSP_UNWRAP, GET UPGRADE END, sizeof(GET UPGRADE END) - 1);
    assert_int_equal(end_feed(&server, SSP_WRAP, "", 0), SSP_MORE);
    end_says(&server, SSP_WRAP, "", 0);
    assert_int_equal(end_feed(&server, SSP_WRAP, "WORLD0", 6), SSP_CLEAR);

    const char *ours = (const char *)ssp_drive_output(server.drive, SSP_WRAP, &len);
    const char *stock = (const char *)stock_http_answer.bytes;
    size_t begin = sizeof ANSWER_BEGIN - 1, tail = sizeof(ANSWER_KEY) - 1 + 24 + 4 + 6;
    const char *date = memmem(ours, len, ANSWER_DATE, sizeof ANSWER_DATE - 1);
    assert_memory_equal(ours, stock, begin);
    assert_non_null(date);
    assert_int_equal(date + sizeof ANSWER_DATE - 1 - ours, len - tail);
    assert_memory_equal(ours + len - tail, stock + stock_http_answer.len - tail, tail - 34);
    assert_memory_equal(ours + len - 12, "==\r\n\r\nWORLD0", 12);

    end_forget(&server, SSP_WRAP);
    (void)end_feed(&server, SSP_WRAP, "second reply", 12);
    end_says(&server, SSP_WRAP, "second reply", 12);
    end_close(&server);
}

static void the_answer_waits_for_the_first_reply(void **state)
{
    (void)state;
    struct end server;
    end_open(&server, &obfs_server, any, 1);
    (void)end_feed(&server, SSP_UNWRAP, stock_http_request.bytes, stock_http_request.len);
    end_says(&server, SSP_WRAP, "", 0);
    assert_int_equal(end_finish(&server, SSP_WRAP, "", 0), SSP_END);
    end_says(&server, SSP_WRAP, "", 0);
    end_close(&server);
}

static void behind_a_reverse_proxy_the_answer_comes_at_once_and_only_once(void **state)
{
    (void)state;
    struct end server;
    size_t len, more;
    end_open(&server, &obfs_server, (struct obfs_conf){.reverse_proxy = 1}, 1);
    (void)end_feed(&server, SSP_UNWRAP, stock_http_request.bytes, stock_http_request.len);
    end_says(&server, SSP_UNWRAP, "HELLO0", 6);
    const uint8_t *said = ssp_drive_output(server.drive, SSP_WRAP, &len);
    assert_memory_equal(said, ANSWER_BEGIN, sizeof ANSWER_BEGIN - 1);
    assert_memory_equal(said + len - 6, "==\r\n\r\n", 6);

    assert_int_equal(end_feed(&server, SSP_WRAP, "WORLD0", 6), SSP_CLEAR);
    said = ssp_drive_output(server.drive, SSP_WRAP, &more);
    assert_int_equal(more, len + 6);
    assert_memory_equal(said + len, "WORLD0", 6);
    end_close(&server);
}

static void two_servers_give_different_keys(void **state)
{
    (void)state;
    struct end one, other;
    size_t len, other_len;
    end_open(&one, &obfs_server, any, 1);
    end_open(&other, &obfs_server, any, 2);
    (void)end_feed(&one, SSP_WRAP, "x", 1);
    (void)end_feed(&other, SSP_WRAP, "x", 1);
    const uint8_t *a = ssp_drive_output(one.drive, SSP_WRAP, &len);
    const uint8_t *b = ssp_drive_output(other.drive, SSP_WRAP, &other_len);
    assert_int_equal(len, other_len);
    assert_memory_equal(a, b, len - 29);
    assert_memory_not_equal(a + len - 29, b + len - 29, 22);
    end_close(&one);
    end_close(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_stock_request_is_understood_whatever_the_cut),
        cmocka_unit_test(the_request_of_go_clients_is_understood_whatever_the_cut),
        cmocka_unit_test(a_head_without_payload_is_enough),
        cmocka_unit_test(case_order_and_unknown_headers_do_not_matter),
        cmocka_unit_test(a_configured_host_must_be_claimed),
        cmocka_unit_test(a_configured_ipv6_host_is_recognised_in_every_spelling),
        cmocka_unit_test(without_a_configured_host_any_is_welcome),
        cmocka_unit_test(a_configured_method_must_be_sent),
        cmocka_unit_test(a_stranger_is_known_at_the_byte_that_proves_it),
        cmocka_unit_test(heads_without_any_line_end_are_not_searched_past_their_end),
        cmocka_unit_test(a_stranger_who_gives_up_half_way_is_foreign),
        cmocka_unit_test(a_head_may_have_8192_bytes),
        cmocka_unit_test(an_endless_head_is_foreign_at_the_limit),
        cmocka_unit_test(lines_that_were_judged_are_not_read_again),
        cmocka_unit_test(the_answer_is_the_stock_one_but_for_version_date_and_key),
        cmocka_unit_test(the_answer_waits_for_the_first_reply),
        cmocka_unit_test(behind_a_reverse_proxy_the_answer_comes_at_once_and_only_once),
        cmocka_unit_test(two_servers_give_different_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
