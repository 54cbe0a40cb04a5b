/* SPDX-License-Identifier: Apache-2.0 */
#include "pt-wrap/orport.h"

#include "libcrypto/start.h"

#include <ssplugin/log.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum {
    SAFE_COOKIE = 1,
    COMMAND_HEAD = 4, /* type and length, 16 bits each */
    COMMAND_MAX = 1024,
    DONE = 0x0000,
    USERADDR = 0x0001,
    TRANSPORT = 0x0002,
    OKAY = 0x1000,
    PROXY_HEAD = 16,
    PROXY_MAX = PROXY_HEAD + 2 * (16 + 2)
};

const char pt_cookie_head[PT_COOKIE_HEAD + 1] = "! Extended ORPort Auth Cookie !\x0a";

enum step { UNBORN, METHOD, NONCE, PROOF, COMMANDS, OPEN };

struct state {
    uint8_t step;
    bool known; /* the client's address was sent */
    struct pt_place client;
    uint8_t nonces[2 * PT_NONCE]; /* the peer's, ours */
};

static const ssp_option options[] = {
    {.name = "cookie",
     .type = SSP_TEXT,
     .offset = offsetof(struct pt_orport_conf, cookie_hex),
     .help = "64 hexadecimal digits",
     .flags = SSP_REQUIRED | SSP_SECRET},
    {.name = "public",
     .type = SSP_TEXT,
     .offset = offsetof(struct pt_orport_conf, public_at),
     .help = "ip:port of the transport's listener"},
    {.name = "proxy-protocol",
     .type = SSP_FLAG,
     .offset = offsetof(struct pt_orport_conf, proxy_protocol),
     .help = "PROXY protocol, version 2, in front of the client's bytes"},
    SSP_OPTION_END,
};

static int setup(void *at, const ssp_env *env, char *why, size_t why_cap)
{
    struct pt_orport_conf *conf = at;
    size_t len = 0;
    (void)env;
    ssp__libcrypto_start(SSP_EXIT_OS);
    if (strlen(conf->cookie_hex) != (size_t)2 * PT_COOKIE ||
        OPENSSL_hexstr2buf_ex(conf->cookie, sizeof conf->cookie, &len, conf->cookie_hex, '\0') !=
            1) {
        (void)snprintf(why, why_cap, "cookie is not %d hexadecimal digits", 2 * PT_COOKIE);
        return -1;
    }
    if (conf->public_at == NULL || pt_place_parse(&conf->here, conf->public_at) == 0)
        return 0;
    (void)snprintf(why, why_cap, "public is not ip:port");
    return -1;
}

static void release(void *at)
{
    struct pt_orport_conf *conf = at;
    explicit_bzero(conf->cookie, sizeof conf->cookie);
}

/* ---- the handshake ---- */

/* False: out of memory. */
static bool prove(const struct pt_orport_conf *conf, const struct state *state, const char *way,
                  uint8_t hash[PT_HASH])
{
    uint8_t said[64 + sizeof state->nonces];
    size_t len = strlen(way);
    memcpy(said, way, len); /* NOLINT(bugprone-not-null-terminated-result): bytes */
    memcpy(said + len, state->nonces, sizeof state->nonces);
    return HMAC(EVP_sha256(), conf->cookie, PT_COOKIE, said, len + sizeof state->nonces, hash,
                NULL) != NULL;
}

static ssp_verdict more(ssp_io *io, size_t need)
{
    ssp_need(io, need);
    return SSP_MORE;
}

static ssp_verdict refuse(ssp_conn *conn, const char *what)
{
    ssp_conn_why(conn, "the transport program %s", what);
    return SSP_FAIL;
}

static ssp_verdict out_of_memory(ssp_conn *conn)
{
    ssp_conn_why(conn, "out of memory");
    return SSP_FAIL;
}

typedef ssp_verdict step_fn(ssp_conn *conn, struct state *state, ssp_io *io);

static ssp_verdict method(ssp_conn *conn, struct state *state, ssp_io *io)
{
    size_t n;
    const uint8_t *in = ssp_in(io, &n);
    if (n < 1)
        return SSP_MORE;
    if (in[0] != SAFE_COOKIE)
        return refuse(conn, "does not offer authentication by the cookie");
    ssp_skip(io, 1);
    state->step = NONCE;
    return SSP_OK;
}

static ssp_verdict offer(ssp_conn *conn, struct state *state, ssp_io *io)
{
    ssp_reply(io, (const uint8_t[]){SAFE_COOKIE, 0}, 2);
    state->step = METHOD;
    return method(conn, state, io); /* a reply alone is no progress */
}

static ssp_verdict nonce(ssp_conn *conn, struct state *state, ssp_io *io)
{
    size_t n;
    const uint8_t *in = ssp_in(io, &n);
    uint8_t answer[PT_HASH + PT_NONCE];
    if (n < PT_NONCE)
        return more(io, PT_NONCE);
    memcpy(state->nonces, in, PT_NONCE);
    ssp_conn_random(conn, state->nonces + PT_NONCE, PT_NONCE);
    if (!prove(ssp_conn_conf(conn), state, "ExtORPort authentication server-to-client hash",
               answer))
        return out_of_memory(conn);
    memcpy(answer + PT_HASH, state->nonces + PT_NONCE, PT_NONCE);
    ssp_skip(io, PT_NONCE);
    ssp_reply(io, answer, sizeof answer);
    state->step = PROOF;
    return SSP_OK;
}

static ssp_verdict proof(ssp_conn *conn, struct state *state, ssp_io *io)
{
    size_t n;
    const uint8_t *in = ssp_in(io, &n);
    uint8_t right[PT_HASH];
    if (n < PT_HASH)
        return more(io, PT_HASH);
    if (!prove(ssp_conn_conf(conn), state, "ExtORPort authentication client-to-server hash", right))
        return out_of_memory(conn);
    bool known = CRYPTO_memcmp(in, right, PT_HASH) == 0;
    explicit_bzero(right, sizeof right);
    ssp_skip(io, PT_HASH);
    ssp_reply(io, (const uint8_t[]){known}, 1);
    if (!known)
        return refuse(conn, "does not know the cookie");
    state->step = COMMANDS;
    return SSP_OK;
}

/* ---- commands ---- */

static bool fill_ends(const struct pt_orport_conf *conf, const struct state *state, uint8_t *at,
                      size_t *len)
{
    uint8_t there[16], here[16];
    size_t n = pt_ip_bytes(state->client.ip, there);
    if (!state->known || n == 0 || pt_ip_bytes(conf->here.ip, here) != n)
        return false;
    memcpy(at, there, n);
    memcpy(at + n, here, n);
    const uint16_t port[2] = {state->client.port, conf->here.port};
    for (size_t i = 0; i < 2; i++) {
        at[2 * n + 2 * i] = (uint8_t)(port[i] >> 8);
        at[2 * n + 2 * i + 1] = (uint8_t)port[i];
    }
    *len = 2 * n + 4;
    return true;
}

/* A client with an unknown address, or an address of another family than the listener's, is sent as
 * LOCAL: the receiver then knows that the address is unknown. */
static void put_proxy_header(const struct pt_orport_conf *conf, const struct state *state,
                             ssp_io *io)
{
    enum { LOCAL = 0x20, PROXY = 0x21, TCP4 = 0x11, TCP6 = 0x21 };
    uint8_t header[PROXY_MAX] = "\r\n\r\n\0\r\nQUIT\n";
    size_t len = 0;
    bool told = fill_ends(conf, state, header + PROXY_HEAD, &len);
    header[12] = told ? PROXY : LOCAL;
    header[13] = !told ? 0 : len == 2 * 4 + 4 ? TCP4 : TCP6;
    header[15] = (uint8_t)len;
    ssp_put(io, header, PROXY_HEAD + len);
}

static ssp_verdict done(ssp_conn *conn, struct state *state, ssp_io *io)
{
    const struct pt_orport_conf *conf = ssp_conn_conf(conn);
    ssp_reply(io, (const uint8_t[]){OKAY >> 8, OKAY & 0xff, 0, 0}, COMMAND_HEAD);
    if (conf->proxy_protocol)
        put_proxy_header(conf, state, io);
    state->step = OPEN;
    return SSP_CLEAR;
}

static void note_client(struct state *state, const uint8_t *body, size_t n)
{
    char text[PT_PLACE_MAX + 1] = "";
    memcpy(text, body, n < sizeof text ? n : sizeof text - 1);
    state->known = n < sizeof text && pt_place_parse(&state->client, text) == 0;
    if (state->known)
        ssp_debug("a client at %s", text);
}

static ssp_verdict command(ssp_conn *conn, struct state *state, ssp_io *io)
{
    size_t n;
    const uint8_t *in = ssp_in(io, &n);
    if (n < COMMAND_HEAD)
        return more(io, COMMAND_HEAD);
    int what = in[0] << 8 | in[1];
    size_t len = (size_t)in[2] << 8 | in[3];
    if (len > COMMAND_MAX)
        return refuse(conn, "sends a command that is too long");
    if (n < COMMAND_HEAD + len)
        return more(io, COMMAND_HEAD + len);
    if (what == USERADDR)
        note_client(state, in + COMMAND_HEAD, len);
    ssp_skip(io, COMMAND_HEAD + len);
    return what == DONE ? done(conn, state, io) : SSP_OK; /* unknown ones are ignored */
}

/* ---- both directions ---- */

static ssp_verdict hear(ssp_conn *conn, void *at, ssp_io *io)
{
    static step_fn *const steps[] = {[UNBORN] = offer,
                                     [METHOD] = method,
                                     [NONCE] = nonce,
                                     [PROOF] = proof,
                                     [COMMANDS] = command};
    struct state *state = at;
    if (state->step == OPEN)
        return SSP_CLEAR;
    ssp_verdict verdict = steps[state->step](conn, state, io);
    if (verdict == SSP_MORE && ssp_eof(io))
        return refuse(conn, "closes the connection before its handshake is over");
    return verdict;
}

static ssp_verdict hold(ssp_conn *conn, void *at, ssp_io *io)
{
    const struct state *state = at;
    (void)conn;
    if (state->step == OPEN)
        return SSP_CLEAR;
    ssp_wait(io);
    return SSP_MORE;
}

static void forget(ssp_conn *conn, void *state)
{
    (void)conn;
    explicit_bzero(state, sizeof(struct state));
}

/* Not SSP_LAZY_DIAL: the transport program waits for the first bytes of this side. */
const ssp_codec pt_orport = {
    .size = sizeof(ssp_codec),
    .flags = SSP_CLIENT_ONLY,
    .name = "pt-wrap",
    .version = PT_WRAP_VERSION,
    .about = "gets the clients' addresses from a transport program",
    .conf_size = sizeof(struct pt_orport_conf),
    .state_size = sizeof(struct state),
    .options = options,
    .setup = setup,
    .release = release,
    .wrap = hear,
    .unwrap = hold,
    .close = forget,
};
