/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/tunnel.h"

#include "plugin/handshake_limit.h"
#include "plugin/lifecycle.h"

#include <ssplugin/drive.h>

#include "base/proxy_preface.h"
#include "net/lookup.h"
#include "procfs/bind_hint.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    GREET_CLIENT_MS = 60000,
    DIAL_MS = 10000,
    ASSOCIATIONS_MAX = 1024,
    LINGER_MS = 30000,
    KEEP_ALIVE_S = 300, /* as the daemons */
    USER_TIMEOUT_S = 900
};

/* The unix socket at which an Android VPN takes sockets, in the working directory. */
static const char protect_path[] = "protect_path";

/* ---- addresses ---- */

/* Splits a list of hosts joined by '|' that share a port. */
static int split_hosts(struct ssp__endpoint *e, unsigned *n, const char *hosts, int port)
{
    char host[SSP_HOST_MAX];
    const char *cursor = hosts;
    int rc;
    *n = 0;
    while ((rc = ssp_hosts_next(&cursor, host, sizeof host)) == 1) {
        if (*n == SSP_TUNNEL_ENDPOINTS)
            break; /* more would only be tried after all of these have failed */
        if (ssp__endpoint_set(&e[(*n)++], host, (uint16_t)port) == -1)
            return -1;
    }
    return rc == -1 || *n == 0 ? -1 : 0;
}

static int read_addresses(struct ssp__tunnel *t, char *why, size_t cap)
{
    const ssp_env *env = t->request.env;
    bool client = env->role == SSP_CLIENT;
    int local = ssp_port_parse(env->local_port), remote = ssp_port_parse(env->remote_port);
    struct ssp__endpoint *local_list = client ? t->listen : t->dial;
    struct ssp__endpoint *remote_list = client ? t->dial : t->listen;
    if (local == -1 ||
        split_hosts(local_list, client ? &t->listens : &t->dials, env->local_host, local) == -1) {
        (void)snprintf(why, cap, "local address %.100s port %.20s: not an address and a port",
                       env->local_host, env->local_port);
        return SSP_EXIT_CONFIG;
    }
    if (remote == -1 || split_hosts(remote_list, client ? &t->dials : &t->listens, env->remote_host,
                                    remote) == -1) {
        (void)snprintf(why, cap, "remote address %.100s port %.20s: not an address and a port",
                       env->remote_host, env->remote_port);
        return SSP_EXIT_CONFIG;
    }
    return 0;
}

static bool listed(const struct ssp__tunnel *t, const struct ssp__address *a)
{
    struct ssp__address known;
    for (unsigned i = 0; i < t->listens; i++) {
        if (ssp__endpoint_address(&t->listen[i], &known) && ssp__address_same(&known, a))
            return true;
    }
    return false;
}

/* Every address of every name.  A name and an address of the same list may mean the same thing: it
 * is bound once. */
static int resolve_listen(struct ssp__tunnel *t, char *why, size_t cap)
{
    struct ssp__endpoint named[SSP_TUNNEL_ENDPOINTS];
    struct ssp__address list[SSP_LOOKUP_MAX];
    unsigned names = t->listens;
    memcpy(named, t->listen, names * sizeof *named);
    t->listens = 0;
    for (unsigned i = 0; i < names; i++) {
        int n = ssp__lookup(&named[i], SOCK_STREAM, list, why, cap);
        if (n == -1)
            return SSP_EXIT_NOHOST;
        for (int at = 0; at < n && t->listens < SSP_TUNNEL_ENDPOINTS; at++) {
            if (!listed(t, &list[at]))
                ssp__endpoint_set_address(&t->listen[t->listens++], &list[at]);
        }
    }
    return 0;
}

/* ---- the service ---- */

unsigned ssp__tunnel_limit_ms(int seconds)
{
    return seconds == 0 || seconds > INT_MAX / 1000 ? INT_MAX : (unsigned)seconds * 1000;
}

static unsigned greet_limit_ms(const struct ssp__tunnel *t)
{
    if (t->request.builtin->handshake_s > 0)
        return ssp__tunnel_limit_ms(t->request.builtin->handshake_s);
    return t->request.env->role == SSP_CLIENT ? GREET_CLIENT_MS
                                              : ssp__handshake_limit_ms(t->request.env);
}

static int bind_address(struct ssp__tunnel *t, char *why, size_t cap)
{
    const char *text = t->request.builtin->bind;
    struct ssp__address a;
    if (text == NULL)
        return 0;
    if (ssp__address_parse(&a, text, 0) == -1) {
        (void)snprintf(why, cap, "option b: %.100s is not a numeric address", text);
        return SSP_EXIT_CONFIG;
    }
    bool v4 = a.u.any.sa_family == AF_INET;
    *(v4 ? &t->bind_v4 : &t->bind_v6) = a;
    *(v4 ? &t->service.dialed.bind_v4 : &t->service.dialed.bind_v6) =
        v4 ? &t->bind_v4 : &t->bind_v6;
    return 0;
}

/* The fallback of the codec, else that of the built-in option. */
static int find_fallback(struct ssp__tunnel *t, char *why, size_t cap)
{
    const ssp_codec *codec = t->request.codec;
    const char *text = codec->fallback != NULL ? codec->fallback(t->request.conf) : NULL;
    if (text == NULL)
        text = t->request.builtin->fallback;
    if (text == NULL || t->request.env->role == SSP_CLIENT)
        return 0;
    t->fallbacks = 1;
    if (ssp__endpoint_parse(&t->fallback, text, 0) == -1) {
        (void)snprintf(why, cap, "fallback %.100s: not host:port", text);
        return SSP_EXIT_CONFIG;
    }
    if (ssp__lookup_leads_back(t->listen, t->listens, &t->fallback)) {
        (void)snprintf(why, cap,
                       "fallback %.100s is the address that this plugin listens on itself: name "
                       "the web server behind it",
                       text);
        return SSP_EXIT_CONFIG;
    }
    return 0;
}

/* A client dials before the first data, unless its codec sends nothing then. */
static bool plan(const void *arg, const struct ssp__plan_query *query, struct ssp__plan *plan)
{
    const struct ssp__tunnel *t = arg;
    bool lazy = t->service.role == SSP_SERVER || (t->service.codec->flags & SSP_LAZY_DIAL) != 0;
    bool elsewhere = query->occasion == SSP_ON_FOREIGN || query->occasion == SSP_ON_DIVERT;
    plan->endpoint = elsewhere ? &t->fallback : t->dial;
    plan->endpoints = elsewhere ? t->fallbacks : t->dials;
    plan->coded = query->occasion != SSP_ON_FOREIGN;
    return query->failed == 0 && !(lazy && query->occasion == SSP_ON_ACCEPT);
}

static void fill_service(struct ssp__tunnel *t)
{
    const struct ssp__builtin *b = t->request.builtin;
    bool client = t->request.env->role == SSP_CLIENT;
    t->datagrams = (struct ssp__datagram_conf){t->request.codec, t->request.conf};
    t->service = (struct ssp__service){
        .name = t->request.name,
        .coded = client ? SSP_DIALED : SSP_ACCEPTED,
        .role = t->request.env->role,
        .codec = t->request.codec,
        .conf = t->request.conf,
        .carrier = client || t->request.codec->carrier == NULL
                       ? NULL
                       : t->request.codec->carrier(t->request.conf),
        .plan = plan,
        .plan_arg = t,
        .introduces = !client && b->introduces,
        .packets = &ssp__datagram_packets,
        .packets_conf = &t->datagrams,
        .limits = {.greet_ms = greet_limit_ms(t),
                   .dial_ms = DIAL_MS,
                   .idle_ms = ssp__tunnel_limit_ms(b->timeout_s),
                   .linger_ms = LINGER_MS,
                   .associations = ASSOCIATIONS_MAX,
                   .greeting_per_source = client ? 0 : (unsigned)b->handshakes_per_address},
        .accepted = {.fast_open = b->fast_open,
                     .mptcp = b->mptcp,
                     .v6only = t->listens > 1,
                     .keep_alive_s = KEEP_ALIVE_S,
                     .user_timeout_s = USER_TIMEOUT_S},
        .dialed = {.fast_open = b->fast_open,
                   .mptcp = b->mptcp,
                   .keep_alive_s = KEEP_ALIVE_S,
                   .user_timeout_s = USER_TIMEOUT_S,
                   .interface = b->interface,
                   .fwmark = (unsigned)b->fwmark,
                   .protect_path = b->android_vpn ? protect_path : NULL},
    };
}

static bool trust(const void *arg, const struct ssp__address *sender,
                  struct ssp__log_limit *refusals)
{
    const struct ssp__tunnel *t = arg;
    return ssp__balancers_trust(&t->balancers, sender, refusals);
}

/* Connections begin with a header of those that the option names. */
static int trust_balancers(struct ssp__tunnel *t, char *why, size_t cap)
{
    const char *list = t->request.builtin->balancers;
    if (list == NULL || t->request.env->role == SSP_CLIENT)
        return 0;
    t->balancers.option = "option proxy-protocol-from";
    t->service.preface = &ssp__proxy_preface;
    t->service.trusts = trust;
    const char *wrong = ssp__balancers_add(&t->balancers, list);
    if (wrong == NULL)
        return 0;
    (void)snprintf(why, cap, "option proxy-protocol-from: \"%.100s\" %s", list, wrong);
    return SSP_EXIT_CONFIG;
}

/* Refuses at once a mode that the codec cannot carry: the host waits for all that it asks for. */
static int choose_mode(struct ssp__tunnel *t, char *why, size_t cap)
{
    bool by_host = t->request.env->mode != SSP_TCP_ONLY;
    t->mode = t->request.env->mode;
    if (!by_host && t->request.builtin->udp)
        t->mode = SSP_TCP_AND_UDP;
    if (t->mode == SSP_TCP_ONLY || ssp__datagram_carried(t->request.codec))
        return 0;
    (void)snprintf(why, cap, "%s, but %s carries no datagrams: %s",
                   by_host ? "SS_PLUGIN_MODE asks for UDP" : "option udp", t->request.name,
                   by_host ? "use tcp_only" : "leave it out");
    return SSP_EXIT_CONFIG;
}

int ssp__tunnel_plan(struct ssp__tunnel *t, const struct ssp__tunnel_request *request, char *why,
                     size_t why_cap)
{
    *t = (struct ssp__tunnel){.request = *request};
    int rc = read_addresses(t, why, why_cap);
    if (rc == 0)
        rc = choose_mode(t, why, why_cap);
    if (rc == 0)
        rc = resolve_listen(t, why, why_cap);
    if (rc != 0)
        return rc;
    t->listens = ssp__lookup_drop_absent(t->listen, t->listens);
    fill_service(t);
    rc = trust_balancers(t, why, why_cap);
    if (rc == 0)
        rc = bind_address(t, why, why_cap);
    return rc != 0 ? rc : find_fallback(t, why, why_cap);
}

/* ---- sockets ---- */

static int cannot_listen(const struct ssp__tunnel *t, unsigned i, enum ssp__transport transport,
                         char *why, size_t cap)
{
    char text[SSP_BIND_HINT_MAX];
    size_t len = strlen(why);
    const char *hint =
        t->request.hosted ? NULL : ssp__bind_hint(errno, transport, t->listen[i].port, text);
    if (hint != NULL)
        (void)snprintf(why + len, cap - len, "; hint: %s", hint);
    return SSP_EXIT_UNAVAIL;
}

static int adopt_all(struct ssp__tunnel *t, int first, unsigned n, char *why, size_t cap)
{
    for (unsigned i = 0; i < n; i++) {
        if (ssp__instance_adopt(&t->relay, first + (int)i, &t->service) == 0)
            continue;
        (void)snprintf(why, cap, "a listening socket of the host: %s", strerror(errno));
        return SSP_EXIT_OS;
    }
    return 0;
}

static int listen_all(struct ssp__tunnel *t, char *why, size_t cap)
{
    int first = ssp_lifecycle_listen_fd();
    unsigned handed = ssp__lifecycle_handed();
    if (t->mode == SSP_UDP_ONLY) {
        for (unsigned i = 0; i < handed; i++)
            (void)close(first + (int)i);
        return 0;
    }
    if (handed > 0)
        return adopt_all(t, first, handed, why, cap);
    for (unsigned i = 0; i < t->listens; i++) {
        if (ssp__instance_listen(&t->relay, &t->listen[i], &t->service, why, cap) == -1)
            return cannot_listen(t, i, SSP_TCP, why, cap);
    }
    return 0;
}

int ssp__tunnel_open(struct ssp__tunnel *t, void (*on_traffic)(void *arg), void *arg, char *why,
                     size_t why_cap)
{
    const char *phrase;
    if (ssp__program_open(&t->program, NULL, t->request.builtin->prefer_ipv6, &phrase) == -1) {
        (void)snprintf(why, why_cap, "start: %s", phrase);
        return SSP_EXIT_OS;
    }
    ssp__instance_open(&t->relay, &t->program);
    ssp__resolver_sockets(t->program.resolver, &t->service.dialed);
    int rc = listen_all(t, why, why_cap);
    if (rc != 0 || t->mode == SSP_TCP_ONLY)
        return rc;
    (void)snprintf(why, why_cap, "udp: out of memory");
    t->udp = ssp__udp_open(&(struct ssp__udp_conf){.program = &t->program,
                                                   .service = &t->service,
                                                   .counters = &t->relay.own.counters,
                                                   .on_traffic = on_traffic,
                                                   .arg = arg});
    for (unsigned i = 0; i < t->listens && t->udp != NULL; i++) {
        if (ssp__udp_listen(t->udp, &t->listen[i], why, why_cap) == -1)
            return cannot_listen(t, i, SSP_UDP, why, why_cap);
    }
    return t->udp != NULL ? 0 : SSP_EXIT_UNAVAIL;
}

void ssp__tunnel_close(struct ssp__tunnel *t)
{
    ssp__udp_close(t->udp);
    t->udp = NULL;
    ssp__instance_close(&t->relay);
    ssp__program_close(&t->program);
    ssp__balancers_release(&t->balancers);
}
