/* SPDX-License-Identifier: Apache-2.0 */
#include "net/dialer.h"

#include "net/stream.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What one address gets before the next one is tried; the last one has no limit of its own. */
enum { ATTEMPT_MS = 3000 };

struct ssp_dial {
    struct ssp_dial_request request;
    struct ssp_query *query;
    struct ssp_stream stream; /* the attempt under way */
    struct ssp_timer attempt;
    unsigned tried;   /* endpoints begun */
    unsigned next, n; /* addresses of the endpoint under way */
    struct ssp_address address[SSP_ADDRESSES_MAX];
    char why[160];
};

static void proceed(struct ssp_dial *d);

static const struct ssp_endpoint *endpoint_under_way(const struct ssp_dial *d)
{
    const struct ssp_dial_request *r = &d->request;
    return &r->endpoint[(r->first + d->tried - 1) % r->endpoints];
}

static void note_failure(struct ssp_dial *d, const struct ssp_address *a, int error)
{
    char text[SSP_ADDRESS_TEXT_MAX];
    ssp_address_format(a, text, sizeof text);
    (void)snprintf(d->why, sizeof d->why, "dial %s: %s", text, strerror(error));
}

static void dial_free(struct ssp_dial *d)
{
    ssp_timer_stop(&d->attempt);
    if (d->query != NULL)
        ssp_query_cancel(d->query);
    ssp_stream_close(&d->stream);
    free(d);
}

static void end(struct ssp_dial *d, int fd)
{
    ssp_dialed_fn *on_dialed = d->request.on_dialed;
    void *arg = d->request.arg;
    char why[sizeof d->why];
    memcpy(why, d->why, sizeof why);
    dial_free(d);
    on_dialed(arg, fd, fd == -1 ? why : NULL);
}

/* Takes the descriptor out of the attempt. */
static int detach(struct ssp_dial *d)
{
    int fd = d->stream.fd;
    ssp_stream_want(&d->stream, false, false);
    d->stream.fd = -1;
    return fd;
}

static void attempt_ready(void *arg)
{
    struct ssp_dial *d = arg;
    int error;
    if (ssp_socket_connected(d->stream.fd, &error)) {
        end(d, detach(d));
        return;
    }
    if (error == 0)
        return;
    note_failure(d, &d->address[d->next - 1], error);
    proceed(d);
}

static void attempt_expired(void *arg)
{
    struct ssp_dial *d = arg;
    note_failure(d, &d->address[d->next - 1], ETIMEDOUT);
    proceed(d);
}

static bool last_chance(const struct ssp_dial *d)
{
    return d->next == d->n && d->tried == d->request.endpoints;
}

static void wait_for(struct ssp_dial *d, int fd)
{
    ssp_stream_open(&d->stream, d->request.loop, fd);
    ssp_stream_want(&d->stream, false, true);
    if (!last_chance(d))
        ssp_timer_start(d->request.loop, &d->attempt, ATTEMPT_MS);
}

/* Begins with the next address.  Returns a descriptor when it stands at once, -1 when it is under
 * way, -2 when there is no further address. */
static int try_address(struct ssp_dial *d)
{
    const struct ssp_dial_request *r = &d->request;
    while (d->next < d->n) {
        const struct ssp_address *a = &d->address[d->next++];
        int fd = ssp_socket_connect(a, r->options, ssp_loop_paced(r->loop)), error = errno;
        if (fd != -1 && ssp_address_loopback(a) && ssp_socket_connected(fd, &error))
            return fd;
        if (fd != -1 && (error == 0 || !ssp_address_loopback(a))) {
            wait_for(d, fd);
            return -1;
        }
        if (fd != -1)
            (void)close(fd);
        note_failure(d, a, error);
    }
    return -2;
}

static void resolved(void *arg, const struct ssp_address *addresses, unsigned n, const char *why)
{
    struct ssp_dial *d = arg;
    d->query = NULL;
    d->next = 0;
    d->n = n;
    memcpy(d->address, addresses, n * sizeof *addresses);
    if (n == 0)
        (void)snprintf(d->why, sizeof d->why, "resolve %.80s: %.60s", endpoint_under_way(d)->host,
                       why);
    proceed(d);
}

/* Begins with the next endpoint; the same results as try_address(). */
static int try_endpoint(struct ssp_dial *d)
{
    const struct ssp_dial_request *r = &d->request;
    while (d->tried < r->endpoints) {
        d->tried++;
        const struct ssp_endpoint *e = endpoint_under_way(d);
        d->next = d->n = 0;
        if (ssp_address_parse(&d->address[0], e->host, e->port) == 0) {
            d->n = 1;
            int fd = try_address(d);
            if (fd != -2)
                return fd;
            continue;
        }
        d->query = ssp_resolve(r->resolver, e, resolved, d);
        if (d->query != NULL)
            return -1;
        (void)snprintf(d->why, sizeof d->why, "resolve %.80s: out of memory", e->host);
    }
    return -2;
}

static int advance(struct ssp_dial *d)
{
    ssp_timer_stop(&d->attempt);
    ssp_stream_close(&d->stream);
    int fd = try_address(d);
    return fd == -2 ? try_endpoint(d) : fd;
}

/* An attempt has ended: the next one, or the end of the dial. */
static void proceed(struct ssp_dial *d)
{
    int fd = advance(d);
    if (fd != -1)
        end(d, fd == -2 ? -1 : fd);
}

/* A dial that failed at once still reports from the loop. */
static void report_failure(void *arg)
{
    end(arg, -1);
}

int ssp_dial_start(struct ssp_dial **dial, const struct ssp_dial_request *request)
{
    struct ssp_dial *d = calloc(1, sizeof *d);
    *dial = NULL;
    if (d == NULL)
        return -2;
    d->request = *request;
    d->stream = (struct ssp_stream){.fd = -1, .on_writable = attempt_ready, .arg = d};
    d->attempt.fire = attempt_expired;
    d->attempt.arg = d;
    int fd = advance(d);
    if (fd >= 0) {
        dial_free(d);
        return fd;
    }
    if (fd == -2) {
        d->attempt.fire = report_failure;
        ssp_timer_start(request->loop, &d->attempt, 0);
    }
    *dial = d;
    return -1;
}

void ssp_dial_cancel(struct ssp_dial *dial)
{
    if (dial != NULL)
        dial_free(dial);
}
