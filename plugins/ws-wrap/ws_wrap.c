/* SPDX-License-Identifier: Apache-2.0 */
#include "ws-wrap/ws_wrap.h"

#include "libcrypto/start.h"
#include "ws-wrap/stream.h"
#include "ws-wrap/streams.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROOM = 8192, PING_MAX = 86400, SESSIONS_MAX = 1024 };

struct ws_state {
    bool asked;    /* client: the request has been sent */
    bool open;     /* the handshake is over */
    uint16_t seen; /* server: bytes of the request that have been judged */
    char proof[WS_ACCEPT_TEXT + 1];
    struct ws_stream stream;
};

static const ssp_option options[] = {
    {.name = "mode",
     .type = SSP_CHOICE,
     .offset = offsetof(struct ws_conf, mode),
     .help = "frames of websocket, or none behind the upgrade",
     .choices = "websocket|httpupgrade"},
    {.name = "host",
     .type = SSP_TEXT,
     .offset = offsetof(struct ws_conf, host),
     .help = "host to ask for (default cloudfront.com); server: required host (default: any)"},
    {.name = "path",
     .type = SSP_TEXT,
     .offset = offsetof(struct ws_conf, path),
     .dflt = "/",
     .help = "path to ask for, at both ends; client: ?ed=N sends up to N bytes with the request"},
    {.name = "mux",
     .type = SSP_TEXT,
     .offset = offsetof(struct ws_conf, sessions),
     .help =
         "auto, the default of a server: clients multiplex or do not; 0: none does, the default "
         "of a client; 1 and more: all do, as with a v2ray-plugin without mux=0"},
    {.name = "half-close",
     .type = SSP_CHOICE,
     .offset = offsetof(struct ws_conf, half_close),
     .help = "a Close frame ends one direction: as both ends agree, always, or never",
     .choices = "auto|yes|no"},
    {.name = "ping",
     .type = SSP_INT,
     .offset = offsetof(struct ws_conf, ping),
     .dflt = "0",
     .help = "seconds of silence until a ping is sent, 0 for never"},
    {.name = "user-agent",
     .type = SSP_TEXT,
     .offset = offsetof(struct ws_conf, user_agent),
     .dflt = "Go-http-client/1.1",
     .help = "browser to claim",
     .flags = SSP_FOR_CLIENT},
    {.name = "tls",
     .type = SSP_FLAG,
     .offset = offsetof(struct ws_conf, tls),
     .help = "TLS around the websocket, for host; all options of tls-wrap are known then"},
    {.name = "cert",
     .type = SSP_FILE,
     .offset = offsetof(struct ws_conf, cert),
     .help = "tls: file of the certificate and its chain, PEM (default: that of acme.sh for host); "
             "client: file of trusted ones (default: the system's)"},
    {.name = "key",
     .type = SSP_FILE,
     .offset = offsetof(struct ws_conf, key),
     .help = "tls: file of its private key, PEM",
     .flags = SSP_FOR_SERVER | SSP_SECRET},
    {.name = "fallback",
     .type = SSP_ADDRESS,
     .offset = offsetof(struct ws_conf, fallback),
     .help = "web server (plain HTTP) for all other requests",
     .flags = SSP_FOR_SERVER},
    {.name = "trust",
     .type = SSP_TEXT,
     .offset = offsetof(struct ws_conf, trust),
     .help = "proxies that name their clients in X-Forwarded-For or X-Real-IP, as in "
             "127.0.0.1,10.0.0.0/8; proxy-protocol passes the name on",
     .flags = SSP_FOR_SERVER},
    {.name = "loglevel",
     .type = SSP_CHOICE,
     .offset = offsetof(struct ws_conf, loglevel),
     .help = "taken for v2ray-plugin's sake, without effect; v logs each connection",
     .choices = "none|error|warning|info|debug"},
    SSP_OPTION_END,
};

/* ---- configuration ---- */

/* A text that may stand in a head. */
struct text_rule {
    const char *option;
    size_t max;
    char least; /* the least byte that may be in it */
};

static int check_text(const struct text_rule *rule, const char *text, char *why, size_t why_cap)
{
    size_t len = strlen(text);
    if (len == 0 || len > rule->max) {
        (void)snprintf(why, why_cap, "option %s: has %zu bytes; 1 to %zu are allowed", rule->option,
                       len, rule->max);
        return -1;
    }
    for (const char *c = text; *c != '\0'; c++) {
        if ((uint8_t)*c < (uint8_t)rule->least || *c == 0x7f) {
            (void)snprintf(why, why_cap, "option %s: has a blank or control character at byte %td",
                           rule->option, c - text + 1);
            return -1;
        }
    }
    return 0;
}

static int check_texts(const struct ws_conf *conf, ssp_role role, char *why, size_t why_cap)
{
    static const struct text_rule host = {"host", WS_HOST_MAX, '!'},
                                  path = {"path", WS_PATH_MAX, '!'},
                                  agent = {"user-agent", WS_AGENT_MAX, ' '};
    if (conf->host != NULL && check_text(&host, conf->host, why, why_cap) == -1)
        return -1;
    if (role == SSP_CLIENT && check_text(&agent, conf->user_agent, why, why_cap) == -1)
        return -1;
    return check_text(&path, conf->path, why, why_cap);
}

/* The value of an item of the query that is ed=N; NULL for others. */
static const char *early_of(const char *item)
{
    return strncmp(item, "ed=", 3) == 0 ? item + 3 : NULL;
}

/* Copies the query without its item ed.  Returns 0, or -1 for a wrong number. */
static int copy_query(struct ws_conf *conf, const char *query)
{
    size_t used = strlen(conf->target);
    char mark = '?';
    while (*query != '\0') {
        size_t len = strcspn(query, "&");
        const char *number = early_of(query);
        char *end = NULL;
        long bytes = number != NULL ? strtol(number, &end, 10) : 0;
        if (number == NULL && conf->early + len > 0) {
            (void)snprintf(conf->target + used, sizeof conf->target - used, "%c%.*s", mark,
                           (int)len, query);
            used += len + 1;
            mark = '&';
        } else if (number != NULL) {
            if (end == number || end != query + len || bytes < 0)
                return -1;
            conf->early = bytes < WS_EARLY_MAX ? (unsigned)bytes : WS_EARLY_MAX;
        }
        query += len + (query[len] == '&');
    }
    return 0;
}

static int set_path(struct ws_conf *conf, ssp_role role, char *why, size_t why_cap)
{
    size_t len = strcspn(conf->path, "?");
    (void)snprintf(conf->target, sizeof conf->target, "%s%.*s", conf->path[0] == '/' ? "" : "/",
                   (int)len, conf->path);
    if (role == SSP_SERVER || conf->path[len] == '\0')
        return 0;
    if (copy_query(conf, conf->path + len + 1) == -1) {
        (void)snprintf(why, why_cap, "option path: ed= needs a number of bytes, such as ?ed=2048");
        return -1;
    }
    return 0;
}

/* Options that say the opposite of each other. */
static int check_together(const struct ws_conf *conf, char *why, size_t why_cap)
{
    const char *frames = conf->ping > 0                ? "ping"
                         : conf->half_close != WS_AUTO ? "half-close"
                         : conf->early > 0             ? "path with ?ed="
                                                       : NULL;
    if (conf->mode == WS_HTTPUPGRADE && frames != NULL)
        (void)snprintf(why, why_cap,
                       "options mode and %s: httpupgrade has no frames to carry it; leave out one",
                       frames);
    else if (conf->mux > 0 && conf->half_close != WS_AUTO)
        (void)snprintf(why, why_cap,
                       "options mux and half-close: no peer that multiplexes has half-close; "
                       "leave out one");
    else
        return 0;
    return -1;
}

static int set_trusted(struct ws_conf *conf, char *why, size_t why_cap)
{
    const char *wrong = conf->trust != NULL ? ws_trusted_read(&conf->trusted, conf->trust) : NULL;
    if (wrong == NULL)
        return 0;
    (void)snprintf(why, why_cap,
                   "option trust: \"%.60s\" begins with no address or network, or is beyond the "
                   "first %d; 127.0.0.1,10.0.0.0/8 is such a list",
                   wrong, WS_TRUSTED_MAX);
    return -1;
}

static int set_mux(struct ws_conf *conf, ssp_role role, char *why, size_t why_cap)
{
    const char *text = conf->sessions;
    char *end = NULL;
    if (text == NULL || strcmp(text, "auto") == 0) {
        conf->mux = role == SSP_SERVER ? WS_MUX_AUTO : 0;
        if (text == NULL || role == SSP_SERVER)
            return 0;
        (void)snprintf(why, why_cap, "option mux: auto is for a server; a client needs a number");
        return -1;
    }
    long n = strtol(text, &end, 10);
    conf->mux = (int)n;
    if (end != text && *end == '\0' && n >= 0 && n <= SESSIONS_MAX)
        return 0;
    (void)snprintf(why, why_cap, "option mux: %.40s is neither auto nor a number of 0 to %d", text,
                   SESSIONS_MAX);
    return -1;
}

int ws_wrap_setup_in_layers(void *at, const ssp_env *env, char *why, size_t why_cap)
{
    struct ws_conf *conf = at;
    ssp__libcrypto_start(SSP_EXIT_OS);
    if (set_mux(conf, env->role, why, why_cap) == -1)
        return -1;
    if (conf->ping > PING_MAX) {
        (void)snprintf(why, why_cap, "option ping: is at most %d", PING_MAX);
        return -1;
    }
    if (conf->host == NULL && env->role == SSP_CLIENT)
        conf->host = WS_DEFAULT_HOST;
    if (check_texts(conf, env->role, why, why_cap) == -1 || set_trusted(conf, why, why_cap) == -1 ||
        set_path(conf, env->role, why, why_cap) == -1)
        return -1;
    return check_together(conf, why, why_cap);
}

/* A certificate that nothing uses would leave the user in the belief that there is TLS. */
int ws_wrap_setup_without_tls(void *at, const ssp_env *env, char *why, size_t why_cap)
{
    const struct ws_conf *conf = at;
    const char *alone = conf->cert != NULL ? "cert" : conf->key != NULL ? "key" : NULL;
    if (conf->tls)
        (void)snprintf(why, why_cap,
                       "option tls: is for the program ws-wrap alone, under this name; in a chain "
                       "tls-wrap is the next stage");
    else if (alone != NULL)
        (void)snprintf(why, why_cap,
                       "options %s and tls: %s is given, tls is not; add tls or leave out %s",
                       alone, alone, alone);
    else
        return ws_wrap_setup_in_layers(at, env, why, why_cap);
    return -1;
}

/* Inside of another program the plain bytes are for others than the engine. */
static int setup(void *at, const ssp_env *env, char *why, size_t why_cap)
{
    struct ws_conf *conf = at;
    if (conf->sessions != NULL && strcmp(conf->sessions, "0") != 0) {
        (void)snprintf(why, why_cap,
                       "option mux: is for the program ws-wrap alone; in a chain it is 0");
        return -1;
    }
    conf->sessions = "0";
    return ws_wrap_setup_without_tls(at, env, why, why_cap);
}

static const ssp_carrier *carrier(const void *at)
{
    const struct ws_conf *conf = at;
    bool may = conf->mode == WS_WEBSOCKET && conf->mux == WS_MUX_AUTO;
    return may ? &ws_streams_found : NULL;
}

static const char *fallback(const void *at)
{
    const struct ws_conf *conf = at;
    return conf->fallback;
}

/* ---- the handshake ---- */

static ssp_verdict ask(ssp_conn *conn, struct ws_state *s, ssp_io *io)
{
    const struct ws_conf *conf = ssp_conn_conf(conn);
    uint8_t nonce[WS_NONCE_LEN];
    char key[WS_KEY_TEXT + 1], early[WS_EARLY_TEXT + 1] = "", text[WS_REQUEST_MAX];
    size_t n;
    const uint8_t *plain = ssp_in(io, &n);
    if (conf->early > 0 && n == 0 && !ssp_eof(io))
        return SSP_MORE;
    ssp_conn_random(conn, nonce, sizeof nonce);
    ws_key_write(nonce, key);
    ws_key_prove(key, s->proof);
    if (n > 0 && n <= conf->early) {
        (void)ssp_base64_write(SSP_BASE64_URL, plain, n, early);
        ssp_skip(io, n);
    }
    ssp_put(io, text, ws_request_write(conf, key, early, text));
    s->asked = true;
    return SSP_OK;
}

static ssp_verdict refuse(ssp_conn *conn, const char *why)
{
    ssp_conn_why(conn, "%s", why);
    return SSP_FAIL;
}

static ssp_verdict hear_answer(ssp_conn *conn, struct ws_state *s, ssp_io *io)
{
    char why[WS_WHY_MAX];
    struct ws_terms terms;
    size_t n, end = ssp_find(io, "\r\n\r\n", 4, WS_HTTP_MAX);
    const uint8_t *head = ssp_in(io, &n);
    if (end == SSP_NPOS)
        return refuse(conn, "websocket: the server answers with more than 8192 bytes");
    if (end == 0 && ssp_eof(io))
        return refuse(conn, "websocket: the server ended before its answer was whole");
    if (end == 0) {
        ssp_wait(io);
        return SSP_MORE;
    }
    const char *refused =
        ws_answer_judge(ssp_conn_conf(conn), ws_span_of(head, end), s->proof, &terms, why);
    if (refused != NULL)
        return refuse(conn, refused);
    ssp_skip(io, end);
    ws_stream_begin(conn, &s->stream, terms);
    s->open = true;
    return SSP_OK;
}

static size_t length_of_head(const uint8_t *head, size_t n)
{
    return (size_t)((const uint8_t *)memmem(head, n, "\r\n\r\n", 4) - head) + 4;
}

/* A proxy that is trusted speaks for its client. */
static void name_client(ssp_conn *conn, struct ws_span head)
{
    const struct ws_conf *conf = ssp_conn_conf(conn);
    char peer[SSP_CLIENT_TEXT], client[WS_FORWARDED_TEXT];
    if (conf->trusted.n > 0 && ssp_conn_client(conn, peer) &&
        ws_forwarded_client(&conf->trusted, peer, head, client))
        ssp_conn_name_client(conn, client);
}

static ssp_verdict hear_request(ssp_conn *conn, struct ws_state *s, ssp_io *io)
{
    struct ws_answer answer;
    size_t n;
    const uint8_t *head = ssp_in(io, &n);
    enum ws_judgement judgement = ws_request_judge(ssp_conn_conf(conn), head, n, s->seen);
    s->seen = (uint16_t)(n < WS_HTTP_MAX ? n : WS_HTTP_MAX);
    if (judgement == WS_FOREIGN)
        return SSP_FOREIGN;
    if (judgement == WS_UNDECIDED && !ssp_eof(io))
        return SSP_MORE;
    if (judgement == WS_UNDECIDED) /* the fallback also gets a peer that ended in its request */
        return n > 0 ? SSP_FOREIGN : refuse(conn, "websocket: the peer ended without a request");
    size_t len = length_of_head(head, n);
    name_client(conn, ws_span_of(head, len));
    ws_answer_write(ssp_conn_conf(conn), ws_span_of(head, len), &answer);
    ssp_skip(io, len);
    ssp_reply(io, answer.text, answer.len);
    ssp_put(io, answer.early, answer.early_len);
    ws_stream_begin(conn, &s->stream, answer.terms);
    s->open = true;
    return SSP_OK;
}

static bool has_frames(const ssp_conn *conn)
{
    const struct ws_conf *conf = ssp_conn_conf(conn);
    return conf->mode == WS_WEBSOCKET;
}

static ssp_verdict wrap(ssp_conn *conn, void *at, ssp_io *io)
{
    struct ws_state *s = at;
    if (!s->open && !s->asked && ssp_conn_role(conn) == SSP_CLIENT)
        return ask(conn, s, io);
    if (!s->open) {
        ssp_wait(io);
        return SSP_MORE;
    }
    return has_frames(conn) ? ws_stream_wrap(conn, &s->stream, io) : SSP_CLEAR;
}

static ssp_verdict unwrap(ssp_conn *conn, void *at, ssp_io *io)
{
    struct ws_state *s = at;
    if (!s->open)
        return ssp_conn_role(conn) == SSP_CLIENT ? hear_answer(conn, s, io)
                                                 : hear_request(conn, s, io);
    return has_frames(conn) ? ws_stream_unwrap(conn, &s->stream, io) : SSP_CLEAR;
}

const ssp_codec ws_wrap = {
    .size = sizeof(ssp_codec),
    .name = "ws-wrap",
    .version = WS_WRAP_VERSION,
    .flags = SSP_LAZY_DIAL | SSP_CLOSE_REFUSED,
    .about = "websocket around the stream, as v2ray-plugin and its kin speak it",
    .conf_size = sizeof(struct ws_conf),
    .state_size = sizeof(struct ws_state),
    .min_room = ROOM,
    .options = options,
    .setup = setup,
    .wrap = wrap,
    .unwrap = unwrap,
    .fallback = fallback,
    .carrier = carrier,
};
