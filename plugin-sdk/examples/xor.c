/* SPDX-License-Identifier: Apache-2.0 */
/* xor - the first plugin: every byte is combined with a number.  A disguise, not a cipher. */
#include <ssplugin/ssplugin.h>

#include <stdio.h>

#define HELLO "xor\n" /* both ends send it first; other peers do not know it */

enum { KEY_MAX = 255, HELLO_LEN = sizeof HELLO - 1 };

struct conf {
    int key;
};

struct state { /* of one connection */
    int said, heard;
};

static const ssp_option options[] = {
    {.name = "key",
     .type = SSP_INT,
     .offset = offsetof(struct conf, key),
     .dflt = "90",
     .help = "number from 1 to 255, at both ends"},
    SSP_OPTION_END,
};

static int setup(void *values, const ssp_env *env, char *why, size_t why_cap)
{
    const struct conf *conf = values;
    (void)env;
    if (conf->key >= 1 && conf->key <= KEY_MAX)
        return 0;
    snprintf(why, why_cap, "key is %d, not a number from 1 to %d", conf->key, KEY_MAX);
    return -1;
}

/* As many of n bytes as there is room for.  Both directions do the same, since XOR undoes itself.
 */
static size_t combine(ssp_conn *conn, ssp_io *io, const void *bytes, size_t n)
{
    const struct conf *conf = ssp_conn_conf(conn);
    const uint8_t *in = bytes;
    size_t room = ssp_room_left(io);
    n = n < room ? n : room;
    uint8_t *out = ssp_room(io, n);
    for (size_t i = 0; i < n; i++)
        out[i] = in[i] ^ (uint8_t)conf->key;
    ssp_used(io, n);
    return n;
}

/* Plain to wire. */
static ssp_verdict wrap(ssp_conn *conn, void *of_conn, ssp_io *io)
{
    struct state *state = of_conn;
    size_t n;
    const uint8_t *in = ssp_in(io, &n);
    if (n == 0)
        return SSP_MORE;
    if (!state->said)
        combine(conn, io, HELLO, HELLO_LEN);
    state->said = 1;
    ssp_skip(io, combine(conn, io, in, n));
    return SSP_OK;
}

/* Wire to plain.  Unconsumed input comes again in the next call, together with new input. */
static ssp_verdict unwrap(ssp_conn *conn, void *of_conn, ssp_io *io)
{
    const struct conf *conf = ssp_conn_conf(conn);
    struct state *state = of_conn;
    size_t n;
    const uint8_t *in = ssp_in(io, &n);
    for (size_t i = 0; !state->heard && i < n && i < HELLO_LEN; i++) {
        if ((in[i] ^ conf->key) != HELLO[i])
            return SSP_FOREIGN;
    }
    if (n == 0 || (!state->heard && n < HELLO_LEN))
        return SSP_MORE;
    if (state->heard)
        ssp_skip(io, combine(conn, io, in, n));
    else
        ssp_skip(io, HELLO_LEN);
    state->heard = 1;
    return SSP_OK;
}

static const ssp_codec xor_codec = {
    .size = sizeof(ssp_codec),
    .flags = SSP_LAZY_DIAL, /* a client dials once it has data to send */
    .name = "xor",
    .version = "1.0",
    .about = "combines every byte with a number",
    .conf_size = sizeof(struct conf),
    .state_size = sizeof(struct state),
    .options = options,
    .setup = setup,
    .wrap = wrap,
    .unwrap = unwrap,
};

SSP_PLUGIN_MAIN(xor_codec)
