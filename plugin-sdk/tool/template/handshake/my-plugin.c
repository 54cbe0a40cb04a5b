/* SPDX-License-Identifier: Apache-2.0 */
/*
 * my-plugin - both ends prove that they know a key, then pass the bytes on as they are.
 *
 *   client:  nonce (16 random bytes), HMAC-SHA256 of key, "client", nonce
 *   server:  nonce (16 random bytes), HMAC-SHA256 of key, "server", both nonces
 *
 * A peer that does not know the key, such as a scanner, is relayed to the address in the option
 * fallback: every plugin has that option, and many more, see --help.
 *
 * The bytes behind the handshake are not encrypted: Shadowsocks does that.  The first message of a
 * client may be recorded and sent again: a protocol that must not answer then has the time in it
 * (ssp_conn_time()), and remembers nonces.
 */
#include <ssplugin/digest.h>
#include <ssplugin/ssplugin.h>

#include <stdio.h>
#include <string.h>

enum { NONCE = 16, HELLO = NONCE + SSP_SHA256_LEN };

struct conf {
    const char *key;
};

/* One connection. */
struct state {
    uint8_t nonces[2 * NONCE];    /* that of the client, then that of the server */
    unsigned char said, verified; /* the hello of a client; that of the other end */
};

static const ssp_option options[] = {
    {.name = "key",
     .type = SSP_TEXT,
     .offset = offsetof(struct conf, key),
     .help = "shared secret, the same at both ends",
     .flags = SSP_REQUIRED | SSP_SECRET},
    SSP_OPTION_END,
};

/* The proof of one end.  n bytes of the nonces belong to it.  False: out of memory. */
static bool prove(const struct conf *conf, const char *end, const uint8_t *nonces, size_t n,
                  uint8_t proof[SSP_SHA256_LEN])
{
    ssp_digest *d = ssp_digest_new(SSP_SHA256, conf->key, strlen(conf->key));
    bool ok = d != NULL && ssp_digest_add(d, end, strlen(end)) && ssp_digest_add(d, nonces, n) &&
              ssp_digest_value(d, proof) > 0;
    ssp_digest_free(d);
    return ok;
}

static int setup(void *of_plugin, const ssp_env *env, char *why, size_t why_cap)
{
    const struct conf *conf = of_plugin;
    uint8_t unused[SSP_SHA256_LEN];
    (void)env;
    if (conf->key[0] == '\0') {
        (void)snprintf(why, why_cap, "key is empty");
        return -1;
    }
    if (prove(conf, "", NULL, 0, unused)) /* libcrypto has its algorithm from here on */
        return 0;
    (void)snprintf(why, why_cap, "out of memory");
    return -1;
}

static ssp_verdict out_of_memory(ssp_conn *conn)
{
    ssp_conn_why(conn, "out of memory");
    return SSP_FAIL;
}

/* The proof of a client is about its own nonce, that of a server about both. */
static bool prove_as(ssp_conn *conn, bool client, const struct state *s,
                     uint8_t proof[SSP_SHA256_LEN])
{
    return prove(ssp_conn_conf(conn), client ? "client" : "server", s->nonces,
                 client ? NONCE : sizeof s->nonces, proof);
}

static bool write_hello(ssp_conn *conn, struct state *s, uint8_t hello[HELLO])
{
    bool client = ssp_conn_role(conn) == SSP_CLIENT;
    uint8_t *nonce = s->nonces + (client ? 0 : NONCE);
    ssp_conn_random(conn, nonce, NONCE);
    memcpy(hello, nonce, NONCE);
    return prove_as(conn, client, s, hello + NONCE);
}

/* Plain to wire: nothing passes before the other end has proved itself.  A server has answered by
 * then, see unwrap(). */
static ssp_verdict wrap(ssp_conn *conn, void *of_conn, ssp_io *io)
{
    struct state *s = of_conn;
    uint8_t hello[HELLO];
    if (s->verified)
        return SSP_CLEAR; /* from here on the engine moves the bytes by itself */
    if (ssp_conn_role(conn) == SSP_CLIENT && !s->said) {
        if (!write_hello(conn, s, hello))
            return out_of_memory(conn);
        ssp_put(io, hello, HELLO);
        s->said = 1;
    }
    ssp_wait(io); /* also when the sender has ended already */
    return SSP_MORE;
}

/* A client has no fallback: its server is not what it should be. */
static ssp_verdict refuse(const ssp_conn *conn)
{
    return ssp_conn_role(conn) == SSP_SERVER ? SSP_FOREIGN : SSP_FAIL;
}

/* Wire to plain: nothing is consumed before the whole hello is right, so that everything goes to
 * the fallback if it is not. */
static ssp_verdict unwrap(ssp_conn *conn, void *of_conn, ssp_io *io)
{
    struct state *s = of_conn;
    bool client = ssp_conn_role(conn) == SSP_CLIENT;
    uint8_t proof[SSP_SHA256_LEN], hello[HELLO];
    size_t len;
    const uint8_t *in = ssp_in(io, &len);
    if (len < HELLO) {
        ssp_need(io, HELLO);
        return ssp_eof(io) && len > 0 ? refuse(conn) : SSP_MORE;
    }
    memcpy(s->nonces + (client ? NONCE : 0), in, NONCE);
    if (!prove_as(conn, !client, s, proof))
        return out_of_memory(conn);
    if (!ssp_equal(in + NONCE, proof, sizeof proof))
        return refuse(conn);
    ssp_skip(io, HELLO);
    s->verified = 1;
    if (client)
        return SSP_CLEAR;
    if (!write_hello(conn, s, hello))
        return out_of_memory(conn);
    ssp_reply(io, hello, HELLO); /* at once: there may be no plain bytes for wrap() yet */
    return SSP_CLEAR;
}

extern const ssp_codec my_plugin_codec; /* for the tests */

const ssp_codec my_plugin_codec = {
    .size = sizeof(ssp_codec),
    .flags = SSP_LAZY_DIAL,
    .name = "my-plugin",
    .version = "0.1.0",
    .about = "my-about",
    .conf_size = sizeof(struct conf),
    .state_size = sizeof(struct state),
    .options = options,
    .setup = setup,
    .wrap = wrap,
    .unwrap = unwrap,
};

#ifndef TESTING
SSP_PLUGIN_MAIN(my_plugin_codec)
#endif
