/* SPDX-License-Identifier: Apache-2.0 */
/* http-upgrade - one exchange of HTTP headers, then the bytes as they are.  A client that asks for
 * another path reaches the fallback, such as a web server: an option that every plugin has. */
#include <ssplugin/ssplugin.h>
#include <string.h>

#define UPGRADE "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"

struct conf {
    const char *host, *path;
};

static const ssp_option options[] = {
    {.name = "host",
     .type = SSP_TEXT,
     .offset = offsetof(struct conf, host),
     .dflt = "www.example.com",
     .help = "host to ask"},
    {.name = "path",
     .type = SSP_TEXT,
     .offset = offsetof(struct conf, path),
     .dflt = "/tunnel",
     .help = "path to ask for, at both ends"},
    SSP_OPTION_END,
};

static ssp_verdict wrap(ssp_conn *conn, void *state, ssp_io *io)
{
    const struct conf *conf = ssp_conn_conf(conn);
    (void)state;
    if (ssp_conn_role(conn) == SSP_CLIENT)
        ssp_putf(io, "GET %s HTTP/1.1\r\nHost: %s\r\n" UPGRADE, conf->path, conf->host);
    else
        ssp_putf(io, "HTTP/1.1 101 Switching Protocols\r\n" UPGRADE);
    return SSP_CLEAR; /* the engine moves the rest by itself, and without a copy */
}

static int begins(const uint8_t *in, size_t n, const char *text) /* the part that has arrived */
{
    return memcmp(in, text, n < strlen(text) ? n : strlen(text)) == 0;
}

static ssp_verdict unwrap(ssp_conn *conn, void *state, ssp_io *io)
{
    const struct conf *conf = ssp_conn_conf(conn);
    int server = ssp_conn_role(conn) == SSP_SERVER;
    size_t n, end = ssp_find(io, "\r\n\r\n", 4, 4096);
    (void)state;
    const uint8_t *in = ssp_in(io, &n);
    if (end == SSP_NPOS || !begins(in, n, server ? "GET " : "HTTP/1.1 101 ") ||
        (server && n > 4 && !begins(in + 4, n - 4, conf->path)))
        return SSP_FOREIGN;
    ssp_skip(io, end);
    return end > 0 ? SSP_CLEAR : SSP_MORE;
}

const ssp_codec http_upgrade = {.size = sizeof(ssp_codec),
                                .flags = SSP_LAZY_DIAL,
                                .name = "http-upgrade",
                                .version = "1.0",
                                .conf_size = sizeof(struct conf),
                                .options = options,
                                .wrap = wrap,
                                .unwrap = unwrap};

SSP_PLUGIN_MAIN(http_upgrade)
