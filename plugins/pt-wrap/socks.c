/* SPDX-License-Identifier: Apache-2.0 */
#include "pt-wrap/socks.h"

#include "pt-wrap/args.h"
#include "pt-wrap/place.h"

#include <ssplugin/env.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    VERSION5 = 5,
    VERSION4 = 4,
    AUTH_VERSION = 1,
    CONNECT = 1,
    NO_AUTH = 0,
    USER_PASS = 2,
    IPV4 = 1,
    NAME = 3,
    IPV6 = 4,
    NAME_MAX_LEN = 255,
    ANSWER = 2,     /* bytes of an answer to the greeting, and to the credentials */
    REPLY_HEAD = 4, /* of the last answer: version, code, reserved, type of address */
    REPLY4 = 8,     /* of SOCKS4, whole */
    GRANTED4 = 90,
    MESSAGE_MAX = 3 + 2 * (1 + PT_ARGS_SOCKS_FIELD) + NAME_MAX_LEN + 16
};

enum step { HELD, GREETED, AUTHORIZED, ASKED, GRANTED, OPEN };

struct server {
    uint8_t address[1 + 1 + NAME_MAX_LEN + 2]; /* type, address and port as SOCKS5 has them */
    size_t len;
};

/* All connections of all threads share the current server. */
struct pt_servers {
    atomic_uint turn; /* modulo n: the server that is requested */
    unsigned n;
    struct server server[];
};

struct state {
    uint8_t step;    /* enum step: the last message to or from the transport */
    unsigned turn;   /* the server of this connection */
    int64_t granted; /* the time when the transport reported success */
};

static const ssp_option options[] = {
    {.name = "host",
     .type = SSP_TEXT,
     .offset = offsetof(struct pt_socks_conf, hosts),
     .help = "the servers, joined by '|'"},
    {.name = "port",
     .type = SSP_TEXT,
     .offset = offsetof(struct pt_socks_conf, port),
     .help = "their port"},
    {.name = "args",
     .type = SSP_TEXT,
     .offset = offsetof(struct pt_socks_conf, args),
     .help = "arguments of the transport",
     .flags = SSP_SECRET},
    {.name = "patience",
     .type = SSP_INT,
     .offset = offsetof(struct pt_socks_conf, patience_s),
     .dflt = "0",
     .help = "seconds until a silent server counts as failed"},
    {.name = "socks4",
     .type = SSP_FLAG,
     .offset = offsetof(struct pt_socks_conf, socks4),
     .help = "SOCKS4A, not SOCKS5"},
    SSP_OPTION_END,
};

/* ---- setup ---- */

static int complain(char *why, size_t cap, const char *what)
{
    (void)snprintf(why, cap, "%s", what);
    return -1;
}

static void set_server(struct server *server, const char *host, int port)
{
    uint8_t *at = server->address, ip[16];
    size_t len = pt_ip_bytes(host, ip), name = strlen(host);
    *at++ = len == 4 ? IPV4 : len == 16 ? IPV6 : NAME;
    if (len == 0)
        *at++ = (uint8_t)name;
    memcpy(at, len > 0 ? (const void *)ip : host, len > 0 ? len : name);
    at += len > 0 ? len : name;
    *at++ = (uint8_t)(port >> 8);
    *at++ = (uint8_t)port;
    server->len = (size_t)(at - server->address);
}

/* No more than there are separators, plus one. */
static struct pt_servers *new_servers(const char *hosts)
{
    size_t n = 1;
    for (const char *c = hosts; *c != '\0'; c++)
        n += *c == '|';
    return calloc(1, sizeof(struct pt_servers) + n * sizeof(struct server));
}

static int set_servers(struct pt_socks_conf *conf, char *why, size_t cap)
{
    char host[NAME_MAX_LEN + 1];
    const char *hosts = conf->hosts != NULL ? conf->hosts : "";
    int rc, port = conf->port != NULL ? ssp_port_parse(conf->port) : -1;
    struct pt_servers *servers = conf->servers = new_servers(hosts);
    if (servers == NULL)
        return complain(why, cap, "out of memory");
    while ((rc = ssp_hosts_next(&hosts, host, sizeof host)) == 1) {
        struct server *server = &servers->server[servers->n++];
        set_server(server, host, port);
        if (conf->socks4 && server->address[0] == IPV6)
            return complain(why, cap,
                            "this transport speaks SOCKS4, which has no IPv6: give the server by "
                            "name or IPv4 address");
    }
    return rc == 0 && servers->n > 0 && port != -1
               ? 0
               : complain(why, cap, "host and port are not a valid server address");
}

static void release(void *at)
{
    struct pt_socks_conf *conf = at;
    free(conf->servers);
    conf->servers = NULL;
}

static int setup(void *at, const ssp_env *env, char *why, size_t why_cap)
{
    struct pt_socks_conf *conf = at;
    (void)env;
    if (conf->args != NULL && *conf->args == '\0')
        conf->args = NULL;
    if (conf->args != NULL && strlen(conf->args) > PT_ARGS_SOCKS_MAX)
        return complain(why, why_cap, "args are longer than SOCKS can carry");
    int rc = set_servers(conf, why, why_cap);
    if (rc == -1)
        release(conf);
    return rc;
}

/* ---- which server ---- */

static const struct server *server_of(const struct pt_socks_conf *conf, const struct state *state)
{
    return &conf->servers->server[state->turn % conf->servers->n];
}

/* When several connections fail at the same server, only one moves on to the next server. */
static void give_up(const struct pt_socks_conf *conf, const struct state *state)
{
    unsigned turn = state->turn;
    (void)atomic_compare_exchange_strong(&conf->servers->turn, &turn,
                                         (turn + 1) % conf->servers->n);
}

/* ---- what is said ---- */

/* One message in flight: it fits by the limits that setup checks. */
struct message {
    uint8_t bytes[MESSAGE_MAX];
    size_t len;
};

static void add(struct message *m, const void *bytes, size_t n)
{
    memcpy(m->bytes + m->len, bytes, n);
    m->len += n;
}

static void add_byte(struct message *m, size_t byte)
{
    m->bytes[m->len++] = (uint8_t)byte;
}

/* Offers one method only: some transports select the stronger of two, and then require it. */
static struct message greeting(const struct pt_socks_conf *conf)
{
    struct message m = {.len = 0};
    add_byte(&m, VERSION5);
    add_byte(&m, 1);
    add_byte(&m, conf->args != NULL ? USER_PASS : NO_AUTH);
    return m;
}

/* Neither field may be empty: a password that is a single NUL stands for none. */
static struct message credentials(const struct pt_socks_conf *conf)
{
    struct message m = {.len = 0};
    size_t len = strlen(conf->args);
    size_t user = len < PT_ARGS_SOCKS_FIELD ? len : PT_ARGS_SOCKS_FIELD;
    add_byte(&m, AUTH_VERSION);
    add_byte(&m, user);
    add(&m, conf->args, user);
    add_byte(&m, len > user ? len - user : 1);
    if (len > user)
        add(&m, conf->args + user, len - user);
    else
        add_byte(&m, 0);
    return m;
}

static struct message request(const struct server *server)
{
    struct message m = {.len = 0};
    add(&m, (const uint8_t[]){VERSION5, CONNECT, 0}, 3);
    add(&m, server->address, server->len);
    return m;
}

/* SOCKS4A: an invalid address announces a name. */
static struct message request4(const struct pt_socks_conf *conf, const struct server *server)
{
    struct message m = {.len = 0};
    bool named = server->address[0] == NAME;
    add(&m, (const uint8_t[]){VERSION4, CONNECT}, 2);
    add(&m, server->address + server->len - 2, 2);
    add(&m, named ? (const uint8_t[]){0, 0, 0, 1} : server->address + 1, 4);
    if (conf->args != NULL)
        add(&m, conf->args, strlen(conf->args));
    add_byte(&m, 0);
    if (named) {
        add(&m, server->address + 2, server->address[1]);
        add_byte(&m, 0);
    }
    return m;
}

/* ---- what is answered ---- */

static const char *meaning(uint8_t code)
{
    static const char *const words[] = {
        [1] = "general failure", /* of the arguments, too */
        [2] = "forbidden",
        [3] = "network unreachable",
        [4] = "host unreachable",
        [5] = "connection refused",
        [6] = "TTL expired",
        [7] = "command not supported",
        [8] = "address type not supported",
    };
    bool known = code < sizeof words / sizeof *words && words[code] != NULL;
    return known ? words[code] : "unknown reply code";
}

static ssp_verdict refused(ssp_conn *conn, const char *what)
{
    ssp_conn_why(conn, "the transport program: %s", what);
    return SSP_FAIL;
}

static ssp_verdict proceed(struct state *state, ssp_io *io, size_t consumed, enum step step,
                           const struct message *m)
{
    ssp_skip(io, consumed);
    ssp_reply(io, m->bytes, m->len);
    state->step = (uint8_t)step;
    return SSP_OK;
}

static ssp_verdict more(ssp_io *io, size_t need)
{
    ssp_need(io, need);
    return SSP_MORE;
}

/* Some transports report success before they have connected: the first byte from the server is the
 * proof. */
static ssp_verdict granted(ssp_conn *conn, struct state *state, ssp_io *io, size_t consumed)
{
    ssp_skip(io, consumed);
    state->step = GRANTED;
    state->granted = ssp_conn_time(conn);
    return SSP_OK;
}

static ssp_verdict after_grant(ssp_conn *conn, struct state *state, ssp_io *io, const uint8_t *in,
                               size_t n)
{
    (void)conn, (void)in;
    if (n > 0) {
        state->step = OPEN;
        return SSP_CLEAR;
    }
    if (!ssp_eof(io))
        ssp_wait(io);
    return SSP_MORE;
}

typedef ssp_verdict answer_fn(ssp_conn *conn, struct state *state, ssp_io *io, const uint8_t *in,
                              size_t n);

static ssp_verdict after_greeting(ssp_conn *conn, struct state *state, ssp_io *io,
                                  const uint8_t *in, size_t n)
{
    const struct pt_socks_conf *conf = ssp_conn_conf(conn);
    uint8_t wanted = conf->args != NULL ? USER_PASS : NO_AUTH;
    if (n < ANSWER)
        return more(io, ANSWER);
    if (in[0] != VERSION5 || in[1] != wanted)
        return refused(conn, "refuses the greeting");
    struct message m = conf->args != NULL ? credentials(conf) : request(server_of(conf, state));
    ssp_verdict verdict = proceed(state, io, ANSWER, conf->args != NULL ? AUTHORIZED : ASKED, &m);
    explicit_bzero(&m, sizeof m);
    return verdict;
}

static ssp_verdict after_credentials(ssp_conn *conn, struct state *state, ssp_io *io,
                                     const uint8_t *in, size_t n)
{
    if (n < ANSWER)
        return more(io, ANSWER);
    if (in[0] != AUTH_VERSION || in[1] != 0)
        return refused(conn, "refuses its arguments");
    struct message m = request(server_of(ssp_conn_conf(conn), state));
    return proceed(state, io, ANSWER, ASKED, &m);
}

/* Skips the bound address, which has no use here. */
static ssp_verdict after_request5(ssp_conn *conn, struct state *state, ssp_io *io,
                                  const uint8_t *in, size_t n)
{
    if (n < REPLY_HEAD + 1)
        return more(io, REPLY_HEAD + 1);
    if (in[0] != VERSION5)
        return refused(conn, "answers with an unknown version of SOCKS");
    if (in[1] != 0)
        return refused(conn, meaning(in[1]));
    size_t address = in[3] == IPV4   ? 4
                     : in[3] == IPV6 ? 16
                     : in[3] == NAME ? (size_t)1 + in[REPLY_HEAD]
                                     : 0;
    if (address == 0)
        return refused(conn, "answers with an unknown address type");
    size_t total = REPLY_HEAD + address + 2;
    return n < total ? more(io, total) : granted(conn, state, io, total);
}

static ssp_verdict after_request4(ssp_conn *conn, struct state *state, ssp_io *io,
                                  const uint8_t *in, size_t n)
{
    if (n < REPLY4)
        return more(io, REPLY4);
    if (in[0] != 0 || in[1] != GRANTED4)
        return refused(conn, "refuses the connection");
    return granted(conn, state, io, REPLY4);
}

static ssp_verdict after_request(ssp_conn *conn, struct state *state, ssp_io *io, const uint8_t *in,
                                 size_t n)
{
    const struct pt_socks_conf *conf = ssp_conn_conf(conn);
    return (conf->socks4 ? after_request4 : after_request5)(conn, state, io, in, n);
}

static ssp_verdict unwrap(ssp_conn *conn, void *at, ssp_io *io)
{
    static answer_fn *const answers[] = {[GREETED] = after_greeting,
                                         [AUTHORIZED] = after_credentials,
                                         [ASKED] = after_request,
                                         [GRANTED] = after_grant};
    struct state *state = at;
    size_t n;
    const uint8_t *in = ssp_in(io, &n);
    if (state->step == OPEN)
        return SSP_CLEAR;
    if (state->step == HELD)
        return n > 0 ? refused(conn, "speaks before it is asked") : SSP_MORE;
    ssp_verdict verdict = answers[state->step](conn, state, io, in, n);
    if (verdict == SSP_MORE && ssp_eof(io) && state->step != GRANTED)
        return refused(conn, "closes the connection before it is established");
    return verdict;
}

static ssp_verdict wrap(ssp_conn *conn, void *at, ssp_io *io)
{
    const struct pt_socks_conf *conf = ssp_conn_conf(conn);
    struct state *state = at;
    if (state->step >= GRANTED)
        return SSP_CLEAR;
    if (state->step != HELD) {
        ssp_wait(io);
        return SSP_MORE;
    }
    state->turn = atomic_load(&conf->servers->turn);
    struct message m = conf->socks4 ? request4(conf, server_of(conf, state)) : greeting(conf);
    ssp_put(io, m.bytes, m.len);
    explicit_bzero(&m, sizeof m);
    state->step = conf->socks4 ? ASKED : GREETED;
    return SSP_OK;
}

static void leave(ssp_conn *conn, void *at)
{
    const struct pt_socks_conf *conf = ssp_conn_conf(conn);
    const struct state *state = at;
    bool refused = state->step != HELD && state->step < GRANTED;
    bool mute = state->step == GRANTED && conf->patience_s > 0 &&
                ssp_conn_time(conn) - state->granted >= conf->patience_s;
    if (refused || mute)
        give_up(conf, state);
}

const ssp_codec pt_socks = {
    .size = sizeof(ssp_codec),
    .flags = SSP_CLIENT_ONLY | SSP_LAZY_DIAL,
    .name = "pt-wrap",
    .version = PT_WRAP_VERSION,
    .about = "speaks SOCKS to a transport program",
    .conf_size = sizeof(struct pt_socks_conf),
    .state_size = sizeof(struct state),
    .options = options,
    .setup = setup,
    .release = release,
    .wrap = wrap,
    .unwrap = unwrap,
    .close = leave,
};
