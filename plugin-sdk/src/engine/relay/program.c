/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/program.h"

#include "relay/session.h"

#include <signal.h>

enum { RUNNING = -1 };

static void asked_to_stop(void *arg)
{
    ssp__program_stop(arg, 0);
}

static void expire(void *session)
{
    ssp__session_expire(session);
}

int ssp__program_open_other(struct ssp__program *p, const char *nameservers, bool prefer_v6,
                            const char **why)
{
    *p = (struct ssp__program){.status = RUNNING};
    *why = "cannot create the event loop";
    p->loop = ssp_loop_new();
    if (p->loop == NULL)
        return -1;
    p->resolver = ssp__resolver_new(
        p->loop, &(struct ssp__resolver_conf){.servers = nameservers, .prefer_v6 = prefer_v6}, why);
    if (p->resolver == NULL)
        goto fail;
    *why = "out of memory";
    p->worker = ssp__worker_new(p->loop, p->resolver, expire);
    if (p->worker != NULL)
        return 0;

fail:
    ssp__program_close(p);
    return -1;
}

int ssp__program_open(struct ssp__program *p, const char *nameservers, bool prefer_v6,
                      const char **why)
{
    (void)signal(SIGPIPE, SIG_IGN); /* NOLINT(bugprone-signal-handler): no handler */
    (void)signal(SIGXFSZ, SIG_IGN); /* NOLINT(bugprone-signal-handler): a full log is no end */
    if (ssp__program_open_other(p, nameservers, prefer_v6, why) == -1)
        return -1;
    p->stop[0] = ssp__signal_watch(p->loop, SIGTERM, asked_to_stop, p);
    p->stop[1] = ssp__signal_watch(p->loop, SIGINT, asked_to_stop, p);
    if (p->stop[0] != NULL && p->stop[1] != NULL)
        return 0;
    ssp__program_close(p);
    return -1;
}

void ssp__program_mark_lookups(struct ssp__program *p, unsigned fwmark)
{
    p->lookups.fwmark = fwmark;
    ssp__resolver_sockets(p->resolver, &p->lookups);
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

void ssp__program_close(struct ssp__program *p)
{
    ssp__worker_free(p->worker);
    ssp__resolver_free(p->resolver);
    ssp__signal_free(p->stop[0]);
    ssp__signal_free(p->stop[1]);
    for (unsigned i = 0; i < SSP_PROGRAM_SIGNALS; i++)
        ssp__signal_free(p->heard[i]);
    ssp_loop_free(p->loop);
    *p = (struct ssp__program){.loop = NULL};
}
