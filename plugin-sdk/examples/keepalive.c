/* SPDX-License-Identifier: Apache-2.0 */
/* keepalive - records with a length; after a silence an empty one, which the other end drops: so
 * that no box on the way forgets a quiet connection. */
#include <ssplugin/ssplugin.h>

enum { HEADER = 2, RECORD_MAX = 16384 };

struct conf {
    int silence; /* milliseconds */
};

static const ssp_option options[] = {
    {.name = "silence",
     .type = SSP_INT,
     .offset = offsetof(struct conf, silence),
     .dflt = "30000",
     .help = "milliseconds without a record until an empty one is sent, 0 for never"},
    SSP_OPTION_END,
};

static ssp_verdict wrap(ssp_conn *conn, void *state, ssp_io *io)
{
    const struct conf *conf = ssp_conn_conf(conn);
    size_t n;
    (void)state;
    ssp_in(io, &n);
    ssp_conn_timer(conn, SSP_WRAP, (unsigned)conf->silence); /* anew with each call */
    if (n == 0 && !ssp_timer_fired(io))
        return SSP_MORE;
    n = n < RECORD_MAX ? n : RECORD_MAX;
    ssp_put(io, (const uint8_t[]){(uint8_t)(n >> 8), (uint8_t)n}, HEADER);
    ssp_pass(io, n);
    return SSP_OK;
}

static ssp_verdict unwrap(ssp_conn *conn, void *state, ssp_io *io)
{
    size_t n;
    (void)conn, (void)state;
    const uint8_t *in = ssp_in(io, &n);
    ssp_need(io, HEADER);
    if (n < HEADER)
        return SSP_MORE;
    size_t len = (size_t)in[0] << 8 | in[1];
    if (len > RECORD_MAX)
        return SSP_FAIL;
    ssp_skip(io, HEADER);
    ssp_pass_ahead(io, len); /* nothing, for an empty one */
    return SSP_OK;
}

const ssp_codec keepalive = {
    .size = sizeof(ssp_codec),
    .name = "keepalive",
    .version = "1.0",
    .conf_size = sizeof(struct conf),
    .options = options,
    .wrap = wrap,
    .unwrap = unwrap,
};

SSP_PLUGIN_MAIN(keepalive)
