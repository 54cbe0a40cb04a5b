/* SPDX-License-Identifier: Apache-2.0 */
/*
 * my-plugin - records with padding, whose lengths are not those of the plain bytes.
 *
 *   first:   the text of the option mark
 *   record:  length (2 bytes), length of the padding (1 byte), padding, the plain bytes
 *   end:     a record of length 0
 *
 * A peer that does not send the mark, such as a scanner, is relayed to the address in the option
 * fallback: every plugin has that option, and many more, see --help.
 */
#include <ssplugin/ssplugin.h>

#include <stdio.h>
#include <string.h>

enum { HEADER = 3, RECORD_MAX = 16384, PADDING_MAX = 255, MARK_MAX = 255 };

struct conf {
    const char *mark;
    int padding;
};

/* One connection. */
struct state {
    unsigned char said, heard; /* the mark */
};

static const ssp_option options[] = {
    {.name = "mark",
     .type = SSP_TEXT,
     .offset = offsetof(struct conf, mark),
     .dflt = "my-plugin",
     .help = "text that begins each connection, the same at both ends"},
    {.name = "padding",
     .type = SSP_INT,
     .offset = offsetof(struct conf, padding),
     .dflt = "32",
     .help = "most bytes of padding in a record, up to 255"},
    SSP_OPTION_END,
};

static int setup(void *of_plugin, const ssp_env *env, char *why, size_t why_cap)
{
    const struct conf *conf = of_plugin;
    size_t n = strlen(conf->mark);
    (void)env;
    if (n >= 1 && n <= MARK_MAX && conf->padding <= PADDING_MAX)
        return 0;
    (void)snprintf(why, why_cap, "mark has 1 to %d bytes, padding is at most %d", MARK_MAX,
                   PADDING_MAX);
    return -1;
}

static void put_header(ssp_conn *conn, ssp_io *io, size_t n)
{
    const struct conf *conf = ssp_conn_conf(conn);
    uint8_t drawn;
    ssp_conn_random(conn, &drawn, 1);
    size_t padding = drawn % ((size_t)conf->padding + 1);
    ssp_put(io, (const uint8_t[]){(uint8_t)(n >> 8), (uint8_t)n, (uint8_t)padding}, HEADER);
    if (padding > 0) {
        uint8_t *at = ssp_room(io, padding); /* there is room: a call begins with 4096 bytes */
        ssp_conn_random(conn, at, padding);
        ssp_used(io, padding);
    }
}

/* Plain to wire. */
static ssp_verdict wrap(ssp_conn *conn, void *of_conn, ssp_io *io)
{
    const struct conf *conf = ssp_conn_conf(conn);
    struct state *s = of_conn;
    size_t n;
    (void)ssp_in(io, &n);
    if (n == 0 && !ssp_eof(io))
        return SSP_MORE;
    if (!s->said)
        ssp_put(io, conf->mark, strlen(conf->mark));
    s->said = 1;
    n = n < RECORD_MAX ? n : RECORD_MAX;
    put_header(conn, io, n);
    ssp_pass(io, n); /* by reference: the payload is never copied */
    return n > 0 ? SSP_OK : SSP_END;
}

/* A client has no fallback: its server is not what it should be. */
static ssp_verdict refuse(const ssp_conn *conn)
{
    return ssp_conn_role(conn) == SSP_SERVER ? SSP_FOREIGN : SSP_FAIL;
}

static ssp_verdict read_mark(const ssp_conn *conn, struct state *s, ssp_io *io)
{
    const struct conf *conf = ssp_conn_conf(conn);
    size_t len, n = strlen(conf->mark);
    const uint8_t *in = ssp_in(io, &len);
    if (memcmp(in, conf->mark, len < n ? len : n) != 0)
        return refuse(conn); /* the first wrong byte is enough */
    if (len < n)
        return ssp_eof(io) ? refuse(conn) : SSP_MORE;
    ssp_skip(io, n);
    s->heard = 1;
    return SSP_OK;
}

/* Wire to plain.  Bytes that are not consumed are shown again together with the next ones, so that
 * the records may be cut anywhere. */
static ssp_verdict unwrap(ssp_conn *conn, void *of_conn, ssp_io *io)
{
    struct state *s = of_conn;
    size_t len;
    const uint8_t *in = ssp_in(io, &len);
    if (len == 0)
        return ssp_eof(io) ? SSP_FAIL : SSP_MORE; /* cut: an end is a record, too */
    if (!s->heard)
        return read_mark(conn, s, io);
    size_t head = len < HEADER ? HEADER : HEADER + (size_t)in[2];
    if (len < head) {
        ssp_need(io, head);
        return ssp_eof(io) ? SSP_FAIL : SSP_MORE;
    }
    size_t n = (size_t)in[0] << 8 | in[1];
    if (n > RECORD_MAX)
        return SSP_FAIL;
    ssp_skip(io, head);
    ssp_pass_ahead(io, n); /* also what has not arrived yet */
    return n > 0 ? SSP_OK : SSP_END;
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
