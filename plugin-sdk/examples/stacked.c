/* SPDX-License-Identifier: Apache-2.0 */
/* stacked - two codecs, one program: records with a length, inside of http-upgrade.c. */
#include <ssplugin/ssplugin.h>

enum { HEADER = 2, RECORD_MAX = 16384 };

extern const ssp_codec http_upgrade;

static ssp_verdict wrap(ssp_conn *conn, void *state, ssp_io *io)
{
    size_t n;
    (void)conn, (void)state;
    if (ssp_in(io, &n), n == 0)
        return SSP_MORE;
    n = n < RECORD_MAX ? n : RECORD_MAX;
    ssp_put(io, (const uint8_t[]){(uint8_t)(n >> 8), (uint8_t)n}, HEADER);
    ssp_pass(io, n); /* by reference: the payload is never copied */
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
    if (len == 0 || len > RECORD_MAX)
        return SSP_FAIL;
    ssp_skip(io, HEADER);
    ssp_pass_ahead(io, len); /* also what has not arrived yet */
    return SSP_OK;
}

const ssp_codec records = {
    .size = sizeof(ssp_codec),
    .name = "stacked",
    .version = "1.0",
    .about = "records inside of an HTTP upgrade",
    .wrap = wrap,
    .unwrap = unwrap,
};

SSP_PLUGIN_NOTE
SSP_PLUGIN_SHARES

int main(int argc, char **argv)
{
    const ssp_codec *const from_plain_to_wire[] = {&records, &http_upgrade};
    return ssp_mainv(argc, argv, from_plain_to_wire, 2);
}
