/* SPDX-License-Identifier: Apache-2.0 */
/* The server against a client of OpenSSL's that does what ours never does. */
#include "ends.h"

#include <openssl/ssl.h>
#include <stdbool.h>
#include <string.h>

struct peer {
    SSL_CTX *ctx;
    SSL *ssl;
    BIO *in, *out; /* memory, the SSL's */
    ssp_drive *server;
    ssp_verdict verdict;
};

static struct {
    char directory[CERT_PATH_MAX];
    struct cert cert;
} set; /* NOLINT(cppcoreguidelines-avoid-non-const-global-variables) */

static int make_set(void **state)
{
    (void)state;
    certs_open(set.directory);
    cert_make(&set.cert, set.directory, "good",
              &(struct cert_request){.name = "ex.test", .ends = 60});
    return 0;
}

static int drop_set(void **state)
{
    (void)state;
    certs_close(set.directory);
    return 0;
}

static void peer_open(struct peer *p, const ssp_conf *server, int version)
{
    *p = (struct peer){.ctx = SSL_CTX_new(TLS_client_method()), .verdict = SSP_MORE};
    assert_int_equal(SSL_CTX_set_max_proto_version(p->ctx, version), 1);
    p->ssl = SSL_new(p->ctx);
    p->in = BIO_new(BIO_s_mem());
    p->out = BIO_new(BIO_s_mem());
    SSL_set_bio(p->ssl, p->in, p->out);
    SSL_set_connect_state(p->ssl);
    p->server = ssp_drive_new(&tls_wrap, SSP_SERVER, ssp_conf_values(server), NULL);
}

static void peer_close(struct peer *p)
{
    assert_null(ssp_drive_broken_rule(p->server));
    ssp_drive_free(p->server);
    SSL_free(p->ssl);
    SSL_CTX_free(p->ctx);
}

static void step(struct peer *p)
{
    char ignored[1];
    if (SSL_is_init_finished(p->ssl))
        (void)SSL_peek(p->ssl, ignored, 1);
    else
        (void)SSL_do_handshake(p->ssl);
}

/* Until nothing waits on either side. */
static void carry(struct peer *p)
{
    char bytes[20000];
    for (bool moved = true; moved;) {
        step(p);
        int n = BIO_read(p->out, bytes, sizeof bytes);
        moved = n > 0;
        if (n > 0)
            p->verdict = ssp_drive_feed(p->server, SSP_UNWRAP, bytes, (size_t)n, 0);
        (void)ssp_drive_feed(p->server, SSP_WRAP, "", 0, 0);
        size_t len;
        const uint8_t *wire = ssp_drive_output(p->server, SSP_WRAP, &len);
        if (len > 0)
            assert_int_equal(BIO_write(p->in, wire, (int)len), len);
        ssp_drive_take(p->server, SSP_WRAP, len);
        moved |= len > 0;
    }
}

static void server_has(struct peer *p, const char *text)
{
    size_t len;
    const uint8_t *plain = ssp_drive_output(p->server, SSP_UNWRAP, &len);
    assert_int_equal(len, strlen(text));
    assert_memory_equal(plain, text, len);
    ssp_drive_take(p->server, SSP_UNWRAP, len);
}

static void talk(struct peer *p)
{
    char answer[16];
    assert_int_equal(SSL_write(p->ssl, "question", 8), 8);
    carry(p);
    server_has(p, "question");
    (void)ssp_drive_feed(p->server, SSP_WRAP, "answer", 6, 0);
    carry(p);
    assert_int_equal(SSL_read(p->ssl, answer, sizeof answer), 6);
    assert_memory_equal(answer, "answer", 6);
}

static ssp_conf *server_conf(const char *more)
{
    return conf_open(SSP_SERVER, "cert=%s;key=%s;%s", set.cert.cert, set.cert.key, more);
}

static void keys_may_be_updated(void **state)
{
    struct peer p;
    (void)state;
    ssp_conf *conf = server_conf("");
    peer_open(&p, conf, TLS1_3_VERSION);
    carry(&p);
    talk(&p);
    for (int i = 0; i < 40; i++) {
        assert_int_equal(
            SSL_key_update(p.ssl, i % 2 ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED),
            1);
        assert_int_equal(SSL_do_handshake(p.ssl), 1);
        talk(&p);
    }
    peer_close(&p);
    ssp_conf_free(conf);
}

static void tls12_only_where_it_is_allowed(void **state)
{
    struct peer p;
    (void)state;
    ssp_conf *conf = server_conf("");
    peer_open(&p, conf, TLS1_2_VERSION);
    carry(&p);
    assert_int_equal(p.verdict, SSP_FAIL);
    assert_string_equal(ssp_drive_why(p.server),
                        "TLS: the peer has no TLS 1.3; tls12 would allow 1.2");
    peer_close(&p);
    ssp_conf_free(conf);

    conf = server_conf("tls12");
    peer_open(&p, conf, TLS1_2_VERSION);
    carry(&p);
    talk(&p);
    assert_string_equal(SSL_get_version(p.ssl), "TLSv1.2");
    assert_int_equal(SSL_CIPHER_is_aead(SSL_get_current_cipher(p.ssl)), 1);
    peer_close(&p);

    peer_open(&p, conf, TLS1_1_VERSION);
    carry(&p);
    assert_int_not_equal(SSL_is_init_finished(p.ssl), 1);
    peer_close(&p);
    ssp_conf_free(conf);
}

/* A peer that takes no tickets is not remembered: our memory is not for strangers to fill. */
static void no_session_is_kept_here(void **state)
{
    struct peer p;
    unsigned len;
    (void)state;
    ssp_conf *conf = server_conf("tls12");
    peer_open(&p, conf, TLS1_2_VERSION);
    (void)SSL_set_options(p.ssl, SSL_OP_NO_TICKET);
    carry(&p);
    talk(&p);
    (void)SSL_SESSION_get_id(SSL_get0_session(p.ssl), &len);
    assert_int_equal(len, 0);
    peer_close(&p);
    ssp_conf_free(conf);
}

/* It is refused by a warning, which ends this client, and nothing at our side. */
static void renegotiation_is_refused(void **state)
{
    struct peer p;
    (void)state;
    ssp_conf *conf = server_conf("tls12");
    peer_open(&p, conf, TLS1_2_VERSION);
    carry(&p);
    talk(&p);
    assert_int_equal(SSL_renegotiate(p.ssl), 1);
    (void)SSL_do_handshake(p.ssl);
    carry(&p);
    assert_false(SSL_is_init_finished(p.ssl));
    peer_close(&p);
    ssp_conf_free(conf);
}

static void an_end_is_answered_by_what_is_left(void **state)
{
    struct peer p;
    char answer[16];
    (void)state;
    ssp_conf *conf = server_conf("");
    peer_open(&p, conf, TLS1_3_VERSION);
    carry(&p);
    talk(&p);
    assert_int_equal(SSL_shutdown(p.ssl), 0);
    carry(&p);
    assert_int_equal(p.verdict, SSP_END);
    assert_int_equal(ssp_drive_feed(p.server, SSP_WRAP, "late", 4, 1), SSP_END);
    carry(&p);
    assert_int_equal(SSL_read(p.ssl, answer, sizeof answer), 4);
    assert_int_equal(SSL_read(p.ssl, answer, sizeof answer), 0);
    assert_int_equal(SSL_get_error(p.ssl, 0), SSL_ERROR_ZERO_RETURN);
    peer_close(&p);
    ssp_conf_free(conf);
}

static ssp_verdict hears(const ssp_conf *conf, const void *bytes, size_t n)
{
    ssp_drive *server = ssp_drive_new(&tls_wrap, SSP_SERVER, ssp_conf_values(conf), NULL);
    ssp_verdict verdict = ssp_drive_feed(server, SSP_UNWRAP, bytes, n, 0);
    assert_null(ssp_drive_broken_rule(server));
    ssp_drive_free(server);
    return verdict;
}

static void what_is_no_tls_is_foreign(void **state)
{
    static const uint8_t too_long[] = {22, 3, 1, 255, 255},
                         no_hello[] = {22, 3, 1, 0, 4, 1, 2, 3, 4};
    static const uint8_t alert[] = {21, 3, 1, 0, 2, 2, 40};
    (void)state;
    ssp_conf *conf = server_conf("");
    assert_int_equal(hears(conf, "GET / HTTP/1.0\r\n", 16), SSP_FOREIGN);
    assert_int_equal(hears(conf, "SSH-2.0-x\r\n", 11), SSP_FOREIGN);
    assert_int_equal(hears(conf, "\x16\x02", 2), SSP_FOREIGN);
    assert_int_equal(hears(conf, too_long, sizeof too_long), SSP_FOREIGN);
    assert_int_equal(hears(conf, no_hello, sizeof no_hello), SSP_FAIL);
    assert_int_equal(hears(conf, alert, sizeof alert), SSP_FAIL);
    ssp_conf_free(conf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_may_be_updated),
        cmocka_unit_test(tls12_only_where_it_is_allowed),
        cmocka_unit_test(no_session_is_kept_here),
        cmocka_unit_test(renegotiation_is_refused),
        cmocka_unit_test(an_end_is_answered_by_what_is_left),
        cmocka_unit_test(what_is_no_tls_is_foreign),
    };
    return cmocka_run_group_tests(tests, make_set, drop_set);
}
