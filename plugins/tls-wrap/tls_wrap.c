/* SPDX-License-Identifier: Apache-2.0 */
#include "tls-wrap/tls_wrap.h"

#include "libcrypto/start.h"
#include "tls-wrap/context.h"
#include "tls-wrap/record.h"

#include <openssl/err.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { FIRST_BYTES = 4 }; /* enough to tell an HTTP request */

struct tls_state {
    SSL *ssl;
    struct tls_flow flow;       /* where OpenSSL's records come from and go to, during a call */
    uint8_t first[FIRST_BYTES]; /* of the plain bytes, held until they are judged */
    uint8_t first_len;
    bool judged;
};

static const ssp_option options[] = {
    {.name = "host",
     .type = SSP_TEXT,
     .offset = offsetof(struct tls_conf, host),
     .help = "name to claim and to verify (default: the server's address)",
     .flags = SSP_FOR_CLIENT},
    {.name = "alpn",
     .type = SSP_TEXT,
     .offset = offsetof(struct tls_conf, alpn),
     .help = "protocols to offer or accept, joined by \",\" (default h2,http/1.1; server: "
             "http/1.1,http/1.0)"},
    {.name = "ca",
     .type = SSP_FILE,
     .offset = offsetof(struct tls_conf, ca),
     .help = "file of trusted authorities (default: the system's)",
     .flags = SSP_FOR_CLIENT},
    {.name = "pin",
     .type = SSP_TEXT,
     .offset = offsetof(struct tls_conf, pin),
     .help = "sha256//BASE64 of the server's key, instead of authorities, name and dates",
     .flags = SSP_FOR_CLIENT},
    {.name = "cert",
     .type = SSP_FILE,
     .offset = offsetof(struct tls_conf, cert),
     .help = "file of the certificate and its chain, PEM",
     .flags = SSP_FOR_SERVER | SSP_REQUIRED},
    {.name = "key",
     .type = SSP_FILE,
     .offset = offsetof(struct tls_conf, key),
     .help = "file of its private key, PEM",
     .flags = SSP_FOR_SERVER | SSP_REQUIRED | SSP_SECRET},
    {.name = "fallback",
     .type = SSP_ADDRESS,
     .offset = offsetof(struct tls_conf, fallback),
     .help = "web server (plain HTTP) for browsers and other foreign clients; without it HTTP "
             "requests are carried as all else",
     .flags = SSP_FOR_SERVER},
    {.name = "tls12",
     .type = SSP_FLAG,
     .offset = offsetof(struct tls_conf, tls12),
     .help = "allow TLS 1.2, too"},
    SSP_OPTION_END,
};

/* ---- configuration ---- */

enum { HOST_MAX = 253 };

/* The name of the server, or its address without the brackets that an IPv6 one may have. */
static int set_host(struct tls_conf *conf, const char *remote_host, char *why, size_t why_cap)
{
    if (conf->host == NULL && strchr(remote_host, '|') != NULL) {
        (void)snprintf(why, why_cap, "option host: is required with several servers");
        return -1;
    }
    const char *host = conf->host != NULL ? conf->host : remote_host;
    size_t len = strlen(host);
    if (len > 2 && host[0] == '[' && host[len - 1] == ']') {
        host++;
        len -= 2;
    }
    if (len == 0 || len > HOST_MAX) {
        (void)snprintf(why, why_cap, "option host: expected a name of 1 to %d bytes", HOST_MAX);
        return -1;
    }
    if (strcspn(host, " \t/") < len) {
        (void)snprintf(why, why_cap, "option host: expected a name without blanks and slashes");
        return -1;
    }
    (void)snprintf(conf->name, sizeof conf->name, "%.*s", (int)len, host);
    return 0;
}

static int setup(void *at, const ssp_env *env, char *why, size_t why_cap)
{
    struct tls_conf *conf = at;
    conf->role = env->role;
    if (conf->alpn == NULL)
        conf->alpn = env->role == SSP_CLIENT ? "h2,http/1.1" : "http/1.1,http/1.0";
    if (env->role == SSP_CLIENT && set_host(conf, env->remote_host, why, why_cap) == -1)
        return -1;
    ssp__libcrypto_start(SSP_EXIT_OS);
    conf->context = tls_context_new(conf, why, why_cap);
    return conf->context != NULL ? 0 : -1;
}

static void release(void *at)
{
    struct tls_conf *conf = at;
    tls_context_free(conf->context);
    conf->context = NULL;
}

static int reload(void *at, char *why, size_t why_cap)
{
    struct tls_conf *conf = at;
    struct tls_context *fresh = tls_context_new(conf, why, why_cap);
    if (fresh == NULL)
        return -1;
    tls_context_free(conf->context);
    conf->context = fresh;
    return 0;
}

static const char *fallback(const void *at)
{
    const struct tls_conf *conf = at;
    return conf->fallback;
}

/* ---- one connection ---- */

static ssp_verdict fail(ssp_conn *conn, const struct tls_state *s)
{
    ssp_conn_why(conn, "TLS: %s", tls_context_why(s->ssl));
    ERR_clear_error();
    return SSP_FAIL;
}

static bool begin(ssp_conn *conn, struct tls_state *s, ssp_io *io, ssp_dir dir)
{
    const struct tls_conf *conf = ssp_conn_conf(conn);
    ERR_clear_error();
    s->flow = (struct tls_flow){.io = io, .dir = dir};
    if (s->ssl == NULL)
        s->ssl = tls_context_open(conf->context, &s->flow);
    if (s->ssl == NULL)
        ssp_conn_why(conn, "TLS: out of memory");
    return s->ssl != NULL;
}

/* Returns SSP_OK to go on, or the verdict that ends the call. */
static ssp_verdict shake_hands(ssp_conn *conn, struct tls_state *s)
{
    if (SSL_is_init_finished(s->ssl))
        return SSP_OK;
    int rc = SSL_do_handshake(s->ssl);
    if (rc == 1) {
        ERR_clear_error(); /* else the next SSL_get_error() reports errors of this attempt */
        return SSP_OK;
    }
    return SSL_get_error(s->ssl, rc) == SSL_ERROR_WANT_READ ? SSP_MORE : fail(conn, s);
}

static ssp_verdict end_wrap(struct tls_state *s)
{
    (void)SSL_shutdown(s->ssl);
    ERR_clear_error();
    return SSP_END;
}

static ssp_verdict wrap(ssp_conn *conn, void *at, ssp_io *io)
{
    struct tls_state *s = at;
    size_t len, written;
    if (!begin(conn, s, io, SSP_WRAP))
        return SSP_FAIL;
    ssp_verdict verdict = shake_hands(conn, s);
    if (verdict != SSP_OK) {
        ssp_wait(io);
        return verdict;
    }
    const uint8_t *plain = ssp_in(io, &len);
    if (len == 0)
        return ssp_eof(io) ? end_wrap(s) : SSP_MORE;
    if (ssp_room(io, TLS_RECORD_MAX) == NULL)
        return SSP_OK;
    if (SSL_write_ex(s->ssl, plain, len < TLS_PLAIN_MAX ? len : TLS_PLAIN_MAX, &written) != 1)
        return fail(conn, s);
    ssp_skip(io, written);
    return SSP_OK;
}

/*
 * A browser or a prober that speaks TLS sends a request; the stream of a client of this plugin is
 * random. Its first bytes are held until they can be told apart.
 */
static void judge(ssp_conn *conn, struct tls_state *s)
{
    static const char requests[][FIRST_BYTES + 1] = {"GET ", "HEAD", "POST", "PUT ", "PRI ",
                                                     "OPTI", "DELE", "CONN", "TRAC", "PATC"};
    bool undecided = false;
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        if (memcmp(s->first, requests[i], s->first_len) != 0)
            continue;
        undecided = true;
        if (s->first_len == FIRST_BYTES)
            ssp_conn_divert(conn);
    }
    s->judged = !undecided || s->first_len == FIRST_BYTES;
}

static void emit_first(struct tls_state *s, ssp_io *io)
{
    s->judged = true;
    ssp_put(io, s->first, s->first_len);
}

/* The same results as SSL_read_ex(). */
static int read_first(ssp_conn *conn, struct tls_state *s, ssp_io *io)
{
    size_t n;
    int rc = SSL_read_ex(s->ssl, s->first + s->first_len, (size_t)FIRST_BYTES - s->first_len, &n);
    if (rc != 1)
        return rc;
    s->first_len = (uint8_t)(s->first_len + n);
    judge(conn, s);
    if (s->judged)
        emit_first(s, io);
    return rc;
}

/* As many as a record has.  The same results as SSL_read_ex(). */
static int read_plain(struct tls_state *s, ssp_io *io, uint8_t *room)
{
    size_t n;
    int rc = SSL_read_ex(s->ssl, room, TLS_PLAIN_MAX, &n);
    if (rc == 1)
        ssp_used(io, n);
    return rc;
}

/* A record that is used up asks for the next one, which may be here already. */
static ssp_verdict unwrap_record(ssp_conn *conn, struct tls_state *s, ssp_io *io)
{
    uint8_t *room = ssp_room(io, TLS_PLAIN_MAX);
    if (room == NULL)
        return SSP_OK;
    ssp_verdict verdict = shake_hands(conn, s);
    if (verdict != SSP_OK)
        return verdict == SSP_MORE ? SSP_OK : verdict;
    const struct tls_conf *conf = ssp_conn_conf(conn);
    bool ask = conf->fallback != NULL && !s->judged; /* later requests are payload */
    int rc = ask ? read_first(conn, s, io) : read_plain(s, io, room);
    if (rc == 1)
        return SSP_OK;
    switch (SSL_get_error(s->ssl, rc)) {
    case SSL_ERROR_WANT_READ:
        return SSP_OK;
    case SSL_ERROR_ZERO_RETURN:
        if (ask)
            emit_first(s, io);
        return SSP_END;
    default:
        return fail(conn, s);
    }
}

/* Before the first record the peer is foreign; after it, it is broken. */
static ssp_verdict not_tls(ssp_conn *conn, const struct tls_state *s)
{
    if (SSL_in_before(s->ssl))
        return SSP_FOREIGN;
    ssp_conn_why(conn, "TLS: no record where one must begin");
    return SSP_FAIL;
}

/* A clean end is one that the peer has said; anything else may be an attacker's cut. */
static ssp_verdict end_unwrap(ssp_conn *conn)
{
    ssp_conn_why(conn, "TLS: the peer ended without a close_notify");
    return SSP_FAIL;
}

static ssp_verdict unwrap(ssp_conn *conn, void *at, ssp_io *io)
{
    struct tls_state *s = at;
    size_t len;
    if (!begin(conn, s, io, SSP_UNWRAP))
        return SSP_FAIL;
    if (SSL_pending(s->ssl) > 0)
        return unwrap_record(conn, s, io);

    const uint8_t *wire = ssp_in(io, &len);
    if (len == 0)
        return ssp_eof(io) ? end_unwrap(conn) : SSP_MORE;
    size_t record = tls_record_length(wire, len);
    if (record == SSP_NPOS)
        return not_tls(conn, s);
    if (len < record && ssp_eof(io))
        return end_unwrap(conn);
    if (len < record) {
        ssp_need(io, record);
        return SSP_MORE;
    }
    s->flow.readable = record;
    return unwrap_record(conn, s, io);
}

static void close_connection(ssp_conn *conn, void *at)
{
    struct tls_state *s = at;
    (void)conn;
    tls_context_close(s->ssl);
}

const ssp_codec tls_wrap = {
    .size = sizeof(ssp_codec),
    .name = "tls-wrap",
    .version = TLS_WRAP_VERSION,
    .flags = SSP_LAZY_DIAL | SSP_CLOSE_REFUSED,
    .about = "real TLS around the stream, in front of an ordinary web site",
    .conf_size = sizeof(struct tls_conf),
    .state_size = sizeof(struct tls_state),
    .min_room = TLS_RECORD_MAX,
    .options = options,
    .setup = setup,
    .release = release,
    .wrap = wrap,
    .unwrap = unwrap,
    .close = close_connection,
    .fallback = fallback,
    .reload = reload,
};
