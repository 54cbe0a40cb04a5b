/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/datagrams.h"

#include "codec/datagram.h"
#include "udp/assoc.h"
#include <ssplugin/log.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ASSOCIATIONS_MAX = 1024, IDLE_MIN_MS = 10 * 1000, IDLE_MAX_MS = 24 * 3600 * 1000 };

struct ssp__datagrams {
    struct ssp__datagrams_conf conf;
    ssp_conn conn;
    ssp_dir asked, answered;  /* what a client's datagram, and an answer, go through */
    struct ssp__address *far; /* owned: whom we send to, as far as they are numeric */
    unsigned fars;
    bool named; /* some are names: answers may come from anywhere */
    bool broken;
    struct ssp__assocs *assocs;
    struct ssp__datagram_counters counters;
};

static void dropped(struct ssp__datagrams *d, const struct ssp__packet *packet, const char *why)
{
    char text[SSP_ADDRESS_TEXT_MAX];
    d->counters.foreign++;
    d->conf.on_traffic(d->conf.arg);
    if (!ssp_log_verbose())
        return;
    ssp__address_format(&packet->peer, text, sizeof text);
    ssp_debug("datagram from %s dropped: %s", text, why);
}

/* The author's mistake, said once: the datagram is lost, the plugin lives. */
static void rule_broken(struct ssp__datagrams *d, const char *rule)
{
    if (!d->broken)
        ssp_error("codec %s breaks a rule: %s", d->conf.service->codec->name, rule);
    d->broken = true;
}

/* Runs the codec from the packet into the room.  Returns the length, or -1: nothing to send. */
static ptrdiff_t transform(struct ssp__datagrams *d, ssp_dir dir, const struct ssp__packet *packet,
                           uint8_t *room)
{
    const ssp_codec *codec = d->conf.service->codec;
    size_t cap = packet->len + codec->datagram_overhead;
    const char *rule = NULL;
    if (cap > SSP_DATAGRAM_ROOM) {
        dropped(d, packet, "too long");
        return -1;
    }
    ptrdiff_t n =
        ssp__datagram_run(codec, &d->conn, dir, packet->bytes, packet->len, room, cap, &rule);
    if (rule != NULL)
        rule_broken(d, rule);
    else if (n < 0)
        dropped(d, packet, "not our protocol");
    return n;
}

/* One of the servers for each client, so that its datagrams stay together. */
static const struct ssp__endpoint *far_of(const struct ssp__datagrams *d,
                                          const struct ssp__packet *packet)
{
    const struct ssp__service *service = d->conf.service;
    return &service->endpoint[ssp__address_port(&packet->peer) % service->endpoints];
}

/* What is none of ours takes no association. */
static void asked(void *arg, struct ssp__datagram *from, struct ssp__packet *packet)
{
    struct ssp__datagrams *d = arg;
    uint8_t *room = ssp__assocs_room(d->assocs);
    ptrdiff_t n = transform(d, d->asked, packet, room);
    struct ssp__assoc *assoc = n >= 0 ? ssp__assoc_of(d->assocs, from, packet) : NULL;
    if (assoc == NULL)
        return;
    d->counters.up += d->conf.service->role == SSP_CLIENT ? packet->len : (size_t)n;
    ssp__assoc_send(assoc, far_of(d, packet), room, (size_t)n);
    d->conf.on_traffic(d->conf.arg);
}

static bool same(const struct ssp__address *a, const struct ssp__address *b)
{
    if (a->u.any.sa_family != b->u.any.sa_family || ssp__address_port(a) != ssp__address_port(b))
        return false;
    if (a->u.any.sa_family == AF_INET)
        return a->u.v4.sin_addr.s_addr == b->u.v4.sin_addr.s_addr;
    return memcmp(&a->u.v6.sin6_addr, &b->u.v6.sin6_addr, sizeof a->u.v6.sin6_addr) == 0;
}

/* The socket of an association hears everybody. */
static bool expected(const struct ssp__datagrams *d, const struct ssp__address *peer)
{
    bool known = d->named;
    for (unsigned i = 0; i < d->fars && !known; i++)
        known = same(&d->far[i], peer);
    return known;
}

static void answered(void *arg, struct ssp__assoc *assoc, struct ssp__packet *packet)
{
    struct ssp__datagrams *d = arg;
    uint8_t *room = ssp__assocs_room(d->assocs);
    if (!expected(d, &packet->peer)) {
        dropped(d, packet, "nobody that we had sent to");
        return;
    }
    ptrdiff_t n = transform(d, d->answered, packet, room);
    if (n < 0)
        return;
    d->counters.down += d->conf.service->role == SSP_CLIENT ? (size_t)n : packet->len;
    ssp__assoc_reply(assoc, room, (size_t)n);
    d->conf.on_traffic(d->conf.arg);
}

static int find_far(struct ssp__datagrams *d)
{
    const struct ssp__service *service = d->conf.service;
    d->far = calloc(service->endpoints, sizeof *d->far);
    if (d->far == NULL)
        return -1;
    for (unsigned i = 0; i < service->endpoints; i++) {
        const struct ssp__endpoint *e = &service->endpoint[i];
        if (ssp__address_parse(&d->far[d->fars], e->host, e->port) == 0)
            d->fars++;
        else
            d->named = true;
    }
    return 0;
}

/* The options for the outside are not for a peer on this machine, as for TCP. */
static struct ssp__socket_options outgoing(const struct ssp__datagrams *d)
{
    bool local = !d->named;
    for (unsigned i = 0; i < d->fars; i++)
        local = local && ssp__address_loopback(&d->far[i]);
    return local ? (struct ssp__socket_options){.interface = NULL} : d->conf.service->dialed;
}

static unsigned idle_ms(const struct ssp__service *service)
{
    unsigned idle = service->limits.idle_ms;
    return idle < IDLE_MIN_MS ? IDLE_MIN_MS : idle > IDLE_MAX_MS ? IDLE_MAX_MS : idle;
}

static struct ssp__assocs *make_assocs(struct ssp__datagrams *d)
{
    const struct ssp__program *p = d->conf.program;
    return ssp__assocs_new(
        &(struct ssp__assocs_conf){.loop = p->loop,
                                   .resolver = p->resolver,
                                   .world = &p->worker->world,
                                   .max = ASSOCIATIONS_MAX,
                                   .idle_ms = idle_ms(d->conf.service),
                                   .accepting = {.v6only = d->conf.service->accepted.v6only},
                                   .outgoing = outgoing(d),
                                   .on_asked = asked,
                                   .on_answered = answered,
                                   .arg = d});
}

static int listen_all(struct ssp__datagrams *d, char *why, size_t why_cap)
{
    for (unsigned i = 0; i < d->conf.listens; i++) {
        if (ssp__assocs_listen(d->assocs, &d->conf.listen[i], why, why_cap) == -1)
            return -1;
    }
    return 0;
}

struct ssp__datagrams *ssp__datagrams_open(const struct ssp__datagrams_conf *conf, char *why,
                                           size_t why_cap)
{
    struct ssp__datagrams *d = calloc(1, sizeof *d);
    const struct ssp__service *service = conf->service;
    bool client = service->role == SSP_CLIENT;
    (void)snprintf(why, why_cap, "udp: out of memory");
    if (d == NULL)
        return NULL;
    d->conf = *conf;
    d->conn = (ssp_conn){
        .role = service->role, .conf = service->conf, .world = &conf->program->worker->world};
    d->asked = client ? SSP_WRAP : SSP_UNWRAP;
    d->answered = client ? SSP_UNWRAP : SSP_WRAP;
    d->assocs = find_far(d) == 0 ? make_assocs(d) : NULL;
    if (d->assocs != NULL && listen_all(d, why, why_cap) == 0)
        return d;
    ssp__datagrams_close(d);
    return NULL;
}

void ssp__datagrams_close(struct ssp__datagrams *d)
{
    if (d == NULL)
        return;
    ssp__assocs_free(d->assocs);
    free(d->far);
    free(d);
}

struct ssp__datagram_counters ssp__datagrams_counters(const struct ssp__datagrams *d)
{
    return d != NULL ? d->counters : (struct ssp__datagram_counters){.up = 0};
}
