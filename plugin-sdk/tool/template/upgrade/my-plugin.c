/* SPDX-License-Identifier: Apache-2.0 */
/*
 * my-plugin - a connection looks like an HTTP upgrade, and is passed on as it is after that.
 *
 * Both ends know a path.  A peer that asks for another one, such as a browser or a scanner, is
 * relayed to the address in the option fallback: every plugin has that option, and many more, see
 * --help.
 */
#include <ssplugin/ssplugin.h>

#include <stdio.h>
#include <string.h>

enum { TEXT_MAX = 255, LINE_MAX = TEXT_MAX + 32, HEAD_MAX = 4096 };

#define ANSWER "HTTP/1.1 101 "
#define UPGRADE "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"

/* Filled in from the options below and by setup(). */
struct conf {
    const char *host, *path;
    int method;
    char request[LINE_MAX]; /* the first line of a client */
};

#define METHODS "GET|POST|PUT"

static const ssp_option options[] = {
    {.name = "host",
     .type = SSP_TEXT,
     .offset = offsetof(struct conf, host),
     .dflt = "www.example.com",
     .help = "Host header of a client"},
    {.name = "path",
     .type = SSP_TEXT,
     .offset = offsetof(struct conf, path),
     .dflt = "/tunnel",
     .help = "path to ask for, at both ends"},
    {.name = "method",
     .type = SSP_CHOICE,
     .offset = offsetof(struct conf, method),
     .dflt = "GET",
     .help = "method of the request, at both ends",
     .choices = METHODS},
    SSP_OPTION_END,
};

/* A space or a control character would end the line too early. */
static int fits_into_a_line(const char *text)
{
    size_t n = strlen(text);
    for (size_t i = 0; i < n; i++) {
        if ((unsigned char)text[i] <= ' ' || text[i] == 0x7f)
            return 0;
    }
    return n > 0 && n <= TEXT_MAX;
}

static int setup(void *conf_, const ssp_env *env, char *why, size_t why_cap)
{
    static const char *const methods[] = {"GET", "POST", "PUT"};
    struct conf *conf = conf_;
    (void)env;
    if (!fits_into_a_line(conf->host) || !fits_into_a_line(conf->path) || conf->path[0] != '/') {
        (void)snprintf(why, why_cap, "host and path: 1 to %d bytes without spaces, path with a /",
                       TEXT_MAX);
        return -1;
    }
    (void)snprintf(conf->request, sizeof conf->request, "%s %s HTTP/1.1\r\n", methods[conf->method],
                   conf->path);
    return 0;
}

/* Plain to wire: one header, then the bytes themselves.  After SSP_CLEAR the engine moves them by
 * itself, and without a copy. */
static ssp_verdict wrap(ssp_conn *conn, void *state, ssp_io *io)
{
    const struct conf *conf = ssp_conn_conf(conn);
    size_t waiting;
    (void)state;
    (void)ssp_in(io, &waiting);
    if (waiting == 0)
        return SSP_MORE; /* the header leaves together with the first bytes */
    if (ssp_conn_role(conn) == SSP_CLIENT)
        (void)ssp_putf(io, "%sHost: %s\r\n" UPGRADE, conf->request, conf->host);
    else
        (void)ssp_putf(io, ANSWER "Switching Protocols\r\n" UPGRADE);
    return SSP_CLEAR;
}

/* Wire to plain: the header of the other end.  Bytes that are not consumed are shown again together
 * with the next ones, so that a header may arrive in any number of pieces. */
static ssp_verdict unwrap(ssp_conn *conn, void *state, ssp_io *io)
{
    const struct conf *conf = ssp_conn_conf(conn);
    int server = ssp_conn_role(conn) == SSP_SERVER;
    const char *expected = server ? conf->request : ANSWER;
    size_t len, n = strlen(expected);
    const uint8_t *in = ssp_in(io, &len);
    (void)state;
    if (len == 0)
        return SSP_MORE;
    size_t end = ssp_find(io, "\r\n\r\n", 4, HEAD_MAX);
    if (memcmp(in, expected, len < n ? len : n) != 0 || end == SSP_NPOS)
        return server ? SSP_FOREIGN : SSP_FAIL;
    if (end == 0)
        return server && ssp_eof(io) ? SSP_FOREIGN : SSP_MORE;
    ssp_skip(io, end);
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
    .options = options,
    .setup = setup,
    .wrap = wrap,
    .unwrap = unwrap,
};

#ifndef TESTING
SSP_PLUGIN_MAIN(my_plugin_codec)
#endif
