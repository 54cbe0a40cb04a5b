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

static void accepted(void *arg, int fd, const struct ssp__address *peer)
{
    struct ssp__listening *l = arg;
    const struct ssp__service *service = l->service;
    bool speaks_for_others = service->preface != NULL;
    ssp__admit_fn *admit = speaks_for_others ? service->trusts : service->admit;
    if (admit != NULL && !admit(service->plan_arg, peer)) {
        (void)close(fd);
        return;
    }
    const struct ssp__address *source =
        speaks_for_others ? NULL : ssp__crowd_source(l->service, peer);
    struct ssp__address reached = {.len = 0};
    if (l->service->front != NULL && l->service->front->open != NULL)
        ssp__intercept_dialed(fd, l->service->accepted.intercept, l->port, &reached);
    ssp__crowd_make_room(l->instance->program->worker, l->service, source, fd);
    ssp__session_open(l->instance, l->service, fd, source, &reached);
}

static bool squeezed(void *arg)
{
    const struct ssp__listening *l = arg;
    return ssp__crowd_thin(l->instance->program->worker);
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
    ssp__drain_begin(i, ms, done, arg);
}

void ssp__instance_close(struct ssp__instance *i)
{
    close_listeners(i);
    ssp__drain_cancel(i);
    while (i->sessions != NULL)
        ssp__session_stop(i->sessions);
    *i = (struct ssp__instance){.meter = i->meter, .own = {.counters = i->own.counters}};
}
