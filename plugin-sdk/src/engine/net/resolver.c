/* SPDX-License-Identifier: Apache-2.0 */
#include "net/resolver.h"

#include <ssplugin/log.h>

#include <ares.h>
#include <event2/event.h>

#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { TIMEOUT_MS = 2000, TRIES = 3 };

/* A socket of c-ares and what it waits for. */
struct ares_watch {
    struct ares_watch *next;
    struct ssp__resolver *resolver;
    struct event *event;
    ares_socket_t fd;
};

struct ssp__resolver {
    ssp_loop *loop;
    ares_channel channel;
    struct ares_watch *watches;
    struct event *timeout;
    const struct ssp__socket_options *sockets; /* borrowed; NULL: none */
    bool prefer_v6, closing, refused;
};

struct ssp__query {
    struct ssp__resolver *resolver;
    struct ssp__timer
        deliver; /* c-ares may answer within the call: the callback still comes later */
    ssp__resolved_fn *on_resolved; /* NULL: cancelled */
    void *arg;
    uint16_t port;
    bool answered;
    unsigned n;
    const char *why;
    struct ssp__address address[SSP_ADDRESSES_MAX];
};

static void arm_timeout(struct ssp__resolver *r)
{
    struct timeval tv;
    if (ares_timeout(r->channel, NULL, &tv) != NULL)
        (void)event_add(r->timeout, &tv);
    else
        (void)event_del(r->timeout);
}

static void timed_out(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct ssp__resolver *r = arg;
    ares_process_fd(r->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    arm_timeout(r);
}

static void socket_ready(evutil_socket_t fd, short what, void *arg)
{
    struct ares_watch *w = arg;
    struct ssp__resolver *r = w->resolver; /* w may be gone after the call below */
    ares_process_fd(r->channel, what & EV_READ ? fd : ARES_SOCKET_BAD,
                    what & EV_WRITE ? fd : ARES_SOCKET_BAD);
    arm_timeout(r);
}

static void forget(struct ares_watch **link)
{
    struct ares_watch *w = *link;
    *link = w->next;
    if (w->event != NULL)
        event_free(w->event);
    free(w);
}

/* c-ares tells which of its sockets wait for what. */
static void socket_state(void *arg, ares_socket_t fd, int read, int write)
{
    struct ssp__resolver *r = arg;
    struct ares_watch **link = &r->watches;
    while (*link != NULL && (*link)->fd != fd)
        link = &(*link)->next;
    if (*link != NULL)
        forget(link);
    if (!read && !write)
        return;

    struct ares_watch *w = calloc(1, sizeof *w);
    if (w == NULL)
        return; /* the query then ends by its timeout */
    *w = (struct ares_watch){.next = r->watches, .resolver = r, .fd = fd};
    r->watches = w;
    short what = (short)((read ? EV_READ : 0) | (write ? EV_WRITE : 0) | EV_PERSIST);
    w->event = event_new(ssp__loop_base(r->loop), fd, what, socket_ready, w);
    if (w->event != NULL)
        (void)event_add(w->event, NULL);
}

struct ssp__resolver *ssp__resolver_new(ssp_loop *loop, const char *servers, bool prefer_v6,
                                        const char **why)
{
    struct ssp__resolver *r = calloc(1, sizeof *r);
    *why = "out of memory";
    if (r == NULL)
        return NULL;
    *r = (struct ssp__resolver){.loop = loop, .prefer_v6 = prefer_v6};
    r->timeout = event_new(ssp__loop_base(loop), -1, 0, timed_out, r);

    struct ares_options options = {.timeout = TIMEOUT_MS, .tries = TRIES};
    options.sock_state_cb = socket_state;
    options.sock_state_cb_data = r;
    int rc = ares_init_options(&r->channel, &options,
                               ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB);
    if (rc != ARES_SUCCESS)
        r->channel = NULL;
    else if (servers != NULL)
        rc = ares_set_servers_ports_csv(r->channel, servers);
    if (rc == ARES_SUCCESS && r->timeout != NULL)
        return r;
    *why = ares_strerror(rc);
    ssp__resolver_free(r);
    return NULL;
}

/* Before c-ares connects a socket of its own. */
static int configure(ares_socket_t fd, int type, void *arg)
{
    (void)type;
    struct ssp__resolver *r = arg;
    const char *why = NULL;
    bool refused = ssp__socket_mark(fd, r->sockets, &why) == -1;
    if (refused && !r->refused)
        ssp_error("resolver: %s", why != NULL ? why : strerror(errno));
    r->refused = refused;
    return refused ? -1 : 0;
}

void ssp__resolver_sockets(struct ssp__resolver *r, const struct ssp__socket_options *o)
{
    r->sockets = o;
    if (o->fwmark != 0 || o->protect_path != NULL)
        ares_set_socket_configure_callback(r->channel, configure, r);
}

void ssp__resolver_free(struct ssp__resolver *r)
{
    if (r == NULL)
        return;
    r->closing = true;
    if (r->channel != NULL)
        ares_destroy(r->channel);
    while (r->watches != NULL)
        forget(&r->watches);
    if (r->timeout != NULL)
        event_free(r->timeout);
    free(r);
}

static void deliver(void *arg)
{
    struct ssp__query *q = arg;
    q->on_resolved(q->arg, q->address, q->n, q->why);
    free(q);
}

static bool take(struct ssp__query *q, const struct ares_addrinfo_node *node)
{
    struct ssp__address *a = &q->address[q->n];
    if (node->ai_addrlen > sizeof a->u)
        return false;
    memcpy(&a->u, node->ai_addr, node->ai_addrlen);
    a->len = node->ai_addrlen;
    if (node->ai_family == AF_INET)
        a->u.v4.sin_port = htons(q->port);
    else
        a->u.v6.sin6_port = htons(q->port);
    q->n++;
    return true;
}

/* Copies the addresses of one family, in the order given. */
static void take_family(struct ssp__query *q, const struct ares_addrinfo *result, int family)
{
    for (const struct ares_addrinfo_node *node = result->nodes; node != NULL;
         node = node->ai_next) {
        if (q->n < SSP_ADDRESSES_MAX && node->ai_family == family)
            (void)take(q, node);
    }
}

/* RFC 6761, section 6.3: this name means loopback, whatever a file or a server says. */
static void take_loopback(struct ssp__query *q)
{
    bool v6_first = q->resolver->prefer_v6;
    (void)ssp__address_parse(&q->address[0], v6_first ? "::1" : "127.0.0.1", q->port);
    (void)ssp__address_parse(&q->address[1], v6_first ? "127.0.0.1" : "::1", q->port);
    q->n = 2;
    q->answered = true;
    ssp__timer_start(q->resolver->loop, &q->deliver, 0);
}

static void answered(void *arg, int status, int timeouts, struct ares_addrinfo *result)
{
    (void)timeouts;
    struct ssp__query *q = arg;
    struct ssp__resolver *r = q->resolver;
    q->answered = true;
    q->why = ares_strerror(status == ARES_SUCCESS ? ARES_ENODATA : status);
    if (result != NULL) {
        take_family(q, result, r->prefer_v6 ? AF_INET6 : AF_INET);
        take_family(q, result, r->prefer_v6 ? AF_INET : AF_INET6);
        ares_freeaddrinfo(result);
    }
    if (r->closing || q->on_resolved == NULL)
        free(q);
    else
        ssp__timer_start(r->loop, &q->deliver, 0);
}

struct ssp__query *ssp__resolve(struct ssp__resolver *r, const struct ssp__endpoint *e,
                                ssp__resolved_fn *on_resolved, void *arg)
{
    struct ssp__query *q = calloc(1, sizeof *q);
    if (q == NULL)
        return NULL;
    *q =
        (struct ssp__query){.resolver = r, .on_resolved = on_resolved, .arg = arg, .port = e->port};
    q->deliver.fire = deliver;
    q->deliver.arg = q;
    if (strcasecmp(e->u.name, "localhost") == 0) {
        take_loopback(q);
        return q;
    }
    struct ares_addrinfo_hints hints = {.ai_family = AF_UNSPEC, .ai_flags = ARES_AI_NOSORT};
    ares_getaddrinfo(r->channel, e->u.name, NULL, &hints, answered, q);
    arm_timeout(r);
    return q;
}

void ssp__query_cancel(struct ssp__query *q)
{
    q->on_resolved = NULL;
    if (q->answered) {
        ssp__timer_stop(&q->deliver);
        free(q);
    }
}
