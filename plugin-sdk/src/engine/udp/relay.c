/* SPDX-License-Identifier: Apache-2.0 */
#include "udp/relay.h"

#include "base/io.h"
#include "udp/assoc.h"

#include <ssplugin/log.h>

#include <stdlib.h>
#include <string.h>

enum { IDLE_MIN_MS = 10 * 1000, IDLE_MAX_MS = 24 * 3600 * 1000 };

struct ssp__udp {
    struct ssp__udp_conf conf;
    ssp_conn conn;
    struct ssp__assocs *assocs;
    struct ssp__udp_counters counters;
    bool broken;   /* a broken rule has been logged */
    void *fresh;   /* state of a client that has no association yet */
    void *scratch; /* the codec's */
};

/* ---- one packet ---- */

static struct ssp__packet_io begin(const struct ssp__udp *u, const struct ssp__packet *packet)
{
    return (struct ssp__packet_io){.conn = &u->conn,
                                   .scratch = u->scratch,
                                   .front_conf = u->conf.service->packet_front_conf,
                                   .bytes = packet->bytes,
                                   .len = packet->len,
                                   .room = ssp__assocs_room(u->assocs) + SSP_DATAGRAM_HEADROOM,
                                   .cap = SSP_DATAGRAM_ROOM - SSP_DATAGRAM_HEADROOM,
                                   .from = &packet->peer};
}

/* A packet from plain to wire meets the front first. */
static int cross(const struct ssp__udp *u, struct ssp__packet_io *p, enum ssp__side from)
{
    const struct ssp__service *service = u->conf.service;
    const struct ssp__packet_front *front = service->packet_front;
    ssp__packet_step *own = NULL;
    if (front != NULL)
        own = from == SSP_ACCEPTED ? front->asked : front->answered;
    if (service->coded == from)
        return service->packets->open(p) == 0 && (own == NULL || own(p) == 0) ? 0 : -1;
    return (own == NULL || own(p) == 0) && service->packets->seal(p) == 0 ? 0 : -1;
}

static void notify_traffic(const struct ssp__udp *u)
{
    if (u->conf.on_traffic != NULL)
        u->conf.on_traffic(u->conf.arg);
}

/* The author's mistake is logged once. */
static void rule_broken(struct ssp__udp *u, const char *rule)
{
    if (!u->broken)
        ssp_error("codec %s breaks a rule: %s", u->conf.service->codec->name, rule);
    u->broken = true;
}

static void dropped(struct ssp__udp *u, const struct ssp__packet_io *p)
{
    char text[SSP_ADDRESS_TEXT_MAX];
    if (p->rule != NULL) {
        rule_broken(u, p->rule);
        return;
    }
    u->counters.foreign++;
    notify_traffic(u);
    if (!ssp_log_verbose())
        return;
    ssp__address_format(p->from, text, sizeof text);
    ssp_debug("udp: packet from %s dropped: %s", text, p->why);
}

/* ---- from a client ---- */

static int identify(const struct ssp__udp *u, struct ssp__packet_io *p, struct ssp__datagram *from,
                    const struct ssp__packet *packet, struct ssp__packet_key *key)
{
    const struct ssp__service *service = u->conf.service;
    if (service->coded == SSP_ACCEPTED && service->packets->identify != NULL)
        return service->packets->identify(p, key);
    *key = ssp__assoc_key(from, packet);
    return 0;
}

/* The front's choice, else one of the service's endpoints for each client, so that its packets stay
 * together. */
static const struct ssp__endpoint *target(const struct ssp__udp *u, const struct ssp__packet_io *p)
{
    const struct ssp__service *service = u->conf.service;
    if (service->endpoint == NULL)
        return &p->to;
    return &service->endpoint[ssp__address_port(p->from) % service->endpoints];
}

static int take(struct ssp__udp *u, struct ssp__packet_io *p)
{
    if (cross(u, p, SSP_ACCEPTED) == -1)
        return -1;
    p->why = "no target yet";
    return target(u, p)->port != 0 ? 0 : -1;
}

static void forget_fresh(const struct ssp__udp *u)
{
    if (u->conf.service->packets->close != NULL)
        u->conf.service->packets->close(u->fresh);
}

/* The client of a new association has had its first packet taken. */
static void asked(void *arg, struct ssp__datagram *from, struct ssp__packet *packet)
{
    struct ssp__udp *u = arg;
    const struct ssp__service *service = u->conf.service;
    struct ssp__packet_io p = begin(u, packet);
    struct ssp__packet_key key;
    if (identify(u, &p, from, packet, &key) == -1) {
        dropped(u, &p);
        return;
    }
    struct ssp__assoc *assoc = ssp__assoc_find(u->assocs, &key);
    if (assoc == NULL)
        memset(u->fresh, 0, service->packets->state_size);
    p.state = assoc != NULL ? ssp__assoc_state(assoc) : u->fresh;
    bool taken = take(u, &p) == 0;
    if (taken && assoc == NULL)
        assoc = ssp__assoc_new(u->assocs, &key, u->fresh);
    if (assoc == NULL)
        forget_fresh(u);
    if (!taken)
        dropped(u, &p);
    if (!taken || assoc == NULL)
        return;
    ssp__assoc_heard(assoc, from, packet);
    u->counters.up += service->coded == SSP_DIALED ? packet->len : p.len;
    ssp__assoc_send(assoc, target(u, &p), p.bytes, p.len);
    notify_traffic(u);
}

/* ---- to a client ---- */

/* The socket of an association receives packets of any peer. */
static bool expected(const struct ssp__service *service, const struct ssp__address *peer)
{
    struct ssp__address known;
    bool found = service->endpoint == NULL || service->packets->authentic;
    for (unsigned i = 0; i < service->endpoints && !found; i++)
        found =
            service->endpoint[i].named || (ssp__endpoint_address(&service->endpoint[i], &known) &&
                                           ssp__address_same(&known, peer));
    return found;
}

static void answered(void *arg, struct ssp__assoc *assoc, struct ssp__packet *packet)
{
    struct ssp__udp *u = arg;
    struct ssp__packet_io p = begin(u, packet);
    p.state = ssp__assoc_state(assoc);
    p.why = "not from the address that packets were sent to";
    if (!expected(u->conf.service, &packet->peer) || cross(u, &p, SSP_DIALED) == -1) {
        dropped(u, &p);
        return;
    }
    u->counters.down += u->conf.service->coded == SSP_DIALED ? p.len : packet->len;
    ssp__assoc_reply(assoc, p.bytes, p.len);
    notify_traffic(u);
}

/* ---- all of it ---- */

/* Options such as interface and fwmark do not apply to a peer on this machine, as for TCP. */
static struct ssp__socket_options outgoing(const struct ssp__service *service)
{
    struct ssp__address a;
    bool local = service->endpoint != NULL;
    for (unsigned i = 0; i < service->endpoints && local; i++)
        local = ssp__endpoint_address(&service->endpoint[i], &a) && ssp__address_loopback(&a);
    return local ? (struct ssp__socket_options){.interface = NULL} : service->dialed;
}

static struct ssp__assocs *make_assocs(struct ssp__udp *u)
{
    const struct ssp__program *program = u->conf.program;
    const struct ssp__service *service = u->conf.service;
    unsigned idle = service->limits.idle_ms;
    return ssp__assocs_new(&(struct ssp__assocs_conf){.loop = program->loop,
                                                      .resolver = program->resolver,
                                                      .world = u->conn.world,
                                                      .max = service->limits.associations,
                                                      .idle_ms = idle < IDLE_MIN_MS   ? IDLE_MIN_MS
                                                                 : idle > IDLE_MAX_MS ? IDLE_MAX_MS
                                                                                      : idle,
                                                      .accepting = service->accepted,
                                                      .outgoing = outgoing(service),
                                                      .state_size = service->packets->state_size,
                                                      .close = service->packets->close,
                                                      .on_asked = asked,
                                                      .on_answered = answered,
                                                      .arg = u});
}

struct ssp__udp *ssp__udp_open(const struct ssp__udp_conf *conf)
{
    struct ssp__udp *u = calloc(1, sizeof *u);
    if (u == NULL)
        return NULL;
    u->conf = *conf;
    u->conn = (ssp_conn){.role = conf->service->role,
                         .conf = conf->service->packets_conf,
                         .world = &conf->program->worker->world};
    u->fresh = malloc(conf->service->packets->state_size + 1);
    u->scratch = calloc(1, conf->service->packets->scratch_size + 1);
    u->assocs = u->fresh != NULL && u->scratch != NULL ? make_assocs(u) : NULL;
    if (u->assocs != NULL)
        return u;
    ssp__udp_close(u);
    return NULL;
}

void ssp__udp_close(struct ssp__udp *u)
{
    if (u == NULL)
        return;
    ssp__assocs_free(u->assocs);
    if (u->scratch != NULL && u->conf.service->packets->release != NULL)
        u->conf.service->packets->release(u->scratch);
    free(u->scratch);
    free(u->fresh);
    free(u);
}

int ssp__udp_listen(struct ssp__udp *u, const struct ssp__endpoint *e, char *why, size_t why_cap)
{
    return ssp__assocs_listen(u->assocs, e, why, why_cap);
}

struct ssp__udp_counters ssp__udp_counters(const struct ssp__udp *u)
{
    return u != NULL ? u->counters : (struct ssp__udp_counters){.up = 0};
}
