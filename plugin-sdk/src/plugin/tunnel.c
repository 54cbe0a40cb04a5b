/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/tunnel.h"

#include "contract/extensions.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    GREET_CLIENT_MS = 60000,
    /* A silent or foreign peer is dropped after a time within these bounds, drawn at start. */
    GREET_SERVER_MIN_MS = 30000,
    GREET_SERVER_SPAN_MS = 60000,
    DIAL_MS = 10000,
    LINGER_MS = 30000
};

/* Splits a list of hosts joined by '|' that share a port. */
static int split_hosts(struct ssp_endpoint *e, unsigned *n, const char *hosts, int port)
{
    char host[SSP_HOST_MAX];
    const char *cursor = hosts;
    int rc;
    *n = 0;
    while ((rc = ssp_hosts_next(&cursor, host, sizeof host)) == 1) {
        if (*n == SSP_TUNNEL_ENDPOINTS)
            break; /* more would only be tried after all of these have failed */
        if (ssp_endpoint_set(&e[(*n)++], host, (uint16_t)port) == -1)
            return -1;
    }
    return rc == -1 || *n == 0 ? -1 : 0;
}

static int read_addresses(struct ssp_tunnel *t, const ssp_env *env, char *why, size_t cap)
{
    bool client = env->role == SSP_CLIENT;
    int local = ssp_port_parse(env->local_port), remote = ssp_port_parse(env->remote_port);
    struct ssp_endpoint *local_list = client ? t->listen : t->dial;
    struct ssp_endpoint *remote_list = client ? t->dial : t->listen;
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

static unsigned greet_limit_ms(const struct ssp_tunnel *t, ssp_role role)
{
    uint32_t draw;
    if (role == SSP_CLIENT)
        return GREET_CLIENT_MS;
    t->program.worker->world.random(NULL, &draw, sizeof draw);
    return GREET_SERVER_MIN_MS + draw % GREET_SERVER_SPAN_MS;
}

static int bind_address(struct ssp_tunnel *t, const char *text, char *why, size_t cap)
{
    struct ssp_address a;
    if (text == NULL)
        return 0;
    if (ssp_address_parse(&a, text, 0) == -1) {
        (void)snprintf(why, cap, "option b: %.100s is not a numeric address", text);
        return SSP_EXIT_CONFIG;
    }
    bool v4 = a.u.any.sa_family == AF_INET;
    *(v4 ? &t->bind_v4 : &t->bind_v6) = a;
    *(v4 ? &t->service.dialed.bind_v4 : &t->service.dialed.bind_v6) =
        v4 ? &t->bind_v4 : &t->bind_v6;
    return 0;
}

static int find_fallback(struct ssp_tunnel *t, char *why, size_t cap)
{
    const ssp_codec *codec = t->service.codec;
    const char *text = codec->fallback != NULL ? codec->fallback(t->service.conf) : NULL;
    if (text == NULL || t->service.role == SSP_CLIENT)
        return 0;
    if (ssp_endpoint_parse(&t->fallback, text, 0) == -1) {
        (void)snprintf(why, cap, "fallback %.100s: not host:port", text);
        return SSP_EXIT_CONFIG;
    }
    t->service.fallback = &t->fallback;
    return 0;
}

static int fill_service(struct ssp_tunnel *t, const struct ssp_settings *settings, ssp_role role,
                        char *why, size_t cap)
{
    const struct ssp_builtin *b = &settings->builtin;
    bool client = role == SSP_CLIENT;
    t->service = (struct ssp_service){
        .name = settings->codec->name,
        .coded = client ? SSP_DIALED : SSP_ACCEPTED,
        .role = role,
        .codec = settings->codec,
        .conf = settings->conf,
        .endpoint = t->dial,
        .endpoints = t->dials,
        .eager = client && (settings->codec->flags & SSP_LAZY_DIAL) == 0,
        .limits = {.greet_ms = greet_limit_ms(t, role),
                   .dial_ms = DIAL_MS,
                   .idle_ms = (unsigned)b->timeout_s * 1000,
                   .linger_ms = LINGER_MS},
        .accepted = {.fast_open = b->fast_open, .mptcp = b->mptcp, .v6only = t->listens > 1},
        .dialed = {.fast_open = b->fast_open, .mptcp = b->mptcp, .interface = b->interface},
    };
    int rc = bind_address(t, b->bind, why, cap);
    return rc != 0 ? rc : find_fallback(t, why, cap);
}

static int listen_all(struct ssp_tunnel *t, char *why, size_t cap)
{
    int handed = t->service.role == SSP_CLIENT ? ssp_listen_fd(getpid()) : -1;
    if (handed != -1)
        return ssp_program_adopt(&t->program, handed, &t->service) == 0 ? 0 : SSP_EXIT_OS;
    for (unsigned i = 0; i < t->listens; i++) {
        if (ssp_program_listen(&t->program, &t->listen[i], &t->service, why, cap) == -1)
            return SSP_EXIT_UNAVAIL;
    }
    return 0;
}

int ssp_tunnel_open(struct ssp_tunnel *t, const struct ssp_settings *settings, const ssp_env *env,
                    char *why, size_t why_cap)
{
    const struct ssp_builtin *b = &settings->builtin;
    const char *phrase;
    int rc = read_addresses(t, env, why, why_cap);
    if (rc != 0)
        return rc;
    if (ssp_program_open(&t->program, NULL, b->prefer_ipv6, &phrase) == -1) {
        (void)snprintf(why, why_cap, "start: %s", phrase);
        return SSP_EXIT_OS;
    }
    rc = fill_service(t, settings, env->role, why, why_cap);
    if (rc == 0)
        rc = listen_all(t, why, why_cap);
    if (rc != 0)
        ssp_tunnel_close(t);
    return rc;
}

void ssp_tunnel_close(struct ssp_tunnel *t)
{
    ssp_program_close(&t->program);
}
