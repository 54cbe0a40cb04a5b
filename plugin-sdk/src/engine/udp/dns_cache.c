/* SPDX-License-Identifier: Apache-2.0 */
#include "udp/dns_cache.h"

#include "base/packets.h"

#include <ssplugin/log.h>

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { WAITING_MAX = 8 /* of each owner */, FRESH_MS = 30000 };

struct waiting {
    struct waiting *next;
    uint16_t port;
    struct ssp__named_packet packet; /* its bytes are those below */
    uint8_t bytes[];                 /* SSP_PACKET_HEADROOM first, for a codec */
};

static size_t kept_bytes(const struct ssp__named_packet *packet)
{
    return SSP_PACKET_HEADROOM + packet->header_len + packet->n;
}

struct ssp__dns_name {
    struct ssp__dns_name *next;
    struct ssp__dns_cache *cache;
    const struct ssp__dns_cache_conf *conf;
    struct ssp__query *query;    /* NULL: not being looked up */
    struct waiting *first;       /* in the order of arrival */
    uint64_t until_ms;           /* address is valid until then */
    struct ssp__address address; /* without port */
    char host[];
};

/* Takes a packet out of the list. */
static struct waiting *take(struct ssp__dns_name *name, struct waiting **link)
{
    struct waiting *w = *link;
    if (w == NULL)
        return NULL;
    *link = w->next;
    *name->conf->waiting_bytes -= kept_bytes(&w->packet);
    return w;
}

static void name_free(struct ssp__dns_name *name)
{
    struct ssp__dns_name **link = &name->cache->first;
    while (*link != name)
        link = &(*link)->next;
    *link = name->next;
    while (name->first != NULL)
        free(take(name, &name->first));
    if (name->query != NULL)
        ssp__query_cancel(name->query);
    free(name);
}

void ssp__dns_cache_clear(struct ssp__dns_cache *cache)
{
    while (cache->first != NULL)
        name_free(cache->first);
}

void ssp__dns_cache_forget(struct ssp__dns_cache *cache, const void *owner)
{
    for (struct ssp__dns_name *name = cache->first; name != NULL; name = name->next) {
        for (struct waiting **link = &name->first; *link != NULL;) {
            if ((*link)->packet.owner == owner)
                free(take(name, link));
            else
                link = &(*link)->next;
        }
    }
}

static struct ssp__endpoint endpoint_of(const struct ssp__dns_name *name, uint16_t port)
{
    struct ssp__endpoint e = {.port = port, .named = true};
    memcpy(e.u.name, name->host, strlen(name->host) + 1);
    return e;
}

/* Takes the packets that wait to their address, or tells that there is none. */
static void release(struct ssp__dns_name *name, const struct ssp__address *found, const char *why)
{
    for (struct waiting *w = take(name, &name->first); w != NULL; w = take(name, &name->first)) {
        const struct ssp__endpoint e = endpoint_of(name, w->port);
        struct ssp__address to = {.len = 0};
        if (found != NULL) {
            to = *found;
            ssp__address_set_port(&to, w->port);
        }
        w->packet.to = &e;
        name->conf->on_named(&w->packet, found != NULL ? &to : NULL, why);
        free(w);
    }
}

/* One address is enough. */
static const struct ssp__address *choose(const struct ssp__dns_name *name,
                                         const struct ssp__resolved *r)
{
    char why[SSP_PERMIT_WHY_MAX];
    const struct waiting *w = name->first;
    if (w == NULL)
        return &r->addresses[0];
    const struct ssp__endpoint e = endpoint_of(name, w->port);
    for (unsigned i = 0; i < r->n; i++) {
        if (ssp__permitted(&w->packet.permit, &e, &r->addresses[i], why))
            return &r->addresses[i];
    }
    return &r->addresses[0];
}

static void resolved(void *arg, const struct ssp__resolved *r)
{
    struct ssp__dns_name *name = arg;
    const struct ssp__dns_cache_conf *conf = name->conf;
    if (r->more)
        ssp__query_cancel(name->query);
    name->query = NULL;
    if (r->n == 0) {
        ssp_debug("udp: resolve %s: %s", name->host, r->why);
        release(name, NULL, r->why);
        name_free(name);
        return;
    }
    name->address = *choose(name, r);
    name->until_ms = ssp__loop_now_ms(conf->loop) + FRESH_MS;
    release(name, &name->address, NULL);
}

static struct ssp__dns_name *named(const struct ssp__dns_cache *cache, const char *host)
{
    struct ssp__dns_name *name = cache->first;
    while (name != NULL && strcasecmp(name->host, host) != 0)
        name = name->next;
    return name;
}

bool ssp__dns_cache_find(const struct ssp__dns_cache *cache, const struct ssp__endpoint *e,
                         struct ssp__address *to)
{
    const struct ssp__dns_name *name = named(cache, e->u.name);
    if (name == NULL)
        return false;
    *to = name->address;
    ssp__address_set_port(to, e->port);
    return name->query == NULL && ssp__loop_now_ms(name->conf->loop) < name->until_ms;
}

/* Where there are as many as there may be, the one that is out of date first goes.  Returns false
 * when all are being looked up. */
static bool make_room(const struct ssp__dns_cache *cache, unsigned max)
{
    struct ssp__dns_name *best = NULL;
    unsigned n = 0;
    for (struct ssp__dns_name *name = cache->first; name != NULL; name = name->next, n++) {
        if (name->query == NULL && (best == NULL || name->until_ms < best->until_ms))
            best = name;
    }
    if (n < max)
        return true;
    if (best != NULL)
        name_free(best);
    return best != NULL;
}

static struct ssp__dns_name *name_new(struct ssp__dns_cache *cache,
                                      const struct ssp__dns_cache_conf *conf, const char *host)
{
    size_t len = strlen(host) + 1;
    struct ssp__dns_name *name = make_room(cache, conf->max) ? calloc(1, sizeof *name + len) : NULL;
    if (name == NULL)
        return NULL;
    memcpy(name->host, host, len);
    name->cache = cache;
    name->conf = conf;
    name->next = cache->first;
    cache->first = name;
    return name;
}

static void keep(struct ssp__dns_name *name, const struct ssp__named_packet *packet)
{
    size_t *total = name->conf->waiting_bytes, n = kept_bytes(packet);
    unsigned waits = 0;
    struct waiting **last = &name->first;
    for (; *last != NULL; last = &(*last)->next)
        waits += (*last)->packet.owner == packet->owner;
    if (waits == WAITING_MAX || n > SSP_WAITING_BYTES_MAX - *total)
        return;
    struct waiting *w = malloc(sizeof *w + n);
    if (w == NULL)
        return;
    *w = (struct waiting){.port = packet->to->port, .packet = *packet};
    w->packet.bytes = w->bytes + SSP_PACKET_HEADROOM + packet->header_len;
    if (n > SSP_PACKET_HEADROOM)
        memcpy(w->bytes + SSP_PACKET_HEADROOM, packet->bytes - packet->header_len,
               n - SSP_PACKET_HEADROOM);
    *last = w;
    *total += n;
}

void ssp__dns_cache_await(struct ssp__dns_cache *cache, const struct ssp__dns_cache_conf *conf,
                          const struct ssp__named_packet *packet)
{
    const struct ssp__endpoint *e = packet->to;
    struct ssp__dns_name *name = named(cache, e->u.name);
    if (name == NULL)
        name = name_new(cache, conf, e->u.name);
    if (name == NULL)
        return;
    if (name->query == NULL)
        name->query = ssp__resolve(conf->resolver, e, resolved, name);
    if (name->query != NULL)
        keep(name, packet);
    else if (name->until_ms == 0)
        name_free(name);
}
