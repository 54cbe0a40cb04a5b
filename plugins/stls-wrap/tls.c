/* SPDX-License-Identifier: Apache-2.0 */
#include "stls-wrap/tls.h"

#include "stls-wrap/hello.h"
#include "stls-wrap/tape.h"

#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HELLO_MAX = 8192 };

struct stls_tls {
    struct tls_conf conf;
    struct tls_context *context;
    struct stls_tape *tape;
};

struct stls_tls *stls_tls_new(const struct tls_conf *conf, char *why, size_t why_cap)
{
    struct stls_tls *tls = calloc(1, sizeof *tls);
    if (tls != NULL)
        tls->tape = stls_tape_new();
    if (tls == NULL || tls->tape == NULL) {
        (void)snprintf(why, why_cap, "out of memory");
        stls_tls_free(tls);
        return NULL;
    }
    tls->conf = *conf;
    tls->conf.library = stls_tape_library(tls->tape);
    tls->context = tls_context_new(&tls->conf, why, why_cap);
    if (tls->context != NULL)
        return tls;
    stls_tls_free(tls);
    return NULL;
}

/* Connections that live outlast neither: the codec's are closed before its configuration. */
void stls_tls_free(struct stls_tls *tls)
{
    if (tls == NULL)
        return;
    tls_context_free(tls->context);
    stls_tape_free(tls->tape);
    free(tls);
}

int stls_tls_reload(struct stls_tls *tls, char *why, size_t why_cap)
{
    struct tls_context *fresh = tls_context_new(&tls->conf, why, why_cap);
    if (fresh == NULL)
        return -1;
    tls_context_free(tls->context);
    tls->context = fresh;
    return 0;
}

/* ---- a ClientHello, twice ---- */

static SSL *begin(struct stls_tls *tls)
{
    SSL *ssl = tls_context_open(tls->context, NULL);
    BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
    if (ssl == NULL || in == NULL || out == NULL) {
        stls_tls_close(ssl);
        (void)BIO_free(in);
        (void)BIO_free(out);
        return NULL;
    }
    (void)BIO_set_mem_eof_return(in, -1);
    SSL_set_bio(ssl, in, out);
    int rc = SSL_do_handshake(ssl);
    if (SSL_get_error(ssl, rc) == SSL_ERROR_WANT_READ)
        return ssl;
    stls_tls_close(ssl);
    return NULL;
}

/* Returns the length of the ClientHello of a first attempt, with our tag; 0 when there is none. */
static size_t make_hello(struct stls_tls *tls, const EVP_MAC_CTX *key, uint8_t hello[HELLO_MAX])
{
    const uint8_t *made = NULL;
    stls_tape_record(tls->tape);
    SSL *ssl = begin(tls);
    size_t n = ssl != NULL ? stls_tls_output(ssl, &made) : 0;
    if (n > 0 && n <= HELLO_MAX)
        memcpy(hello, made, n);
    bool known = n > 0 && n <= HELLO_MAX && stls_hello_sign(hello, n, key) &&
                 stls_tape_replace(tls->tape, made + STLS_SESSION_ID_AT, hello + STLS_SESSION_ID_AT,
                                   STLS_SESSION_ID_LEN);
    stls_tls_close(ssl);
    return known ? n : 0;
}

static SSL *make_again(struct stls_tls *tls, const uint8_t *hello, size_t n)
{
    const uint8_t *made;
    stls_tape_replay(tls->tape);
    SSL *ssl = begin(tls);
    if (ssl != NULL && stls_tls_output(ssl, &made) == n && memcmp(made, hello, n) == 0)
        return ssl;
    stls_tls_close(ssl);
    return NULL;
}

SSL *stls_tls_open(struct stls_tls *tls, const EVP_MAC_CTX *key)
{
    uint8_t hello[HELLO_MAX];
    ERR_clear_error();
    size_t n = make_hello(tls, key, hello);
    SSL *ssl = n > 0 ? make_again(tls, hello, n) : NULL;
    stls_tape_stop(tls->tape);
    ERR_clear_error();
    return ssl;
}

void stls_tls_close(SSL *ssl)
{
    tls_context_close(ssl);
}

/* ---- bytes ---- */

size_t stls_tls_output(SSL *ssl, const uint8_t **bytes)
{
    char *at = NULL;
    long n = BIO_get_mem_data(SSL_get_wbio(ssl), &at);
    *bytes = (const uint8_t *)at;
    return n > 0 ? (size_t)n : 0;
}

void stls_tls_sent(SSL *ssl)
{
    (void)BIO_reset(SSL_get_wbio(ssl));
}

bool stls_tls_input(SSL *ssl, const uint8_t *bytes, size_t n)
{
    size_t written;
    return BIO_write_ex(SSL_get_rbio(ssl), bytes, n, &written) == 1 && written == n;
}
