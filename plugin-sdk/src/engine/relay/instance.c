/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/instance.h"

#include "net/intercept.h"
#include "net/listener.h"
#include "net/lookup.h"
#include "relay/crowd.h"
#include "relay/drain.h"
#include "relay/session.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct ssp__listening {
    struct ssp__listening *next;
    struct ssp__instance *instance;
    const struct ssp__service *service;
    struct ssp__listener *listener;
    uint16_t port;
};

void ssp__instance_open(struct ssp__instance *i, struct ssp__program *program)
{
    *i = (struct ssp__instance){.program = program, .meter = &i->own};
}

void ssp__instance_limit(struct ssp__instance *i, const struct ssp__allowance *allowance)
{
    i->meter->allowance = *allowance;
    ssp__bucket_set(&i->meter->bucket, allowance->rate);
}

/* ---- workers ---- */

static void hold_others(const struct ssp__instance *i)
{
    ssp__crew_hold(i->mate != NULL ? i->program->crew : NULL);
}

static void release_others(const struct ssp__instance *i)
{
    ssp__crew_release(i->mate != NULL ? i->program->crew : NULL);
}

int ssp__instance_spread(struct ssp__instance *i)
{
    unsigned n = ssp__crew_others(i->program->crew);
    if (n == 0)
        return 0;
    i->mate = calloc(n, sizeof *i->mate);
    if (i->mate == NULL)
        return -1;
    i->mates = n;
    for (unsigned k = 0; k < n; k++) {
        struct ssp__instance *mate = &i->mate[k];
        ssp__instance_open(mate, ssp__crew_program(i->program->crew, k));
        mate->chief = i;
        mate->emptied = (struct ssp__post){.fire = ssp__drain_look, .arg = i};
        if (i->meter->mate != NULL)
            mate->meter = &i->meter->mate[k];
    }
    return 0;
}

struct ssp__counters ssp__meter_sum(const struct ssp__meter *meter, unsigned others)
{
    struct ssp__counters sum = {.accepted = 0};
    ssp__counters_add(&sum, &meter->counters);
    for (unsigned k = 0; k < others && meter->mate != NULL; k++)
        ssp__counters_add(&sum, &meter->mate[k].counters);
    return sum;
}

/* ---- connections ---- */

/* One that is handed over to another worker. */
struct arrival {
    struct ssp__post post;
    struct ssp__instance *at;
    const struct ssp__service *service;
    int fd;
    struct ssp__address source, reached; /* source: its len is 0 when it has none */
};

static void begin(struct ssp__instance *i, const struct ssp__service *service, int fd,
                  const struct ssp__address *source, const struct ssp__address *reached)
{
    ssp__crowd_make_room(i->program->worker, service, source, fd);
    ssp__session_open(i, service, fd, source, reached);
}

/* In the thread of that worker. */
static void arrive(void *arg)
{
    struct arrival *a = arg;
    begin(a->at, a->service, a->fd, a->source.len > 0 ? &a->source : NULL, &a->reached);
    atomic_fetch_sub(&a->at->program->worker->load, 1);
    free(a);
}

/* Returns false for a connection that stays with the first worker. */
static bool hand_over(const struct ssp__listening *l, int fd, const struct ssp__address *source,
                      const struct ssp__address *reached)
{
    struct ssp__instance *i = l->instance;
    unsigned worker = i->mate != NULL ? ssp__crew_least_loaded(i->program->crew) : 0;
    struct arrival *a = worker > 0 ? calloc(1, sizeof *a) : NULL;
    if (a == NULL)
        return false;
    a->post = (struct ssp__post){.fire = arrive, .arg = a};
    a->at = &i->mate[worker - 1];
    a->service = l->service;
    a->fd = fd;
    if (source != NULL)
        a->source = *source;
    a->reached = *reached;
    atomic_fetch_add(&a->at->program->worker->load, 1);
    ssp__loop_post(a->at->program->loop, &a->post);
    return true;
}

static void accepted(void *arg, int fd, const struct ssp__address *peer)
{
    struct ssp__listening *l = arg;
    const struct ssp__service *service = l->service;
    bool speaks_for_others = service->preface != NULL;
    ssp__admit_fn *admit = speaks_for_others ? service->trusts : service->admit;
    if (admit != NULL && !admit(service->plan_arg, peer, l->instance->program->worker->refusals)) {
        (void)close(fd);
        return;
    }
    const struct ssp__address *source =
        speaks_for_others ? NULL : ssp__crowd_source(l->service, peer);
    struct ssp__address reached = {.len = 0};
    if (l->service->front != NULL && l->service->front->open != NULL)
        ssp__intercept_dialed(fd, l->service->accepted.intercept, l->port, &reached);
    if (!hand_over(l, fd, source, &reached))
        begin(l->instance, service, fd, source, &reached);
}

static bool squeezed(void *arg)
{
    const struct ssp__program *p = ((const struct ssp__listening *)arg)->instance->program;
    bool thinner = ssp__crowd_thin(p->worker);
    ssp__crew_hold(p->crew);
    for (unsigned k = 0; k < ssp__crew_others(p->crew) && !thinner; k++)
        thinner = ssp__crowd_thin(ssp__crew_program(p->crew, k)->worker);
    ssp__crew_release(p->crew);
    return thinner;
}

static int serve(struct ssp__instance *i, int fd, const struct ssp__service *service)
{
    struct ssp__address bound = {.len = sizeof bound.u};
    struct ssp__listening *l = calloc(1, sizeof *l);
    if (l == NULL || getsockname(fd, &bound.u.any, &bound.len) == -1) {
        int error = errno;
        free(l);
        (void)close(fd);
        errno = error;
        return -1;
    }
    *l = (struct ssp__listening){
        .next = i->listening, .instance = i, .service = service, .port = ssp__address_port(&bound)};
    l->listener = ssp__listener_open(i->program->loop, fd, accepted, squeezed, l);
    if (l->listener == NULL) {
        free(l);
        return -1;
    }
    i->listening = l;
    return 0;
}

/* A socket that was made elsewhere, or for other options. */
static int adopt(struct ssp__instance *i, int fd, const struct ssp__service *service)
{
    struct ssp__address bound = {.len = sizeof bound.u};
    if (getsockname(fd, &bound.u.any, &bound.len) == 0)
        ssp__socket_adopt(fd, &bound, &service->accepted, ssp__loop_paced(i->program->loop));
    return serve(i, fd, service);
}

int ssp__instance_adopt(struct ssp__instance *i, int fd, const struct ssp__service *service)
{
    (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    (void)fcntl(fd, F_SETFL, O_NONBLOCK);
    return adopt(i, fd, service);
}

int ssp__instance_inherit(struct ssp__instance *i, const struct ssp__instance *other,
                          const struct ssp__service *service)
{
    for (const struct ssp__listening *l = other->listening; l != NULL; l = l->next) {
        int fd = ssp__listener_share(l->listener);
        if (fd == -1 || adopt(i, fd, service) == -1)
            return -1;
    }
    return 0;
}

void ssp__instance_each_socket(const struct ssp__instance *i, void (*visit)(void *arg, int fd),
                               void *arg)
{
    for (const struct ssp__listening *l = i->listening; l != NULL; l = l->next)
        visit(arg, ssp__listener_fd(l->listener));
}

static int listen_on(struct ssp__instance *i, const struct ssp__address *a,
                     const struct ssp__service *service)
{
    int fd = ssp__socket_listen(a, &service->accepted, ssp__loop_paced(i->program->loop));
    if (fd == -1)
        return -1;
    return serve(i, fd, service) == -1 ? -1 : i->listening->port;
}

static void note_failure(const struct ssp__address *a, char *why, size_t why_cap)
{
    char text[SSP_ADDRESS_TEXT_MAX];
    int error = errno;
    ssp__address_format(a, text, sizeof text);
    bool none_left = error == EADDRINUSE && ssp__address_port(a) == 0;
    (void)snprintf(why, why_cap, "listen on %s: %s", text,
                   none_left ? "no free port" : strerror(error));
    errno = error;
}

int ssp__instance_listen(struct ssp__instance *instance, const struct ssp__endpoint *e,
                         const struct ssp__service *service, char *why, size_t why_cap)
{
    struct ssp__address list[SSP_LOOKUP_MAX];
    int n = ssp__lookup(e, SOCK_STREAM, list, why, why_cap), first = -1;
    for (int i = 0; i < n; i++) {
        int port = listen_on(instance, &list[i], service);
        if (port == -1) {
            note_failure(&list[i], why, why_cap);
            return -1;
        }
        first = i == 0 ? port : first;
    }
    return first;
}

void ssp__instance_pause(struct ssp__instance *i, bool pause)
{
    for (struct ssp__listening *l = i->listening; l != NULL; l = l->next)
        ssp__listener_pause(l->listener, pause);
}

static void close_listeners(struct ssp__instance *i)
{
    while (i->listening != NULL) {
        struct ssp__listening *l = i->listening;
        i->listening = l->next;
        ssp__listener_close(l->listener);
        free(l);
    }
}

void ssp__instance_drain(struct ssp__instance *i, unsigned ms, void (*done)(void *arg), void *arg)
{
    close_listeners(i);
    hold_others(i);
    for (unsigned k = 0; k < i->mates; k++)
        i->mate[k].draining = true;
    ssp__drain_begin(i, ms, done, arg);
    release_others(i);
}

void ssp__sessions_note_death(struct ssp__instance *i)
{
    ssp__session_note_deaths(i);
    hold_others(i);
    for (unsigned k = 0; k < i->mates; k++)
        ssp__session_note_deaths(&i->mate[k]);
    release_others(i);
}

static void end_sessions(struct ssp__instance *i)
{
    while (i->sessions != NULL)
        ssp__session_stop(i->sessions);
}

/* A worker that had its last session is done with it: it stands between two turns. */
static void close_mates(struct ssp__instance *i)
{
    hold_others(i);
    for (unsigned k = 0; k < i->mates; k++) {
        end_sessions(&i->mate[k]);
        ssp__loop_unpost(i->program->loop, &i->mate[k].emptied);
    }
    release_others(i);
    free(i->mate);
    i->mate = NULL;
    i->mates = 0;
}

void ssp__instance_close(struct ssp__instance *i)
{
    close_listeners(i);
    ssp__drain_cancel(i);
    close_mates(i);
    end_sessions(i);
    *i = (struct ssp__instance){.meter = i->meter, .own = {.counters = i->own.counters}};
}
