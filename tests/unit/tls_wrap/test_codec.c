/* SPDX-License-Identifier: Apache-2.0 */
#include "ends.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { HOUR = 3600, DAY = 86400, TWO_DAYS = 2 * DAY };

static struct {
    char directory[CERT_PATH_MAX];
    struct cert cert, expired, future, strange, chain;
    ssp_conf *client, *server; /* that understand each other */
} set;                         /* NOLINT(cppcoreguidelines-avoid-non-const-global-variables) */

static int make_set(void **state)
{
    const struct cert_request good = {.name = "ex.test", .ends = HOUR};
    (void)state;
    certs_open(set.directory);
    cert_make(&set.cert, set.directory, "good", &good);
    cert_make(&set.strange, set.directory, "strange", &good);
    cert_make(&set.expired, set.directory, "expired",
              &(struct cert_request){.name = "ex.test", .begins = -TWO_DAYS, .ends = -DAY});
    cert_make(&set.future, set.directory, "future",
              &(struct cert_request){.name = "ex.test", .begins = DAY, .ends = TWO_DAYS});
    cert_make(&set.chain, set.directory, "chain",
              &(struct cert_request){.name = "ex.test", .ends = HOUR, .repeats = 80});
    set.server = conf_open(SSP_SERVER, "cert=%s;key=%s", set.cert.cert, set.cert.key);
    set.client = conf_open(SSP_CLIENT, "host=ex.test;ca=%s", set.cert.cert);
    return 0;
}

static int drop_set(void **state)
{
    (void)state;
    ssp_conf_free(set.client);
    ssp_conf_free(set.server);
    certs_close(set.directory);
    return 0;
}

/* Both ways, so that whatever is wrong shows. */
static void talk(struct ends *e, size_t piece)
{
    end_says(e, CLIENT, "question", 8, 0);
    ends_carry(e, piece);
    end_has(e, SERVER, "question", 8);
    end_says(e, SERVER, "answer", 6, 0);
    ends_carry(e, piece);
    end_has(e, CLIENT, "answer", 6);
}

static void talks_in_pieces_of_any_size(void **state)
{
    static const size_t pieces[] = {0, 1, 2, 3, 4, 5, 6, 7, 100, 1000};
    (void)state;
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        struct ends e;
        ends_open(&e, set.client, set.server);
        talk(&e, pieces[i]);
        ends_close(&e);
    }
}

/* A cut in the at-th byte that an end sends.  Returns false when it sends less. */
static bool talks_with_a_cut(int end, size_t at)
{
    struct ends e;
    bool cut = false;
    ends_open(&e, set.client, set.server);
    end_says(&e, CLIENT, "question", 8, 0);
    for (size_t moved = 1; moved > 0;) {
        size_t left = e.carried[end] < at ? at - e.carried[end] : 0;
        moved = ends_carry_one(&e, end, left);
        cut |= e.carried[end] == at;
        moved += ends_carry_one(&e, 1 - end, 0);
    }
    end_has(&e, SERVER, "question", 8);
    end_says(&e, SERVER, "answer", 6, 0);
    ends_carry(&e, 0);
    end_has(&e, CLIENT, "answer", 6);
    ends_close(&e);
    return cut;
}

/* Without resumption, which would make all but the first shorter. */
static void talks_whatever_the_cut(void **state)
{
    (void)state;
    for (int end = CLIENT; end <= SERVER; end++) {
        size_t at = 1;
        while (talks_with_a_cut(end, at))
            at++;
        assert_true(at > 200);
    }
}

static void carries_much(void **state)
{
    enum { MUCH = 300000 };
    static uint8_t text[MUCH];
    struct ends e;
    (void)state;
    for (size_t i = 0; i < MUCH; i++)
        text[i] = (uint8_t)(i * i >> 8);
    ends_open(&e, set.client, set.server);
    talk(&e, 0);
    for (int end = CLIENT; end <= SERVER; end++) {
        end_says(&e, end, text, MUCH, 0);
        ends_carry(&e, 7001);
        end_has(&e, 1 - end, text, MUCH);
    }
    ends_close(&e);
}

/* Input that was fed before the handshake waits, and so does the end behind it. */
static void ends_before_the_handshake_does(void **state)
{
    struct ends e;
    (void)state;
    ends_open(&e, set.client, set.server);
    assert_int_equal(ssp_drive_feed(e.end[CLIENT], SSP_WRAP, "all", 3, 1), SSP_MORE);
    ends_carry(&e, 0);
    assert_int_equal(ssp_drive_feed(e.end[CLIENT], SSP_WRAP, "", 0, 1), SSP_END);
    ends_carry(&e, 0);
    end_has(&e, SERVER, "all", 3);
    assert_int_equal(e.verdict[SERVER], SSP_END);
    end_says(&e, SERVER, "got it", 6, 1);
    ends_carry(&e, 0);
    end_has(&e, CLIENT, "got it", 6);
    assert_int_equal(e.verdict[CLIENT], SSP_END);
    ends_close(&e);
}

/* An end is one that was said; a wire that just ends is never taken for one. */
static ssp_verdict cut_behind(size_t wire_len)
{
    struct ends e;
    size_t len;
    ends_open(&e, set.client, set.server);
    talk(&e, 0);
    end_says(&e, CLIENT, "the end", 7, 1);
    const uint8_t *wire = ssp_drive_output(e.end[CLIENT], SSP_WRAP, &len);
    assert_true(wire_len <= len);
    ssp_verdict verdict = ssp_drive_feed(e.end[SERVER], SSP_UNWRAP, wire, wire_len, 1);
    if (verdict == SSP_END)
        assert_int_equal(wire_len, len);
    else
        assert_non_null(ssp_drive_why(e.end[SERVER]));
    ends_close(&e);
    return verdict;
}

static void truncation_is_a_failure(void **state)
{
    (void)state;
    size_t n = 0;
    while (cut_behind(n) == SSP_FAIL)
        n++;
    assert_int_equal(n, 5 + 7 + 17 + 5 + 2 + 17); /* a record, and the alert */
}

static void truncated_handshake_is_a_failure(void **state)
{
    struct ends e;
    size_t len;
    (void)state;
    ends_open(&e, set.client, set.server);
    const uint8_t *hello = ssp_drive_output(e.end[CLIENT], SSP_WRAP, &len);
    for (size_t n = 1; n <= len; n++) {
        ssp_drive *server = ssp_drive_new(&tls_wrap, SSP_SERVER, ssp_conf_values(set.server), NULL);
        assert_int_equal(ssp_drive_feed(server, SSP_UNWRAP, hello, n, 1), SSP_FAIL);
        ssp_drive_free(server);
    }
    ends_close(&e);
}

static void a_flipped_bit_is_a_failure(void **state)
{
    enum { RECORD = 5 + 8 + 17 };
    (void)state;
    for (size_t bit = 0; bit < (size_t)8 * RECORD; bit++) {
        struct ends e;
        size_t len;
        uint8_t wire[RECORD];
        ends_open(&e, set.client, set.server);
        talk(&e, 0);
        end_says(&e, CLIENT, "question", 8, 0);
        memcpy(wire, ssp_drive_output(e.end[CLIENT], SSP_WRAP, &len), RECORD);
        assert_int_equal(len, RECORD);
        wire[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(ssp_drive_feed(e.end[SERVER], SSP_UNWRAP, wire, RECORD, 1), SSP_FAIL);
        (void)ssp_drive_output(e.end[SERVER], SSP_UNWRAP, &len);
        assert_int_equal(len, 0);
        ends_close(&e);
    }
}

/* ---- trust ---- */

struct refusal {
    const struct cert *cert;
    const char *client, *server; /* options beside the files */
    const struct cert *ca;
    const char *why; /* the client's */
};

static void is_refused(const struct refusal *r)
{
    struct ends e;
    ssp_conf *server =
        conf_open(SSP_SERVER, "cert=%s;key=%s;%s", r->cert->cert, r->cert->key, r->server);
    ssp_conf *client = conf_open(SSP_CLIENT, "ca=%s;%s", r->ca->cert, r->client);
    ends_open(&e, client, server);
    end_says(&e, CLIENT, "question", 8, 0);
    ends_carry(&e, 0);
    end_has(&e, SERVER, "", 0);
    assert_int_equal(e.verdict[CLIENT], SSP_FAIL);
    const char *why = ssp_drive_why(e.end[CLIENT]);
    assert_non_null(why);
    if (strstr(why, r->why) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", r->why, why);
    ends_close(&e);
    ssp_conf_free(client);
    ssp_conf_free(server);
}

static void says_why_it_trusts_nobody(void **state)
{
    (void)state;
    const struct refusal rows[] = {
        {&set.expired, "host=ex.test", "", &set.expired, "has expired; pin=sha256//"},
        {&set.future, "host=ex.test", "", &set.future, "not valid yet: check the clock"},
        {&set.cert, "host=another.test", "", &set.cert, "for another name; host=NAME"},
        {&set.cert, "host=192.0.2.1", "", &set.cert, "not for this address; host=NAME"},
        {&set.cert, "host=ex.test", "", &set.strange, "self-signed; pin=sha256//"},
        {&set.cert, "host=ex.test;alpn=h2", "alpn=http/1.1", &set.cert, "no protocol of alpn="},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        is_refused(&rows[i]);
    char pin[100];
    (void)snprintf(pin, sizeof pin, "host=ex.test;pin=%s", set.strange.pin);
    is_refused(&(struct refusal){&set.cert, pin, "", &set.cert, "none of those in pin="});
}

static void is_accepted(const struct cert *cert, const char *client_options)
{
    struct ends e;
    ssp_conf *server = conf_open(SSP_SERVER, "cert=%s;key=%s", cert->cert, cert->key);
    ssp_conf *client = conf_open(SSP_CLIENT, "%s", client_options);
    ends_open(&e, client, server);
    talk(&e, 0);
    ends_close(&e);
    ssp_conf_free(client);
    ssp_conf_free(server);
}

/* The advice of the reasons. */
static void a_pin_allows_all_of_them(void **state)
{
    enum { CERTS = 3 };
    const struct cert *const certs[CERTS] = {&set.expired, &set.future, &set.cert};
    char options[200];
    (void)state;
    for (size_t i = 0; i < CERTS; i++) {
        (void)snprintf(options, sizeof options, "host=another.test;pin=%s,%s", set.strange.pin,
                       certs[i]->pin);
        is_accepted(certs[i], options);
    }
    (void)snprintf(options, sizeof options, "host=ex.test;alpn=;pin=%s", set.cert.pin);
    is_accepted(&set.cert, options);
}

/* 81 certificates are more than two records. */
static void a_long_chain_fits(void **state)
{
    char options[200];
    (void)state;
    (void)snprintf(options, sizeof options, "host=ex.test;pin=%s", set.chain.pin);
    is_accepted(&set.chain, options);
}

/* ---- sessions ---- */

/* Bytes of the server's handshake: a certificate is half a kilobyte. */
static size_t shake(const ssp_conf *client, const ssp_conf *server)
{
    struct ends e;
    ends_open(&e, client, server);
    end_says(&e, CLIENT, "x", 1, 0);
    ends_carry(&e, 0);
    end_has(&e, SERVER, "x", 1);
    size_t n = e.carried[SERVER];
    ends_close(&e); /* without an end on either side */
    return n;
}

static void the_second_connection_resumes(void **state)
{
    char why[200];
    (void)state;
    ssp_conf *client = conf_open(SSP_CLIENT, "host=ex.test;ca=%s", set.cert.cert);
    size_t first = shake(client, set.server);
    for (int i = 0; i < 40; i++)
        assert_true(shake(client, set.server) + 300 < first);
    /* Another server does not know the tickets; hands are shaken all the same. */
    void *values = (void *)(uintptr_t)ssp_conf_values(set.server);
    assert_int_equal(tls_wrap.reload(values, why, sizeof why), 0);
    assert_true(shake(client, set.server) + 300 >= first);
    ssp_conf_free(client);
}

static void tls12_resumes_too(void **state)
{
    (void)state;
    ssp_conf *client = conf_open(SSP_CLIENT, "host=ex.test;tls12;ca=%s", set.cert.cert);
    ssp_conf *server = conf_open(SSP_SERVER, "tls12;cert=%s;key=%s", set.cert.cert, set.cert.key);
    size_t first = shake(client, server);
    assert_true(shake(client, server) + 300 < first);
    ssp_conf_free(client);
    ssp_conf_free(server);
}

static void connections_live_through_a_reload(void **state)
{
    const struct cert_request request = {.name = "ex.test", .ends = HOUR};
    struct cert cert;
    struct ends before, after;
    char why[200];
    (void)state;
    cert_make(&cert, set.directory, "rotated", &request);
    ssp_conf *server = conf_open(SSP_SERVER, "cert=%s;key=%s", cert.cert, cert.key);
    ssp_conf *old = conf_open(SSP_CLIENT, "host=ex.test;pin=%s", cert.pin);
    ends_open(&before, old, server);
    talk(&before, 0);
    struct ends half; /* in the middle of its handshake */
    ends_open(&half, old, server);
    (void)ends_carry_one(&half, CLIENT, 0);
    cert_make(&cert, set.directory, "rotated", &request);
    assert_int_equal(tls_wrap.reload((void *)(uintptr_t)ssp_conf_values(server), why, sizeof why),
                     0);
    ssp_conf *fresh = conf_open(SSP_CLIENT, "host=ex.test;pin=%s", cert.pin);
    ends_open(&after, fresh, server);
    talk(&after, 0);
    talk(&before, 0);
    talk(&half, 0);
    ends_close(&after);
    ends_close(&before);
    ends_close(&half);
    ssp_conf_free(old);
    ssp_conf_free(fresh);
    ssp_conf_free(server);
}

/* ---- web sites ---- */

/* Sends text in two records, cut at `cut`. */
static void send_text(struct ends *e, const char *text, size_t cut)
{
    end_says(e, CLIENT, "", 0, 0);
    ends_carry(e, 0);
    end_says(e, CLIENT, text, cut, 0);
    ends_carry(e, 0);
    end_says(e, CLIENT, text + cut, strlen(text) - cut, 0);
    ends_carry(e, 0);
}

static void judges(const ssp_conf *server, const char *text, bool diverted)
{
    for (size_t cut = 0; cut <= 4 && cut <= strlen(text); cut++) {
        struct ends e;
        ends_open(&e, set.client, server);
        send_text(&e, text, cut);
        assert_int_equal(ssp_drive_diverted(e.end[SERVER]), diverted);
        end_says(&e, CLIENT, "", 0, 1);
        ends_carry(&e, 0);
        end_has(&e, SERVER, text, strlen(text));
        assert_int_equal(e.verdict[SERVER], SSP_END);
        ends_close(&e);
    }
}

static void requests_go_to_the_web_site(void **state)
{
    static const char *const requests[] = {"GET / HTTP/1.1", "HEAD /",  "POST /", "PUT /",
                                           "PRI * HTTP/2.0", "OPTIONS", "DELETE", "CONNECT"};
    static const char *const others[] = {"", "G", "GE", "GET", "GETX", "get /", "xyz", "\1\2\3\4"};
    (void)state;
    ssp_conf *server =
        conf_open(SSP_SERVER, "cert=%s;key=%s;fallback=127.0.0.1:80", set.cert.cert, set.cert.key);
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++)
        judges(server, requests[i], true);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        judges(server, others[i], false);
    ssp_conf_free(server);
}

static void without_a_web_site_requests_are_carried(void **state)
{
    (void)state;
    judges(set.server, "GET / HTTP/1.1", false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(talks_in_pieces_of_any_size),
        cmocka_unit_test(talks_whatever_the_cut),
        cmocka_unit_test(carries_much),
        cmocka_unit_test(ends_before_the_handshake_does),
        cmocka_unit_test(truncation_is_a_failure),
        cmocka_unit_test(truncated_handshake_is_a_failure),
        cmocka_unit_test(a_flipped_bit_is_a_failure),
        cmocka_unit_test(says_why_it_trusts_nobody),
        cmocka_unit_test(a_pin_allows_all_of_them),
        cmocka_unit_test(a_long_chain_fits),
        cmocka_unit_test(the_second_connection_resumes),
        cmocka_unit_test(tls12_resumes_too),
        cmocka_unit_test(connections_live_through_a_reload),
        cmocka_unit_test(requests_go_to_the_web_site),
        cmocka_unit_test(without_a_web_site_requests_are_carried),
    };
    return cmocka_run_group_tests(tests, make_set, drop_set);
}
