/* SPDX-License-Identifier: Apache-2.0 */
#include "app/instance.h"

#include "app/listening.h"
#include "app/report.h"
#include <ssplugin/log.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum { WHY_MAX = 512 };

bool ss_instance_may_inherit(const struct ss_instance *predecessor, const struct ss_conf *c)
{
    const struct ss_conf *old = predecessor->conf;
    return !ss_plugin_runs(old) && !ss_plugin_runs(c) && old->fast_open == c->fast_open;
}

static int inherit(struct ss_instance *i, const struct ssp__endpoint *e, unsigned n,
                   const char *line)
{
    if (ssp__instance_inherit(&i->relay, &i->predecessor->relay, &i->service) == -1) {
        ssp_error("cannot take over a listener: %s", strerror(errno));
        return -1;
    }
    ss_listening_log(line, e, n);
    return 0;
}

/* A name may have several sockets.  Returns the port, or -1. */
static int listen_at(struct ss_instance *i, const struct ssp__endpoint *e, char *why)
{
    struct ss_activation *activation = &i->process->activation;
    int fd = ss_activation_take(activation, SOCK_STREAM, e);
    if (fd == -1)
        return ssp__instance_listen(&i->relay, e, &i->service, why, WHY_MAX);
    (void)snprintf(why, WHY_MAX, "out of memory");
    do {
        if (ssp__instance_adopt(&i->relay, fd, &i->service) == -1)
            return -1;
        fd = e->named && activation->handed ? ss_activation_take(activation, SOCK_STREAM, e) : -1;
    } while (fd != -1);
    return e->port;
}

int ss_instance_listen(struct ss_instance *i, struct ssp__endpoint *e, unsigned n, const char *line)
{
    i->service.accepted.v6only = n > 1 || i->conf->ipv6_only;
    if (i->predecessor != NULL && i->predecessor->relay.listening != NULL)
        return inherit(i, e, n, line);
    for (unsigned k = 0; k < n; k++) {
        char why[WHY_MAX];
        int port = listen_at(i, &e[k], why);
        if (port == -1) {
            i->no_port = true;
            ss_listening_failed(&e[k], n, SSP_TCP, why);
            return -1;
        }
        e[k].port = (uint16_t)port;
        ss_listening_log(line, &e[k], 1);
    }
    return 0;
}

/* ---- its life, as the process is told ---- */

void ss_instance_started(struct ss_instance *i)
{
    if (!i->started)
        ss_process_started(i->process);
    i->started = true;
}

void ss_instance_ready(struct ss_instance *i)
{
    ss_instance_started(i);
    if (!i->ready)
        ss_process_ready(i->process);
    if (!i->ready && i->joined && i->owner.ready != NULL)
        i->owner.ready(i->owner.arg);
    i->ready = true;
}

void ss_instance_stop_listening(struct ss_instance *i)
{
    ss_report_close(i->report);
    i->report = NULL;
    ssp__udp_close(i->udp);
    i->udp = NULL;
}

static void stop_serving(struct ss_instance *i)
{
    ss_instance_stop_listening(i);
    ssp__instance_close(&i->relay);
}

/* The others do not wait for it.  The starter of the process must not get success when the last
 * instance fails. */
void ss_instance_leave(struct ss_instance *i)
{
    if (!i->joined)
        return;
    i->joined = false;
    ss_process_leave(i->process);
    if (i->process->serving > 0)
        ss_instance_ready(i);
}

void ss_instance_fail(struct ss_instance *i)
{
    ss_plugin_begin_stop(i->plugin);
    stop_serving(i);
    if (i->retired) {
        ssp__timer_start(i->process->program.loop, &i->leaving, 0);
        return;
    }
    ss_instance_leave(i);
    ss_process_failed(i->process);
    if (i->owner.failed != NULL)
        i->owner.failed(i->owner.arg);
}

void ss_instance_end(struct ss_instance *i)
{
    ss_plugin_free(i->plugin);
    i->plugin = NULL;
    stop_serving(i);
    ssp__leases_close(&i->leases);
    ss_instance_leave(i);
    ss_inline_free(i->inlined);
    i->inlined = NULL;
    ss_shared_keys_leave(i->keys);
    i->keys = NULL;
}
