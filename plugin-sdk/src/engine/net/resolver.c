/* SPDX-License-Identifier: Apache-2.0 */
#include "net/resolver.h"

#include "net/hosts.h"

#include <stdlib.h>
#include <string.h>

enum { FAMILIES = 2 };

struct ssp__resolver {
    ssp_loop *loop;
    const char *hosts;
    bool prefer_v6;
    struct ssp__dns_channel *dns;
};

/* The addresses of one family. */
struct family_answer {
    struct ssp__query *query;
    bool asked, failed, reported;
    unsigned n;
    struct ssp__address address[SSP_ADDRESSES_MAX];
};

struct ssp__query {
    struct ssp__resolver *resolver;
    struct ssp__timer report; /* answers may come within a call: the callback still comes later */
    ssp__resolved_fn *on_resolved; /* NULL: cancelled */
    void *arg;
    char name[SSP_HOST_MAX];
    uint16_t port;
    unsigned tried; /* names of the search list */
    const char *why;
    struct family_answer answer[FAMILIES]; /* the preferred one first */
};

/* ---- one query ---- */

static int family_of(const struct ssp__query *q, const struct family_answer *answer)
{
    bool first = answer == &q->answer[0];
    return first == q->resolver->prefer_v6 ? AF_INET6 : AF_INET;
}

static bool asking(const struct ssp__query *q)
{
    return q->answer[0].asked || q->answer[1].asked;
}

static bool found(const struct ssp__query *q)
{
    return q->answer[0].n > 0 || q->answer[1].n > 0;
}

static void query_free(struct ssp__query *q)
{
    ssp__timer_stop(&q->report);
    free(q);
}

static void report_in(struct ssp__query *q, unsigned ms)
{
    ssp__timer_start(q->resolver->loop, &q->report, ms);
}

/* Reports the addresses that are new.  The callback may cancel the query. */
static void report(void *arg)
{
    struct ssp__query *q = arg;
    struct ssp__address news[FAMILIES * SSP_ADDRESSES_MAX];
    struct ssp__resolved resolved = {.addresses = news, .more = asking(q)};
    resolved.why = found(q) ? NULL : q->why;
    for (unsigned i = 0; i < FAMILIES; i++) {
        struct family_answer *answer = &q->answer[i];
        if (!answer->reported)
            memcpy(news + resolved.n, answer->address, answer->n * sizeof *news);
        resolved.n += answer->reported ? 0 : answer->n;
        answer->reported = answer->n > 0;
    }
    ssp__resolved_fn *on_resolved = q->on_resolved;
    void *callee = q->arg;
    if (!resolved.more)
        query_free(q);
    on_resolved(callee, &resolved);
}

static bool ask_next(struct ssp__query *q);

/* After an answer: decides whether there are addresses to report, and when. */
static void settle(struct ssp__query *q)
{
    const struct family_answer *preferred = &q->answer[0], *other = &q->answer[1];
    bool failed = preferred->failed || other->failed;
    if (!asking(q) && !found(q) && !failed && ask_next(q))
        return;
    if (!asking(q) || (preferred->n > 0 && !preferred->reported))
        report_in(q, 0);
    else if (other->n > 0 && !other->reported)
        report_in(q, SSP_RESOLUTION_DELAY_MS);
}

static void answered(void *arg, enum ssp__dns_status status, const struct ssp__address *addresses,
                     unsigned n, const char *why)
{
    struct family_answer *answer = arg;
    struct ssp__query *q = answer->query;
    answer->asked = false;
    answer->failed = status == SSP_DNS_FAILED;
    answer->n = n;
    if (n > 0)
        memcpy(answer->address, addresses, n * sizeof *addresses);
    else if (q->why == NULL || answer->failed)
        q->why = why;
    if (q->on_resolved != NULL && status != SSP_DNS_CLOSED)
        settle(q);
    else if (!asking(q))
        query_free(q);
}

/* Asks for both families of the next name of the search list.  Returns false when there is none. */
static bool ask_next(struct ssp__query *q)
{
    struct ssp__dns_channel *dns = q->resolver->dns;
    char full[SSP_HOST_MAX + 1];
    if (!ssp__search_list_next(ssp__dns_channel_search(dns), q->name, &q->tried, full))
        return false;
    for (unsigned i = 0; i < FAMILIES; i++)
        q->answer[i].asked = true;
    for (unsigned i = 0; i < FAMILIES; i++)
        ssp__dns_channel_ask(dns, &(struct ssp__dns_question){.name = full,
                                                              .family = family_of(q, &q->answer[i]),
                                                              .port = q->port,
                                                              .on_answer = answered,
                                                              .arg = &q->answer[i]});
    return true;
}

/* ---- names that need no server ---- */

static void take(struct ssp__query *q, const struct ssp__address *a)
{
    struct family_answer *answer = &q->answer[0];
    if (a->u.any.sa_family != family_of(q, answer))
        answer = &q->answer[1];
    if (answer->n < SSP_ADDRESSES_MAX)
        answer->address[answer->n++] = *a;
}

static void take_known(struct ssp__query *q)
{
    struct ssp__address known[SSP_ADDRESSES_MAX];
    unsigned n = 0;
    if (ssp__hosts_is_localhost(q->name)) {
        (void)ssp__address_parse(&known[n++], "127.0.0.1", q->port);
        (void)ssp__address_parse(&known[n++], "::1", q->port);
    } else {
        n = ssp__hosts_find(q->resolver->hosts, q->name, q->port, known, SSP_ADDRESSES_MAX);
    }
    for (unsigned i = 0; i < n; i++)
        take(q, &known[i]);
}

struct ssp__query *ssp__resolve(struct ssp__resolver *r, const struct ssp__endpoint *e,
                                ssp__resolved_fn *on_resolved, void *arg)
{
    struct ssp__query *q = calloc(1, sizeof *q);
    if (q == NULL)
        return NULL;
    *q =
        (struct ssp__query){.resolver = r, .on_resolved = on_resolved, .arg = arg, .port = e->port};
    memcpy(q->name, e->u.name, sizeof q->name);
    q->report.fire = report;
    q->report.arg = q;
    for (unsigned i = 0; i < FAMILIES; i++)
        q->answer[i].query = q;
    take_known(q);
    if (!found(q))
        ssp__dns_channel_refresh(r->dns);
    if (found(q) || !ask_next(q)) {
        q->why = "misformatted domain name";
        report_in(q, 0);
    }
    return q;
}

void ssp__query_cancel(struct ssp__query *q)
{
    q->on_resolved = NULL;
    ssp__timer_stop(&q->report); /* late answers are dropped */
    if (!asking(q))
        query_free(q);
}

/* ---- all of them ---- */

struct ssp__resolver *ssp__resolver_new(ssp_loop *loop, const struct ssp__resolver_conf *conf,
                                        const char **why)
{
    struct ssp__resolver *r = calloc(1, sizeof *r);
    *why = "out of memory";
    if (r == NULL)
        return NULL;
    *r = (struct ssp__resolver){.loop = loop, .prefer_v6 = conf->prefer_v6};
    r->hosts = conf->hosts != NULL ? conf->hosts : "/etc/hosts";
    const char *resolv_conf = conf->resolv_conf != NULL ? conf->resolv_conf : "/etc/resolv.conf";
    r->dns = ssp__dns_channel_new(loop, conf->servers, resolv_conf, why);
    if (r->dns != NULL)
        return r;
    free(r);
    return NULL;
}

void ssp__resolver_sockets(struct ssp__resolver *r, const struct ssp__socket_options *o)
{
    ssp__dns_channel_sockets(r->dns, o);
}

void ssp__resolver_free(struct ssp__resolver *r)
{
    if (r == NULL)
        return;
    ssp__dns_channel_free(r->dns);
    free(r);
}
