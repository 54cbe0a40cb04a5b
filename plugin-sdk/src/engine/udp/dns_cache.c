/* SPDX-License-Identifier: Apache-2.0 */
#include "udp/dns_cache.h"

#include <ssplugin/log.h>

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { NAMES_MAX = 4, WAITING_MAX = 8, FRESH_MS = 30000 };

struct waiting {
    struct waiting *next;
    uint16_t port;
    size_t len;
    uint8_t bytes[];
};

/* All zero is a free place. */
struct name {
    char host[SSP_HOST_MAX];
    struct ssp__dns_cache *names;
    struct ssp__query *query;    /* NULL: not being looked up */
    struct waiting *first;       /* in the order of arrival */
    unsigned waits;              /* packets in that list */
    uint64_t until_ms;           /* address is valid until then */
    struct ssp__address address; /* without port */
};

struct ssp__dns_cache {
    struct ssp__dns_cache_request request;
    struct name name[NAMES_MAX];
};

struct ssp__dns_cache *ssp__dns_cache_new(const struct ssp__dns_cache_request *request)
{
    struct ssp__dns_cache *names = calloc(1, sizeof *names);
    if (names != NULL)
        names->request = *request;
    return names;
}

/* Takes the first packet off the list. */
static struct waiting *take(struct name *name)
{
    struct waiting *w = name->first;
    if (w == NULL)
        return NULL;
    name->first = w->next;
    name->waits--;
    *name->names->request.waiting_bytes -= w->len;
    return w;
}

static void forget(struct name *name)
{
    for (struct waiting *w = take(name); w != NULL; w = take(name))
        free(w);
    if (name->query != NULL)
        ssp__query_cancel(name->query);
    *name = (struct name){.query = NULL};
}

void ssp__dns_cache_free(struct ssp__dns_cache *names)
{
    if (names == NULL)
        return;
    for (unsigned i = 0; i < NAMES_MAX; i++)
        forget(&names->name[i]);
    free(names);
}

/* The first address is enough. */
static void resolved(void *arg, const struct ssp__resolved *r)
{
    struct name *name = arg;
    const struct ssp__dns_cache_request *request = &name->names->request;
    if (r->more)
        ssp__query_cancel(name->query);
    name->query = NULL;
    if (r->n == 0) {
        ssp_debug("udp: resolve %s: %s", name->host, r->why);
        forget(name);
        return;
    }
    name->address = r->addresses[0];
    name->until_ms = ssp__loop_now_ms(request->loop) + FRESH_MS;
    for (struct waiting *w = take(name); w != NULL; w = take(name)) {
        struct ssp__address to = name->address;
        ssp__address_set_port(&to, w->port);
        request->on_named(request->arg, &to, w->bytes, w->len);
        free(w);
    }
}

static struct name *named(struct ssp__dns_cache *names, const char *host)
{
    for (unsigned i = 0; i < NAMES_MAX; i++) {
        if (strcasecmp(names->name[i].host, host) == 0)
            return &names->name[i];
    }
    return NULL;
}

bool ssp__dns_cache_find(const struct ssp__dns_cache *names, const struct ssp__endpoint *e,
                         struct ssp__address *to)
{
    for (unsigned i = 0; i < NAMES_MAX; i++) {
        const struct name *name = &names->name[i];
        if (strcasecmp(name->host, e->u.name) != 0)
            continue;
        *to = name->address;
        ssp__address_set_port(to, e->port);
        return name->query == NULL && ssp__loop_now_ms(names->request.loop) < name->until_ms;
    }
    return false;
}

/* A free place, or that of the name that is out of date first; NULL when all are being looked up.
 */
static struct name *place(struct ssp__dns_cache *names)
{
    struct name *best = NULL;
    for (unsigned i = 0; i < NAMES_MAX; i++) {
        struct name *name = &names->name[i];
        if (name->query == NULL && (best == NULL || name->until_ms < best->until_ms))
            best = name;
    }
    return best;
}

static void keep(struct name *name, uint16_t port, const uint8_t *bytes, size_t n)
{
    size_t *total = name->names->request.waiting_bytes;
    if (name->waits == WAITING_MAX || n > SSP_WAITING_BYTES_MAX - *total)
        return;
    struct waiting *w = malloc(sizeof *w + n);
    if (w == NULL)
        return;
    *w = (struct waiting){.port = port, .len = n};
    if (n > 0)
        memcpy(w->bytes, bytes, n);
    struct waiting **last = &name->first;
    while (*last != NULL)
        last = &(*last)->next;
    *last = w;
    name->waits++;
    *total += n;
}

void ssp__dns_cache_await(struct ssp__dns_cache *names, const struct ssp__endpoint *e,
                          const uint8_t *bytes, size_t n)
{
    struct name *name = named(names, e->u.name);
    if (name == NULL) {
        name = place(names);
        if (name == NULL)
            return;
        forget(name);
        memcpy(name->host, e->u.name, sizeof name->host);
        name->names = names;
    }
    if (name->query == NULL)
        name->query = ssp__resolve(names->request.resolver, e, resolved, name);
    if (name->query != NULL)
        keep(name, e->port, bytes, n);
}
