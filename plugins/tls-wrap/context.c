/* SPDX-License-Identifier: Apache-2.0 */
#include "tls-wrap/context.h"

#include "libcrypto/start.h"
#include "tls-wrap/pin.h"
#include "tls-wrap/spoiled.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ALPN_MAX = 256,
    SESSIONS_MAX = 16, /* tickets that wait for a connection */
    TICKET_MAX = 4096  /* longer ones would not fit into a ClientHello that fits into our room */
};

struct tls_context {
    unsigned users; /* the configuration and each connection */
    SSL_CTX *ctx;
    BIO_METHOD *records;
    SSL_SESSION *session[SESSIONS_MAX]; /* that the server has offered, the last one last */
    size_t sessions;
    char *host;               /* claimed and verified; NULL on a server */
    char *pin;                /* NULL: verify by authorities */
    bool by_system, doubtful; /* the system's authorities; a verification by them has failed */
    unsigned char alpn[ALPN_MAX];
    size_t alpn_len;
};

/* The first error is the cause, later ones only name the caller. */
static const char *reason_of(unsigned long error)
{
    const char *reason =
        ERR_SYSTEM_ERROR(error) ? strerror(ERR_GET_REASON(error)) : ERR_reason_error_string(error);
    return error != 0 && reason != NULL ? reason : "refused";
}

static int refuse(const char *option, const char *what, char *why, size_t cap)
{
    (void)snprintf(why, cap, "option %s: %.200s: %s", option, what, reason_of(ERR_peek_error()));
    ERR_clear_error();
    return -1;
}

static int out_of_memory(char *why, size_t cap)
{
    (void)snprintf(why, cap, "out of memory");
    ERR_clear_error();
    return -1;
}

/* ---- the client's view of the server ---- */

/* The fast AEAD of this kind of machine first, as browsers have it; of 1.2 what is as good. */
static const char suites[] =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
static const char suites12[] = "ECDHE+AES128+AESGCM:ECDHE+AESGCM:ECDHE+CHACHA20";

static struct tls_context *context_of(SSL *ssl)
{
    return SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
}

static void forget_oldest(struct tls_context *c)
{
    SSL_SESSION_free(c->session[0]);
    c->sessions--;
    memmove(c->session, c->session + 1, c->sessions * sizeof(SSL_SESSION *));
}

/* Called when the server offers a session. */
static int keep_session(SSL *ssl, SSL_SESSION *session)
{
    struct tls_context *c = context_of(ssl);
    const unsigned char *ticket;
    size_t len;
    SSL_SESSION_get0_ticket(session, &ticket, &len);
    if (len > TICKET_MAX)
        return 0;
    if (c->sessions == SESSIONS_MAX)
        forget_oldest(c);
    c->session[c->sessions++] = session;
    return 1;
}

/* Each ticket is shown once, so that it links no connections (RFC 8446, C.4).  The caller owns what
 * is returned; NULL: there is none. */
static SSL_SESSION *take_session(struct tls_context *c)
{
    return c->sessions > 0 ? c->session[--c->sessions] : NULL;
}

/* A pin stands for the chain, the name and the dates: it names the key itself. */
static int verify_by_pin(X509_STORE_CTX *store, void *arg)
{
    const struct tls_context *c = arg;
    X509 *leaf = X509_STORE_CTX_get0_cert(store);
    if (leaf != NULL && tls_pin_matches(c->pin, leaf)) {
        X509_STORE_CTX_set_error(store, X509_V_OK);
        return 1;
    }
    X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
    return 0;
}

static int trust(struct tls_context *c, const struct tls_conf *conf, char *why, size_t cap)
{
    SSL_CTX_set_verify(c->ctx, SSL_VERIFY_PEER, NULL);
    if (conf->pin != NULL) {
        if (!tls_pin_valid(conf->pin))
            return refuse("pin", "expected sha256//BASE64, several joined by \",\"", why, cap);
        c->pin = strdup(conf->pin);
        SSL_CTX_set_cert_verify_callback(c->ctx, verify_by_pin, c);
        return c->pin != NULL ? 0 : out_of_memory(why, cap);
    }
    c->by_system = conf->ca == NULL;
    if (c->by_system)
        return SSL_CTX_set_default_verify_paths(c->ctx) == 1
                   ? 0
                   : refuse("ca", "the system's authorities", why, cap);
    /* Trusts every certificate of the file, not only root authorities. */
    (void)X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(c->ctx), X509_V_FLAG_PARTIAL_CHAIN);
    return SSL_CTX_load_verify_file(c->ctx, conf->ca) == 1 ? 0 : refuse("ca", conf->ca, why, cap);
}

static int set_up_client(struct tls_context *c, const struct tls_conf *conf, char *why, size_t cap)
{
    c->host = strdup(conf->name);
    if (c->host == NULL || SSL_CTX_set_alpn_protos(c->ctx, c->alpn, (unsigned)c->alpn_len) != 0)
        return out_of_memory(why, cap);
    long cache = SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL;
    (void)SSL_CTX_set_session_cache_mode(c->ctx,
                                         conf->library == NULL ? cache : SSL_SESS_CACHE_OFF);
    SSL_CTX_sess_set_new_cb(c->ctx, keep_session);
    return trust(c, conf, why, cap);
}

/* ---- the server ---- */

/* The first of our protocols that the client offers.  One that offers only others is refused, as
 * web servers do it; one that offers nothing goes on without. */
/* NOLINTNEXTLINE(readability-function-size): OpenSSL's callback */
static int select_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                       const unsigned char *in, unsigned in_len, void *arg)
{
    const struct tls_context *c = arg;
    unsigned char *chosen = NULL;
    (void)ssl;
    if (SSL_select_next_proto(&chosen, out_len, c->alpn, (unsigned)c->alpn_len, in, in_len) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

/* A plugin has no terminal on which to ask for a passphrase. */
static int no_passphrase(char *buf, int size, int writing, void *arg)
{
    (void)buf, (void)size, (void)writing, (void)arg;
    return -1;
}

/* The errors of decoders for other formats do not help the user. */
static int refuse_key(char *why, size_t cap)
{
    unsigned long error = ERR_peek_error();
    if (ERR_SYSTEM_ERROR(error) || ERR_GET_LIB(error) == ERR_LIB_X509)
        return refuse("key", "the file", why, cap);
    (void)snprintf(why, cap,
                   "option key: the file has no private key in PEM, or one with a passphrase");
    ERR_clear_error();
    return -1;
}

static int set_up_server(struct tls_context *c, const struct tls_conf *conf, char *why, size_t cap)
{
    static const unsigned char id[] = "tls-wrap";
    SSL_CTX_set_default_passwd_cb(c->ctx, no_passphrase);
    if (SSL_CTX_use_certificate_chain_file(c->ctx, conf->cert) != 1)
        return refuse("cert", conf->cert, why, cap);
    if (SSL_CTX_use_PrivateKey_file(c->ctx, conf->key, SSL_FILETYPE_PEM) != 1)
        return refuse_key(why, cap);
    if (SSL_CTX_check_private_key(c->ctx) != 1)
        return refuse("key", "it does not belong to the certificate", why, cap);
    (void)SSL_CTX_set_session_id_context(c->ctx, id, sizeof id - 1);
    /* Clients keep their sessions, in tickets: unauthenticated peers must not fill the server's
     * memory. */
    (void)SSL_CTX_set_session_cache_mode(c->ctx, SSL_SESS_CACHE_OFF);
    if (c->alpn_len > 0)
        SSL_CTX_set_alpn_select_cb(c->ctx, select_alpn, c);
    return 0;
}

/* ---- both ---- */

/* "h2,http/1.1" becomes two texts behind their lengths (RFC 7301). */
static int read_alpn(struct tls_context *c, const char *list, char *why, size_t cap)
{
    while (*list != '\0') {
        size_t n = strcspn(list, ",");
        if (n == 0 || n > UINT8_MAX || c->alpn_len + 1 + n > ALPN_MAX)
            return refuse("alpn", "expected names of 1 to 255 bytes joined by \",\"", why, cap);
        c->alpn[c->alpn_len] = (unsigned char)n;
        memcpy(c->alpn + c->alpn_len + 1, list, n);
        c->alpn_len += 1 + n;
        list += n + (list[n] == ',' ? 1 : 0);
    }
    return 0;
}

static int set_up(struct tls_context *c, const struct tls_conf *conf, char *why, size_t cap)
{
    int oldest = conf->tls12 ? TLS1_2_VERSION : TLS1_3_VERSION;
    ERR_clear_error();
    if (c->ctx == NULL || c->records == NULL ||
        SSL_CTX_set_min_proto_version(c->ctx, oldest) != 1 ||
        SSL_CTX_set_ciphersuites(c->ctx, suites) != 1 ||
        SSL_CTX_set_cipher_list(c->ctx, suites12) != 1)
        return refuse("tls12", "OpenSSL", why, cap);
    if (SSL_CTX_set_app_data(c->ctx, c) != 1)
        return out_of_memory(why, cap);
    /* Idle connections keep no buffers; what a call could not write may stand elsewhere next time.
     */
    (void)SSL_CTX_set_mode(c->ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                       SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    (void)SSL_CTX_set_options(c->ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    if (read_alpn(c, conf->alpn, why, cap) == -1)
        return -1;
    int rc = conf->role == SSP_CLIENT ? set_up_client(c, conf, why, cap)
                                      : set_up_server(c, conf, why, cap);
    return rc == 0 && tls_spoiled(c->ctx) ? out_of_memory(why, cap) : rc;
}

struct tls_context *tls_context_new(const struct tls_conf *conf, char *why, size_t why_cap)
{
    unsigned long failures = ssp__libcrypto_failures();
    struct tls_context *c = calloc(1, sizeof *c);
    if (c == NULL) {
        (void)out_of_memory(why, why_cap);
        return NULL;
    }
    c->users = 1;
    c->records = tls_flow_method();
    c->ctx = SSL_CTX_new_ex(conf->library, NULL,
                            conf->role == SSP_CLIENT ? TLS_client_method() : TLS_server_method());
    int rc = set_up(c, conf, why, why_cap);
    /* OpenSSL makes a context that lacks algorithms rather than none, or tells another reason. */
    if (ssp__libcrypto_failures() != failures)
        rc = out_of_memory(why, why_cap);
    if (rc == 0)
        return c;
    tls_context_free(c);
    return NULL;
}

void tls_context_free(struct tls_context *c)
{
    if (c == NULL || --c->users > 0)
        return;
    while (c->sessions > 0)
        SSL_SESSION_free(take_session(c));
    SSL_CTX_free(c->ctx);
    BIO_meth_free(c->records);
    free(c->host);
    free(c->pin);
    free(c);
}

static bool numeric(const char *host)
{
    unsigned char address[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;
}

/* An address is verified as such, and never claimed (RFC 6066). */
static int claim(SSL *ssl, const char *host)
{
    if (numeric(host))
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host);
    /* SSL_set_tlsext_host_name() is a macro that casts the const away. */
    void *name = (void *)(uintptr_t)host;
    return SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name) == 1 &&
           SSL_set1_host(ssl, host) == 1;
}

/* A client sends a server name, and tries to resume a session that the server has offered. */
static bool set_out(SSL *ssl, struct tls_context *c)
{
    if (c->host == NULL) {
        SSL_set_accept_state(ssl);
        return true;
    }
    SSL_set_connect_state(ssl);
    SSL_SESSION *session = take_session(c);
    bool resumes = session == NULL || SSL_set_session(ssl, session) == 1;
    SSL_SESSION_free(session);
    return resumes && claim(ssl, c->host) == 1;
}

/* The system's authorities are read at their first use, when memory may be out. */
static void renew_trust(struct tls_context *c)
{
    X509_STORE *fresh = tls_spoiled(c->ctx) ? X509_STORE_new() : NULL;
    c->doubtful = false;
    if (fresh != NULL && X509_STORE_set_default_paths(fresh) == 1)
        SSL_CTX_set_cert_store(c->ctx, fresh);
    else
        X509_STORE_free(fresh);
}

SSL *tls_context_open(struct tls_context *c, struct tls_flow *flow)
{
    if (c->doubtful)
        renew_trust(c);
    SSL *ssl = SSL_new(c->ctx);
    BIO *bio = BIO_new(c->records);
    if (ssl == NULL || bio == NULL) {
        SSL_free(ssl);
        (void)BIO_free(bio);
        return NULL;
    }
    BIO_set_data(bio, flow);
    BIO_set_init(bio, 1);
    /* First: newer versions lose the layer that takes it when memory is out while they set out,
     * and only their state tells. */
    SSL_set_bio(ssl, bio, bio);
    if (!set_out(ssl, c) || SSL_in_before(ssl) != 1) {
        SSL_free(ssl);
        return NULL;
    }
    c->users++;
    return ssl;
}

void tls_context_close(SSL *ssl)
{
    if (ssl == NULL)
        return;
    struct tls_context *c = context_of(ssl);
    c->doubtful = c->doubtful || (c->by_system && SSL_get_verify_result(ssl) != X509_V_OK);
    /* A connection that was cut takes its session with it, unless it says that it was not. */
    SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(ssl);
    tls_context_free(c);
}

static const struct {
    long error;
    const char *why;
} refusals[] = {
    {X509_V_ERR_APPLICATION_VERIFICATION,
     "the server's key is none of those in pin=; pin=sha256//... of the new key would allow it"},
    {X509_V_ERR_CERT_HAS_EXPIRED,
     "the server's certificate has expired; pin=sha256//... of its key would allow it"},
    {X509_V_ERR_CERT_NOT_YET_VALID,
     "the server's certificate is not valid yet: check the clock; pin=sha256//... of its key would "
     "allow it"},
    {X509_V_ERR_HOSTNAME_MISMATCH,
     "the server's certificate is for another name; host=NAME of the certificate would allow it"},
    {X509_V_ERR_IP_ADDRESS_MISMATCH,
     "the server's certificate is not for this address; host=NAME of the certificate would allow "
     "it"},
    {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT,
     "the server's certificate is self-signed; pin=sha256//... of its key, or ca=FILE with the "
     "certificate, would allow it"},
    {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
     "the server's authority is not trusted here; ca=FILE with its certificate would allow it"},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
     "the server's authority is not trusted here; ca=FILE with its certificate would allow it"},
    {X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE,
     "the server's authority is not trusted here; ca=FILE with its certificate would allow it"},
};

static const struct {
    int reason;
    const char *why;
} reasons[] = {
    {SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL,
     "the server has no protocol of alpn=; alpn=NAME of one that it has would allow it"},
    {SSL_R_NO_APPLICATION_PROTOCOL, "the client offers no protocol of alpn="},
    {SSL_R_TLSV1_ALERT_PROTOCOL_VERSION, "the peer has no TLS 1.3; tls12 would allow 1.2"},
    {SSL_R_UNSUPPORTED_PROTOCOL, "the peer has no TLS 1.3; tls12 would allow 1.2"},
    {SSL_R_UNEXPECTED_EOF_WHILE_READING, "the peer ended without a close_notify"},
};

static const char *refusal(const SSL *ssl)
{
    long error = SSL_get_verify_result(ssl);
    if (error == X509_V_OK)
        return NULL;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        if (refusals[i].error == error)
            return refusals[i].why;
    }
    return X509_verify_cert_error_string(error);
}

const char *tls_context_why(const SSL *ssl)
{
    unsigned long error = ERR_peek_error();
    const char *why = refusal(ssl);
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons && why == NULL; i++) {
        if (ERR_GET_LIB(error) == ERR_LIB_SSL && ERR_GET_REASON(error) == reasons[i].reason)
            why = reasons[i].why;
    }
    return why != NULL ? why : error != 0 ? reason_of(error) : "protocol error";
}
