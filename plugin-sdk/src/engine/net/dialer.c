/* SPDX-License-Identifier: Apache-2.0 */
#include "net/dialer.h"

#include "net/stream.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    PACE_MS = 250,      /* RFC 8305, section 5: between the begins of two attempts */
    PATIENCE_MS = 3000, /* for an attempt when others need its place */
    ATTEMPTS_MAX = 8,   /* under way at once */
    WAITING_MAX = 64    /* addresses of one family that wait for their turn; more are dropped */
};

struct attempt {
    struct ssp__dial *dial;
    struct ssp__stream stream; /* fd -1: the place is free */
    struct ssp__address address;
    uint64_t begun_ms;
};

/* The name of one endpoint, while it is being looked up. */
struct lookup {
    struct ssp__dial *dial;
    struct ssp__query *query; /* NULL: done, or numeric */
    const struct ssp__endpoint *endpoint;
};

/* Addresses of one family, in the order of their endpoints. */
struct line {
    struct ssp__address *address; /* owned; NULL: there has been none */
    unsigned next, n;
};

struct ssp__dial {
    struct ssp__dial_request request;
    struct ssp__timer pace;
    struct attempt attempt[ATTEMPTS_MAX];
    struct line line[2]; /* IPv4, IPv6 */
    unsigned turn;       /* the line that comes next, unless it is empty */
    unsigned lookups;    /* under way */
    bool begun, tried;
    char why[200];
    struct lookup lookup[];
};

/* ---- addresses that wait ---- */

static void note_failure(struct ssp__dial *d, const struct ssp__address *a, const char *reason)
{
    char text[SSP_ADDRESS_TEXT_MAX];
    ssp__address_format(a, text, sizeof text);
    (void)snprintf(d->why, sizeof d->why, "dial %s: %s", text, reason);
}

/* A line grows to a power of two.  Returns false when memory is out. */
static bool join(struct line *line, const struct ssp__address *a)
{
    if (line->n == WAITING_MAX)
        return true;
    if ((line->n & (line->n - 1)) == 0) {
        size_t room = line->n > 0 ? 2 * (size_t)line->n : 1;
        struct ssp__address *more = realloc(line->address, room * sizeof *more);
        if (more == NULL)
            return false;
        line->address = more;
    }
    line->address[line->n++] = *a;
    return true;
}

static void add(struct ssp__dial *d, const struct ssp__endpoint *e, const struct ssp__address *a)
{
    char why[SSP_PERMIT_WHY_MAX];
    unsigned which = a->u.any.sa_family == AF_INET6;
    if (!ssp__permitted(&d->request.permit, e, a, why)) {
        note_failure(d, a, why);
        return;
    }
    if (!d->begun)
        d->turn = which; /* the first address of all is the first one tried */
    d->begun = true;
    if (!join(&d->line[which], a))
        note_failure(d, a, strerror(ENOMEM));
}

static bool waiting(const struct ssp__dial *d)
{
    return d->line[0].next < d->line[0].n || d->line[1].next < d->line[1].n;
}

/* The families take turns.  At least one address must wait. */
static const struct ssp__address *take(struct ssp__dial *d)
{
    unsigned which = d->turn;
    if (d->line[which].next == d->line[which].n)
        which = 1 - which;
    d->turn = 1 - which;
    return &d->line[which].address[d->line[which].next++];
}

/* ---- attempts under way ---- */

/* A free place, or NULL. */
static struct attempt *free_place(struct ssp__dial *d)
{
    for (unsigned i = 0; i < ATTEMPTS_MAX; i++) {
        if (d->attempt[i].stream.fd == -1)
            return &d->attempt[i];
    }
    return NULL;
}

static bool under_way(const struct ssp__dial *d)
{
    for (unsigned i = 0; i < ATTEMPTS_MAX; i++) {
        if (d->attempt[i].stream.fd != -1)
            return true;
    }
    return false;
}

static struct attempt *oldest(struct ssp__dial *d)
{
    struct attempt *oldest = &d->attempt[0];
    for (unsigned i = 1; i < ATTEMPTS_MAX; i++) {
        if (d->attempt[i].begun_ms < oldest->begun_ms)
            oldest = &d->attempt[i];
    }
    return oldest;
}

/* A connection that stands by now has not been used: a reset, since an end would say something. */
static void dial_free(struct ssp__dial *d)
{
    ssp__timer_stop(&d->pace);
    for (unsigned i = 0; i < d->request.endpoints; i++) {
        if (d->lookup[i].query != NULL)
            ssp__query_cancel(d->lookup[i].query);
    }
    for (unsigned i = 0; i < ATTEMPTS_MAX; i++)
        ssp__stream_reset(&d->attempt[i].stream);
    for (unsigned i = 0; i < 2; i++)
        free(d->line[i].address);
    free(d);
}

/* stood is the stream of an attempt, or NULL. */
static void end(struct ssp__dial *d, struct ssp__stream *stood)
{
    ssp__dialed_fn *on_dialed = d->request.on_dialed;
    void *arg = d->request.arg;
    char why[sizeof d->why];
    bool tried = d->tried;
    struct ssp__stream stream = {.fd = -1};
    memcpy(why, d->why, sizeof why);
    if (stood != NULL)
        ssp__stream_take(&stream, stood);
    dial_free(d);
    if (stream.fd != -1)
        on_dialed(arg, &stream, NULL, tried);
    else
        on_dialed(arg, NULL, why, tried);
}

/* ---- attempts ---- */

/* Waits for an address in that place.  Returns false when it has failed. */
static bool begin(struct ssp__dial *d, struct attempt *place, const struct ssp__address *a)
{
    const struct ssp__dial_request *r = &d->request;
    const char *why = NULL;
    int fd = ssp__socket_connect(a, r->options, r->first_word, ssp__loop_paced(r->loop), &why);
    d->tried = true;
    if (fd == -1) {
        note_failure(d, a, why != NULL ? why : strerror(errno));
        return false;
    }
    place->address = *a;
    place->begun_ms = ssp__loop_now_ms(r->loop);
    ssp__stream_open(&place->stream, r->loop, fd);
    place->stream.pace = SSP_SILENT;
    if (ssp__stream_want(&place->stream, false, true))
        return true;
    note_failure(d, a, strerror(ENOMEM));
    ssp__stream_close(&place->stream);
    return false;
}

/* The pace runs while another address waits, or may still come. */
static void keep_pace(struct ssp__dial *d, bool under_way)
{
    if (waiting(d) || (under_way && d->lookups > 0))
        ssp__timer_start(d->request.loop, &d->pace, PACE_MS);
    else
        ssp__timer_stop(&d->pace);
}

/* Begins with the next address that does not fail at once. */
static void begin_next(struct ssp__dial *d)
{
    struct attempt *place = free_place(d);
    bool begun = false;
    while (!begun && place != NULL && waiting(d))
        begun = begin(d, place, take(d));
    keep_pace(d, begun);
}

static bool over(const struct ssp__dial *d)
{
    return !waiting(d) && !under_way(d) && d->lookups == 0;
}

/* The next attempt, or the end of the dial. */
static void proceed(struct ssp__dial *d)
{
    begin_next(d);
    if (over(d))
        end(d, NULL);
}

static void attempt_ready(void *arg)
{
    struct attempt *t = arg;
    struct ssp__dial *d = t->dial;
    int error = ssp__stream_failure(&t->stream);
    if (error == 0) {
        end(d, &t->stream);
        return;
    }
    note_failure(d, &t->address, strerror(error));
    ssp__stream_close(&t->stream);
    proceed(d);
}

/* No attempt has succeeded for a while.  When all places are taken, the oldest attempt is
 * cancelled. */
static void pace_over(void *arg)
{
    struct ssp__dial *d = arg;
    struct attempt *old = oldest(d);
    if (free_place(d) == NULL && ssp__loop_now_ms(d->request.loop) - old->begun_ms >= PATIENCE_MS) {
        note_failure(d, &old->address, strerror(ETIMEDOUT));
        ssp__stream_close(&old->stream);
    }
    proceed(d);
}

/* ---- names ---- */

/* Addresses that come late take their turn: at once, unless an attempt has just begun. */
static void resolved(void *arg, const struct ssp__resolved *r)
{
    struct lookup *l = arg;
    struct ssp__dial *d = l->dial;
    if (!r->more) {
        l->query = NULL;
        d->lookups--;
    }
    for (unsigned i = 0; i < r->n; i++)
        add(d, l->endpoint, &r->addresses[i]);
    if (r->why != NULL)
        (void)snprintf(d->why, sizeof d->why, "resolve %.80s: %.60s", l->endpoint->u.name, r->why);
    if (!under_way(d) || d->pace.lane == NULL)
        proceed(d);
}

static void look_up(struct ssp__dial *d, struct lookup *l)
{
    l->query = ssp__resolve(d->request.resolver, l->endpoint, resolved, l);
    if (l->query != NULL)
        d->lookups++;
    else
        (void)snprintf(d->why, sizeof d->why, "resolve %.80s: out of memory", l->endpoint->u.name);
}

/* The endpoint of a request: they begin at the first, and go round. */
static const struct ssp__endpoint *endpoint_at(const struct ssp__dial_request *r, unsigned i)
{
    return &r->endpoint[(r->first + i) % r->endpoints];
}

static void list_endpoints(struct ssp__dial *d)
{
    for (unsigned i = 0; i < d->request.endpoints; i++) {
        struct lookup *l = &d->lookup[i];
        struct ssp__address a;
        l->dial = d;
        l->endpoint = endpoint_at(&d->request, i);
        if (ssp__endpoint_address(l->endpoint, &a))
            add(d, l->endpoint, &a);
        else
            look_up(d, l);
    }
}

/* A dial that failed at once still reports from the loop. */
static void report_failure(void *arg)
{
    end(arg, NULL);
}

/* NULL when memory is out. */
static struct ssp__dial *dial_new(const struct ssp__dial_request *request)
{
    static const struct ssp__reaction reaction = {.writable = attempt_ready};
    struct ssp__dial *d = calloc(1, sizeof *d + request->endpoints * sizeof d->lookup[0]);
    if (d == NULL)
        return NULL;
    d->request = *request;
    d->pace.fire = pace_over;
    d->pace.arg = d;
    for (unsigned i = 0; i < ATTEMPTS_MAX; i++) {
        struct attempt *t = &d->attempt[i];
        t->dial = d;
        t->stream = (struct ssp__stream){.interest = {.reaction = &reaction, .arg = t}, .fd = -1};
    }
    return d;
}

struct ssp__dial *ssp__dial_start(const struct ssp__dial_request *request)
{
    struct ssp__dial *d = dial_new(request);
    if (d == NULL)
        return NULL;
    list_endpoints(d);
    begin_next(d);
    if (over(d)) {
        d->pace.fire = report_failure;
        ssp__timer_start(d->request.loop, &d->pace, 0);
    }
    return d;
}

bool ssp__dial_tried(const struct ssp__dial *dial)
{
    return dial != NULL && dial->tried;
}

void ssp__dial_cancel(struct ssp__dial *dial)
{
    if (dial != NULL)
        dial_free(dial);
}
