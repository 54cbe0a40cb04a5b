/* SPDX-License-Identifier: Apache-2.0 */
#include "stls-wrap/stls_wrap.h"

#include "libcrypto/start.h"
#include "stls-wrap/client.h"
#include "stls-wrap/seen.h"
#include "stls-wrap/server.h"
#include "stls-wrap/tls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HOST_MAX = 253, PORT_DIGITS = 5 };

static const ssp_option options[] = {
    {.name = "passwd",
     .type = SSP_TEXT,
     .offset = offsetof(struct stls_conf, password),
     .help = "password, the same at both ends",
     .flags = SSP_REQUIRED | SSP_SECRET},
    {.name = "tls",
     .type = SSP_TEXT,
     .offset = offsetof(struct stls_conf, tls),
     .help = "HOST[:PORT] of a TLS 1.3 web site of others, which gets all other clients (port 443)",
     .flags = SSP_FOR_SERVER},
    {.name = "fallback",
     .type = SSP_ADDRESS,
     .offset = offsetof(struct stls_conf, fallback),
     .help = "the same as tls, as other plugins call it",
     .flags = SSP_FOR_SERVER},
    {.name = "host",
     .type = SSP_TEXT,
     .offset = offsetof(struct stls_conf, host),
     .help = "name of that web site, which is claimed and verified; required",
     .flags = SSP_FOR_CLIENT},
    {.name = "v3",
     .type = SSP_FLAG,
     .offset = offsetof(struct stls_conf, v3),
     .dflt = "1",
     .help = "version 3 of the protocol, the only one"},
    {.name = "strict-mode",
     .type = SSP_FLAG,
     .offset = offsetof(struct stls_conf, strict),
     .help = "the web site must speak TLS 1.3"},
    {.name = "alpn",
     .type = SSP_TEXT,
     .offset = offsetof(struct stls_conf, alpn),
     .dflt = "h2,http/1.1",
     .help = "protocols to offer, joined by \",\"",
     .flags = SSP_FOR_CLIENT},
    {.name = "ca",
     .type = SSP_FILE,
     .offset = offsetof(struct stls_conf, ca),
     .help = "file of trusted authorities (default: the system's)",
     .flags = SSP_FOR_CLIENT},
    {.name = "wildcard-sni",
     .type = SSP_CHOICE,
     .offset = offsetof(struct stls_conf, wildcard_sni),
     .help = "taken for shadow-tls' sake: off is the only one",
     .choices = "off|authed|all",
     .flags = SSP_FOR_SERVER},
    {.name = "threads",
     .type = SSP_TEXT,
     .offset = offsetof(struct stls_conf, threads),
     .help = "taken for shadow-tls' sake, without effect"},
    SSP_OPTION_END,
};

/* ---- configuration ---- */

static int refuse(const char *sentence, char *why, size_t why_cap)
{
    (void)snprintf(why, why_cap, "%s", sentence);
    return -1;
}

/* The end of a host, which may be an IPv6 address in brackets. */
static size_t host_length(const char *text)
{
    size_t closed = text[0] == '[' ? strcspn(text, "]") : 0;
    return closed > 0 && text[closed] == ']' ? closed + 1 : strcspn(text, ":");
}

static bool is_port(const char *text)
{
    size_t n = strlen(text);
    return n > 0 && n <= PORT_DIGITS && strspn(text, "0123456789") == n;
}

static int set_site(struct stls_conf *conf, char *why, size_t why_cap)
{
    const char *text = conf->tls != NULL ? conf->tls : conf->fallback;
    if (conf->tls != NULL && conf->fallback != NULL)
        return refuse("options tls and fallback: both name the web site; leave out fallback", why,
                      why_cap);
    if (text == NULL)
        return refuse("option tls is required: tls=www.example.com:443", why, why_cap);
    if (strchr(text, ';') != NULL)
        return refuse("option tls: has several sites; one is possible, without names in front", why,
                      why_cap);
    size_t host = host_length(text);
    if (host == 0 || host > HOST_MAX || strcspn(text, " \t/") < host ||
        (text[host] != '\0' && !is_port(text + host + 1)))
        return refuse("option tls: expected HOST or HOST:PORT", why, why_cap);
    (void)snprintf(conf->site, sizeof conf->site, "%s%s", text, text[host] == '\0' ? ":443" : "");
    return 0;
}

static int set_up_server(struct stls_conf *conf, char *why, size_t why_cap)
{
    if (conf->wildcard_sni != 0)
        return refuse("option wildcard-sni: the web site is that of tls=; leave it out", why,
                      why_cap);
    if (set_site(conf, why, why_cap) == -1)
        return -1;
    conf->seen = stls_seen_new();
    return conf->seen != NULL ? 0 : refuse("out of memory", why, why_cap);
}

static int set_up_client(struct stls_conf *conf, char *why, size_t why_cap)
{
    struct tls_conf site = {
        .alpn = conf->alpn, .ca = conf->ca, .tls12 = !conf->strict, .role = SSP_CLIENT};
    size_t len = conf->host != NULL ? strlen(conf->host) : 0;
    if (conf->host == NULL)
        return refuse("option host is required: host=www.example.com", why, why_cap);
    if (strchr(conf->host, ';') != NULL)
        return refuse("option host: has several names; one is possible", why, why_cap);
    if (len == 0 || len > HOST_MAX || strcspn(conf->host, " \t/:") < len)
        return refuse("option host: expected the name of a web site, without a port", why, why_cap);
    (void)snprintf(site.name, sizeof site.name, "%s", conf->host);
    conf->client = stls_tls_new(&site, why, why_cap);
    return conf->client != NULL ? 0 : -1;
}

static void release(void *at)
{
    struct stls_conf *conf = at;
    stls_tls_free(conf->client);
    stls_seen_free(conf->seen);
    stls_tag_free(conf->key);
    conf->client = NULL;
    conf->seen = NULL;
    conf->key = NULL;
}

static int setup(void *at, const ssp_env *env, char *why, size_t why_cap)
{
    struct stls_conf *conf = at;
    if (!conf->v3)
        return refuse("option v3: version 3 is the only one; v3=0 has to go", why, why_cap);
    if (conf->password[0] == '\0')
        return refuse("option passwd: is empty", why, why_cap);
    ssp__libcrypto_start(SSP_EXIT_OS);
    conf->key = stls_tag_key(conf->password);
    if (conf->key == NULL)
        return refuse("OpenSSL has no HMAC-SHA1, or memory is out", why, why_cap);
    int rc = env->role == SSP_CLIENT ? set_up_client(conf, why, why_cap)
                                     : set_up_server(conf, why, why_cap);
    if (rc == -1)
        release(conf);
    return rc;
}

static int reload(void *at, char *why, size_t why_cap)
{
    struct stls_conf *conf = at;
    return conf->client != NULL ? stls_tls_reload(conf->client, why, why_cap) : 0;
}

static const char *site(const void *at)
{
    const struct stls_conf *conf = at;
    return conf->site[0] != '\0' ? conf->site : NULL;
}

/* ---- one connection ---- */

union stls_state {
    struct stls_server server;
    struct stls_client client;
};

static ssp_verdict wrap(ssp_conn *conn, void *at, ssp_io *io)
{
    union stls_state *s = at;
    return ssp_conn_role(conn) == SSP_CLIENT ? stls_client_wrap(conn, &s->client, io)
                                             : stls_server_wrap(conn, &s->server, io);
}

static ssp_verdict unwrap(ssp_conn *conn, void *at, ssp_io *io)
{
    union stls_state *s = at;
    return ssp_conn_role(conn) == SSP_CLIENT ? stls_client_unwrap(conn, &s->client, io)
                                             : stls_server_unwrap(conn, &s->server, io);
}

static void close_connection(ssp_conn *conn, void *at)
{
    union stls_state *s = at;
    if (ssp_conn_role(conn) == SSP_CLIENT)
        stls_client_close(&s->client);
    else
        stls_server_close(&s->server);
}

const ssp_codec stls_wrap = {
    .size = sizeof(ssp_codec),
    .name = "stls-wrap",
    .version = STLS_WRAP_VERSION,
    .flags = SSP_LAZY_DIAL | SSP_CLOSE_REFUSED | SSP_BEGIN_DIVERTED,
    .about = "shadow-tls v3: a web site's TLS handshake, then the stream",
    .conf_size = sizeof(struct stls_conf),
    .state_size = sizeof(union stls_state),
    .min_room = TLS_RECORD_MAX + STLS_TAG_LEN,
    .options = options,
    .setup = setup,
    .release = release,
    .wrap = wrap,
    .unwrap = unwrap,
    .close = close_connection,
    .fallback = site,
    .reload = reload,
};
