/* SPDX-License-Identifier: Apache-2.0 */
/* datagram - a plugin that carries UDP, too (SIP003u).  Each datagram stands alone, so it carries a
 * nonce, and its length to detect truncation.  A disguise, not a cipher. */
#include <ssplugin/ssplugin.h>

#include <string.h>

enum { NONCE = 8, LENGTH = 2, OVERHEAD = NONCE + LENGTH };

struct conf {
    const char *key;
};

static const ssp_option options[] = {
    {.name = "key",
     .type = SSP_TEXT,
     .offset = offsetof(struct conf, key),
     .help = "text the bytes are combined with",
     .flags = SSP_REQUIRED | SSP_SECRET},
    SSP_OPTION_END,
};

/* n bytes of in combined with key and nonce; byte i of the datagram is the first of them. */
static void combine(const char *key, const uint8_t nonce[NONCE], size_t i, const uint8_t *in,
                    uint8_t *out, size_t n)
{
    size_t key_len = strlen(key) + 1; /* the NUL changes nothing, and an empty key is no trap */
    for (size_t k = 0; k < n; k++, i++)
        out[k] = in[k] ^ (uint8_t)key[i % key_len] ^ nonce[i % NONCE];
}

static ptrdiff_t seal(const ssp_conn *conn, const uint8_t *in, size_t n, uint8_t *out, size_t cap)
{
    const struct conf *conf = ssp_conn_conf(conn);
    const uint8_t length[LENGTH] = {(uint8_t)(n >> 8), (uint8_t)n};
    (void)cap; /* at least n + OVERHEAD */
    ssp_conn_random(conn, out, NONCE);
    combine(conf->key, out, 0, length, out + NONCE, LENGTH);
    combine(conf->key, out, LENGTH, in, out + OVERHEAD, n);
    return (ptrdiff_t)(n + OVERHEAD);
}

static ptrdiff_t unseal(const ssp_conn *conn, const uint8_t *in, size_t n, uint8_t *out, size_t cap)
{
    const struct conf *conf = ssp_conn_conf(conn);
    uint8_t length[LENGTH];
    if (n < OVERHEAD || n - OVERHEAD > cap)
        return -1;
    n -= OVERHEAD;
    combine(conf->key, in, 0, in + NONCE, length, LENGTH);
    if (n != (size_t)(length[0] << 8 | length[1]))
        return -1; /* cut, or not for us: dropped */
    combine(conf->key, in, LENGTH, in + OVERHEAD, out, n);
    return (ptrdiff_t)n;
}

/* Streams go as they are: an example of datagrams. */
static ssp_verdict clear(ssp_conn *conn, void *state, ssp_io *io)
{
    (void)conn, (void)state, (void)io;
    return SSP_CLEAR;
}

static const ssp_codec datagram = {
    .size = sizeof(ssp_codec),
    .name = "datagram",
    .version = "1.0",
    .about = "disguises datagrams",
    .conf_size = sizeof(struct conf),
    .options = options,
    .wrap = clear,
    .unwrap = clear,
    .seal = seal,
    .open = unseal,
    .datagram_overhead = OVERHEAD,
};

SSP_PLUGIN_MAIN(datagram)
