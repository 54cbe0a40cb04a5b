/* SPDX-License-Identifier: Apache-2.0 */
/* The pages of the proxy itself: to whom they are shown, and what is in them. */
#include "http/own.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct ss_status status;

static const struct ss_status *look(void *arg)
{
    (void)arg;
    return &status;
}

static const struct ss_pages here = {.look = look}, anywhere = {.anywhere = true, .look = look};
static struct ss_account account = {"user", "word"};
static const struct ss_entrance local = {.pages = &here}, exposed = {.pages = &anywhere}, none,
                                guarded = {.accounts = {&account, 1}, .pages = &here};

/* Returns the answer as a text, to be freed. */
static char *ask(const struct ss_entrance *e, const char *said)
{
    struct ss_http_request r;
    size_t len = 0;
    assert_int_equal(ss_http_request_read(&r, (const uint8_t *)said, strlen(said)), 0);
    char *answer = ss_own_answer(e, &r, false, &len);
    assert_non_null(answer);
    char *text = strndup(answer, len);
    free(answer);
    assert_int_equal(strlen(text), len);
    return text;
}

static void expect(const struct ss_entrance *e, const char *said, const char *beginning)
{
    char *text = ask(e, said);
    if (strncmp(text, beginning, strlen(beginning)) != 0)
        fail_msg("%s is answered %.60s", said, text);
    free(text);
}

#define GET(path, host) "GET " path " HTTP/1.1\r\nHost: " host "\r\n\r\n"
#define OK "HTTP/1.1 200 OK\r\n"
#define MISDIRECTED "HTTP/1.1 421 Misdirected Request\r\n"

static void a_name_that_was_led_here_gets_no_page(void **state)
{
    static const char *const names[] = {
        GET("/", "evil.example:1080"),
        GET("/proxy.pac", "evil.example"),
        GET("/", "localhost.evil.example"),
        GET("/", "127.0.0.1.evil.example"),
        GET("/", "evil.example:127"),
        GET("/", "localhost@evil.example"),
        GET("/", ""),
        "GET / HTTP/1.0\r\n\r\n",
        GET("/", "127.0.0.1:0"),
        GET("/", "2130706433"),
    };
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        expect(&local, names[i], MISDIRECTED);
        expect(&exposed, names[i], MISDIRECTED);
    }
    expect(&local, GET("/", "192.0.2.1:1080"), MISDIRECTED);
    expect(&exposed, GET("/", "192.0.2.1:1080"), OK);
    expect(&exposed, GET("/", "[2001:db8::1]:1080"), OK);
}

static void an_address_of_this_machine_gets_it(void **state)
{
    static const char *const hosts[] = {GET("/", "127.0.0.1:1080"), GET("/?x", "LOCALHOST:1080"),
                                        GET("/", "[::1]:1080"), GET("/", "127.0.0.9"),
                                        "HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n"};
    (void)state;
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++)
        expect(&local, hosts[i], OK);
}

static void other_paths_methods_and_machines_get_a_short_page(void **state)
{
    (void)state;
    expect(&local, GET("/x", "localhost"), "HTTP/1.1 404 Not Found\r\n");
    expect(&local, GET("//", "localhost"), "HTTP/1.1 404 Not Found\r\n");
    expect(&none, GET("/", "localhost"), "HTTP/1.1 404 Not Found\r\n");
    expect(&local, "POST / HTTP/1.1\r\nHost: localhost\r\n\r\n",
           "HTTP/1.1 405 Method Not Allowed\r\n");
}

#define ALLOWED "Authorization: Basic dXNlcjp3b3Jk\r\n"

static void the_status_is_for_users_where_there_are_any(void **state)
{
    (void)state;
    char *text = ask(&guarded, GET("/", "localhost"));
    assert_non_null(strstr(text, "HTTP/1.1 401 Unauthorized\r\n"));
    assert_non_null(strstr(text, "WWW-Authenticate: Basic "));
    free(text);
    expect(&guarded, "GET / HTTP/1.1\r\nHost: localhost\r\n" ALLOWED "\r\n", OK);
    expect(&guarded, GET("/proxy.pac", "localhost"), OK); /* browsers cannot name anyone there */
}

static void the_proxy_is_named_as_the_client_has_reached_it(void **state)
{
    (void)state;
    char *text = ask(&local, GET("/proxy.pac", "[::1]:1080"));
    assert_non_null(strstr(text, "Content-Type: application/x-ns-proxy-autoconfig\r\n"));
    assert_non_null(strstr(text, "return \"PROXY [::1]:1080; SOCKS5 [::1]:1080\";"));
    const char *body = strstr(text, "\r\n\r\n") + 4, *length = strstr(text, "Content-Length: ");
    assert_int_equal(strtoul(length + 16, NULL, 10), strlen(body));
    free(text);
}

static void nothing_of_a_server_is_taken_for_a_tag(void **state)
{
    (void)state;
    status = (struct ss_status){.servers = 1, .hidden = 3};
    status.server[0] = (struct ss_status_server){.address = "<script>\"&'", .method = "m"};
    status.server[0].state = SS_STATUS_FAILING;
    status.server[0].failures = 7;
    char *text = ask(&local, GET("/", "localhost:1"));
    assert_null(strstr(text, "<script"));
    assert_non_null(strstr(text, "&#60;script&#62;&#34;&#38;&#39;"));
    assert_non_null(strstr(text, "failed 7 times in a row"));
    assert_non_null(strstr(text, "and 3 more"));
    assert_non_null(strstr(text, "default-src 'none'"));
    free(text);
    char *head = ask(&local, "HEAD / HTTP/1.1\r\nHost: localhost:1\r\n\r\n");
    assert_string_equal(strstr(head, "\r\n\r\n"), "\r\n\r\n");
    free(head);
}

static void the_graph_has_a_point_for_each_second_that_was_looked_at(void **state)
{
    struct ss_status s = {.samples = 0};
    (void)state;
    for (uint64_t ms = 0; ms <= 100000; ms += 500) {
        s.down = ms;
        ss_status_note(&s, ms);
    }
    assert_int_equal(s.samples, SS_STATUS_SAMPLES);
    assert_int_equal(s.sample[s.samples - 1].ms, 100000);
    for (size_t i = 1; i + 1 < s.samples; i++)
        assert_true(s.sample[i].ms - s.sample[i - 1].ms >= 1000);
    s.samples = 0;
    ss_status_note(&s, 5);
    assert_int_equal(s.samples, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_that_was_led_here_gets_no_page),
        cmocka_unit_test(an_address_of_this_machine_gets_it),
        cmocka_unit_test(other_paths_methods_and_machines_get_a_short_page),
        cmocka_unit_test(the_status_is_for_users_where_there_are_any),
        cmocka_unit_test(the_proxy_is_named_as_the_client_has_reached_it),
        cmocka_unit_test(nothing_of_a_server_is_taken_for_a_tag),
        cmocka_unit_test(the_graph_has_a_point_for_each_second_that_was_looked_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
