/* SPDX-License-Identifier: Apache-2.0 */
#include "obfs/obfs.h"

#include "obfs/http.h"
#include "obfs/tls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    ssp_codec_fn *client_wrap, *client_unwrap, *server_wrap, *server_unwrap;
} modes[] = {
    [OBFS_HTTP] = {obfs_http_client_wrap, obfs_http_client_unwrap, obfs_http_server_wrap,
                   obfs_http_server_unwrap},
    [OBFS_TLS] = {obfs_tls_client_wrap, obfs_tls_client_unwrap, obfs_tls_server_wrap,
                  obfs_tls_server_unwrap},
};

static const ssp_option options[] = {
    {.name = "obfs",
     .type = SSP_CHOICE,
     .offset = offsetof(struct obfs_conf, mode),
     .help = "the disguise",
     .flags = SSP_REQUIRED,
     .choices = "http|tls"},
    {.name = "obfs-host",
     .type = SSP_TEXT,
     .offset = offsetof(struct obfs_conf, host),
     .help = "host to claim (default cloudfront.net); server, http: required host"},
    {.name = "obfs-uri",
     .type = SSP_TEXT,
     .offset = offsetof(struct obfs_conf, uri),
     .dflt = "/",
     .help = "http: path to request",
     .flags = SSP_FOR_CLIENT},
    {.name = "http-method",
     .type = SSP_TEXT,
     .offset = offsetof(struct obfs_conf, method),
     .help = "http: method to send (default GET); server: required method"},
    {.name = "failover",
     .type = SSP_ADDRESS,
     .offset = offsetof(struct obfs_conf, failover),
     .help = "address for foreign connections",
     .flags = SSP_FOR_SERVER},
    {.name = "reverse_proxy",
     .type = SSP_FLAG,
     .offset = offsetof(struct obfs_conf, reverse_proxy),
     .help = "http: answer the request at once, for use behind a web server",
     .flags = SSP_FOR_SERVER},
    {.name = "passthrough",
     .type = SSP_FLAG,
     .offset = offsetof(struct obfs_conf, passthrough),
     .help = "without failover: foreign connections go to the shadowsocks server",
     .flags = SSP_FOR_SERVER},
    {.name = "c",
     .type = SSP_TEXT,
     .offset = offsetof(struct obfs_conf, config),
     .help = "JSON file of simple-obfs, with the lowest precedence"},
    SSP_OPTION_END,
};

/* A text that may stand in a request line or a header. */
static int check_text(const char *option, const char *text, size_t max, char *why, size_t why_cap)
{
    size_t len = strlen(text);
    if (len == 0 || len > max) {
        (void)snprintf(why, why_cap, "%s has %zu bytes; 1 to %zu are allowed", option, len, max);
        return -1;
    }
    for (const char *c = text; *c != '\0'; c++) {
        if ((uint8_t)*c <= ' ' || *c == 0x7f) {
            (void)snprintf(why, why_cap, "%s has a space or control character at byte %td", option,
                           c - text + 1);
            return -1;
        }
    }
    return 0;
}

static int check_method(const char *text, char *why, size_t why_cap)
{
    if (check_text("http-method", text, OBFS_METHOD_MAX, why, why_cap) == -1)
        return -1;
    for (const char *c = text; *c != '\0'; c++) {
        if (!obfs_is_token((uint8_t)*c)) {
            (void)snprintf(why, why_cap, "http-method has an invalid character at byte %td",
                           c - text + 1);
            return -1;
        }
    }
    return 0;
}

/* FNV-1a, 32 bits. */
static uint32_t hash(uint32_t seed, const char *text)
{
    for (const char *c = text; *c != '\0'; c++)
        seed = (seed ^ (uint8_t)*c) * 16777619u;
    return seed;
}

/*
 * A real peer keeps its version from one connection to the next and over restarts, so the version
 * is a function of the configuration of this pair, not random.
 */
static uint32_t face(const struct obfs_conf *conf, const ssp_env *env)
{
    uint32_t seed = hash(2166136261u, conf->host != NULL ? conf->host : "");
    return hash(hash(seed, env->remote_host), env->remote_port);
}

static int setup_client(void *at, const ssp_env *env, char *why, size_t why_cap)
{
    struct obfs_conf *conf = at;
    if (conf->host == NULL)
        conf->host = "cloudfront.net";
    if (conf->method == NULL)
        conf->method = "GET";
    if (check_text("obfs-host", conf->host, OBFS_HOST_MAX, why, why_cap) == -1 ||
        check_text("obfs-uri", conf->uri, OBFS_URI_MAX, why, why_cap) == -1 ||
        check_method(conf->method, why, why_cap) == -1)
        return -1;

    bool named = strcmp(env->remote_port, "80") != 0;
    (void)snprintf(conf->authority, sizeof conf->authority, "%s%s%s", conf->host, named ? ":" : "",
                   named ? env->remote_port : "");
    conf->face = face(conf, env);
    return 0;
}

/* host:port, with brackets around an IPv6 literal; NULL when memory is out. */
static char *join(const char *hosts, const char *port)
{
    int len = (int)strcspn(hosts, "|");
    bool bare_ipv6 = hosts[0] != '[' && memchr(hosts, ':', (size_t)len) != NULL;
    char *joined;
    int rc = asprintf(&joined, "%s%.*s%s:%s", bare_ipv6 ? "[" : "", len, hosts,
                      bare_ipv6 ? "]" : "", port);
    return rc == -1 ? NULL : joined;
}

static int setup_server(void *at, const ssp_env *env, char *why, size_t why_cap)
{
    struct obfs_conf *conf = at;
    if (conf->host != NULL &&
        check_text("obfs-host", conf->host, OBFS_HOST_MAX, why, why_cap) == -1)
        return -1;
    if (conf->method != NULL && check_method(conf->method, why, why_cap) == -1)
        return -1;

    conf->face = face(conf, env);
    if (!conf->passthrough)
        return 0;
    conf->backend = join(env->local_host, env->local_port);
    if (conf->backend == NULL)
        (void)snprintf(why, why_cap, "out of memory");
    return conf->backend == NULL ? -1 : 0;
}

static void release(void *at)
{
    struct obfs_conf *conf = at;
    free(conf->backend);
    conf->backend = NULL;
}

static const char *fallback(const void *at)
{
    const struct obfs_conf *conf = at;
    return conf->failover != NULL ? conf->failover : conf->backend;
}

static int mode(const ssp_conn *conn)
{
    const struct obfs_conf *conf = ssp_conn_conf(conn);
    return conf->mode;
}

static ssp_verdict client_wrap(ssp_conn *conn, void *state, ssp_io *io)
{
    return modes[mode(conn)].client_wrap(conn, state, io);
}

static ssp_verdict client_unwrap(ssp_conn *conn, void *state, ssp_io *io)
{
    return modes[mode(conn)].client_unwrap(conn, state, io);
}

static ssp_verdict server_wrap(ssp_conn *conn, void *state, ssp_io *io)
{
    return modes[mode(conn)].server_wrap(conn, state, io);
}

static ssp_verdict server_unwrap(ssp_conn *conn, void *state, ssp_io *io)
{
    return modes[mode(conn)].server_unwrap(conn, state, io);
}

union state {
    struct obfs_http http;
    struct obfs_tls tls;
};

const ssp_codec obfs_local = {
    .size = sizeof(ssp_codec),
    .flags = SSP_CLIENT_ONLY | SSP_LAZY_DIAL,
    .name = "obfs-local",
    .version = OBFS_VERSION,
    .about = "client of the simple-obfs disguises, http and tls",
    .conf_size = sizeof(struct obfs_conf),
    .state_size = sizeof(union state),
    .options = options,
    .setup = setup_client,
    .wrap = client_wrap,
    .unwrap = client_unwrap,
};

const ssp_codec obfs_server = {
    .size = sizeof(ssp_codec),
    .flags = SSP_SERVER_ONLY,
    .name = "obfs-server",
    .version = OBFS_VERSION,
    .about = "server of the simple-obfs disguises, http and tls",
    .conf_size = sizeof(struct obfs_conf),
    .state_size = sizeof(union state),
    .options = options,
    .setup = setup_server,
    .release = release,
    .wrap = server_wrap,
    .unwrap = server_unwrap,
    .fallback = fallback,
};
