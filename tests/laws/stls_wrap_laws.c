/* SPDX-License-Identifier: Apache-2.0 */
/* The laws, for the data behind a handshake with a site of this version: stls_wrap_laws 1.2|1.3.
 * The handshake needs a third party, see tests/unit/stls_wrap. */
#include "stls-wrap/stream.h"

#include <ssplugin/testing.h>

struct data_conf {
    EVP_MAC_CTX *key;
};

struct data_state {
    bool begun;
    struct stls_stream stream;
};

static int setup(void *at, const ssp_env *env, char *why, size_t why_cap)
{
    struct data_conf *conf = at;
    (void)env, (void)why, (void)why_cap;
    conf->key = stls_tag_key("secret");
    return conf->key != NULL ? 0 : -1;
}

static void release(void *at)
{
    struct data_conf *conf = at;
    stls_tag_free(conf->key);
}

/* Both ends have seen the same ServerHello. */
static struct stls_stream *stream_of(const ssp_conn *conn, struct data_state *s)
{
    const struct data_conf *conf = ssp_conn_conf(conn);
    const struct stls_answer answer = {.random = "the random of a ServerHello", .tls13 = true};
    if (!s->begun)
        s->begun = stls_stream_begin(&s->stream, "secret", conf->key, ssp_conn_role(conn), &answer);
    return &s->stream;
}

static ssp_verdict wrap(ssp_conn *conn, void *state, ssp_io *io)
{
    return stls_stream_wrap(conn, stream_of(conn, state), io);
}

static ssp_verdict unwrap(ssp_conn *conn, void *state, ssp_io *io)
{
    return stls_stream_unwrap(conn, stream_of(conn, state), io);
}

static void close_connection(ssp_conn *conn, void *state)
{
    struct data_state *s = state;
    (void)conn;
    stls_stream_release(&s->stream);
}

static const ssp_codec data = {
    .size = sizeof(ssp_codec),
    .name = "stls-data",
    .version = "1",
    .conf_size = sizeof(struct data_conf),
    .state_size = sizeof(struct data_state),
    .setup = setup,
    .release = release,
    .wrap = wrap,
    .unwrap = unwrap,
    .close = close_connection,
};

int main(void)
{
    return ssp_laws_main(&data, NULL, NULL);
}
