/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/program.h"

#include "net/listener.h"
#include "net/lookup.h"
#include "relay/session.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { RUNNING = -1 };

struct ssp__listening {
    struct ssp__listening *next;
    struct ssp__program *program;
    const struct ssp__service *service;
    struct ssp__listener *listener;
};

static void asked_to_stop(void *arg)
{
    ssp__program_stop(arg, 0);
}

int ssp__program_open(struct ssp__program *p, const char *nameservers, bool prefer_v6,
                      const char **why)
{
    *p = (struct ssp__program){.status = RUNNING};
    *why = "the event loop could not be made";
    (void)signal(SIGPIPE, SIG_IGN); /* NOLINT(bugprone-signal-handler): no handler */
    p->loop = ssp_loop_new();
    if (p->loop == NULL)
        return -1;
    p->resolver = ssp__resolver_new(
        p->loop, &(struct ssp__resolver_conf){.servers = nameservers, .prefer_v6 = prefer_v6}, why);
    if (p->resolver == NULL)
        goto fail;
    *why = "out of memory";
    p->worker = ssp__worker_new(p->loop, p->resolver);
    p->stop[0] = ssp__signal_watch(p->loop, SIGTERM, asked_to_stop, p);
    p->stop[1] = ssp__signal_watch(p->loop, SIGINT, asked_to_stop, p);
    if (p->worker != NULL && p->stop[0] != NULL && p->stop[1] != NULL)
        return 0;

fail:
    ssp__program_close(p);
    return -1;
}

static void accepted(void *arg, int fd)
{
    struct ssp__listening *l = arg;
    ssp__session_open(l->program->worker, l->service, fd);
}

static int serve(struct ssp__program *p, int fd, const struct ssp__service *service)
{
    struct ssp__listening *l = calloc(1, sizeof *l);
    errno = ENOMEM;
    if (l == NULL) {
        (void)close(fd);
        return -1;
    }
    *l = (struct ssp__listening){.next = p->listening, .program = p, .service = service};
    l->listener = ssp__listener_open(p->loop, fd, accepted, l);
    if (l->listener == NULL) {
        free(l);
        return -1;
    }
    p->listening = l;
    return 0;
}

int ssp__program_adopt(struct ssp__program *p, int fd, const struct ssp__service *service)
{
    (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    (void)fcntl(fd, F_SETFL, O_NONBLOCK);
    return serve(p, fd, service);
}

static int listen_on(struct ssp__program *p, const struct ssp__address *a,
                     const struct ssp__service *service)
{
    int fd = ssp__socket_listen(a, &service->accepted, ssp__loop_paced(p->loop));
    if (fd == -1)
        return -1;
    struct ssp__address bound = {.len = sizeof bound.u};
    (void)getsockname(fd, &bound.u.any, &bound.len);
    return serve(p, fd, service) == -1 ? -1 : ssp__address_port(&bound);
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

int ssp__program_listen(struct ssp__program *p, const struct ssp__endpoint *e,
                        const struct ssp__service *service, char *why, size_t why_cap)
{
    struct ssp__address list[SSP_LOOKUP_MAX];
    int n = ssp__lookup(e, SOCK_STREAM, list, why, why_cap), first = -1;
    for (int i = 0; i < n; i++) {
        int port = listen_on(p, &list[i], service);
        if (port == -1) {
            note_failure(&list[i], why, why_cap);
            return -1;
        }
        first = i == 0 ? port : first;
    }
    return first;
}

int ssp__program_on_signal(struct ssp__program *p, int signo, void (*fire)(void *arg), void *arg)
{
    for (unsigned i = 0; i < SSP_PROGRAM_SIGNALS; i++) {
        if (p->heard[i] != NULL)
            continue;
        p->heard[i] = ssp__signal_watch(p->loop, signo, fire, arg);
        return p->heard[i] != NULL ? 0 : -1;
    }
    return -1;
}

static void close_listeners(struct ssp__program *p)
{
    while (p->listening != NULL) {
        struct ssp__listening *l = p->listening;
        p->listening = l->next;
        ssp__listener_close(l->listener);
        free(l);
    }
}

void ssp__program_drain(struct ssp__program *p, unsigned ms)
{
    close_listeners(p);
    p->draining = true;
    p->worker->on_idle = asked_to_stop;
    p->worker->idle_arg = p;
    p->drain.fire = asked_to_stop;
    p->drain.arg = p;
    ssp__timer_start(p->loop, &p->drain, p->worker->live > 0 ? ms : 0);
}

void ssp__program_pause(struct ssp__program *p, bool pause)
{
    for (struct ssp__listening *l = p->listening; l != NULL; l = l->next)
        ssp__listener_pause(l->listener, pause);
}

int ssp__program_run(struct ssp__program *p)
{
    if (p->status == RUNNING && ssp_loop_run(p->loop) == -1)
        ssp__program_stop(p, SSP_EXIT_OS);
    return p->status;
}

void ssp__program_stop(struct ssp__program *p, int status)
{
    if (p->status == RUNNING)
        p->status = status;
    ssp_loop_stop(p->loop);
}

static void end_sessions(struct ssp__program *p)
{
    if (p->worker == NULL)
        return;
    p->worker->on_idle = NULL;
    while (p->worker->sessions != NULL)
        ssp__session_abort(p->worker->sessions);
}

void ssp__program_close(struct ssp__program *p)
{
    close_listeners(p);
    ssp__timer_stop(&p->drain);
    end_sessions(p);
    ssp__worker_free(p->worker);
    ssp__resolver_free(p->resolver);
    ssp__signal_free(p->stop[0]);
    ssp__signal_free(p->stop[1]);
    for (unsigned i = 0; i < SSP_PROGRAM_SIGNALS; i++)
        ssp__signal_free(p->heard[i]);
    ssp_loop_free(p->loop);
    *p = (struct ssp__program){.loop = NULL};
}
