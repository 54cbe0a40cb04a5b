/* SPDX-License-Identifier: Apache-2.0 */
#include "app/report.h"

#include "app/rendezvous.h"
#include "app/traffic.h"
#include "manager/listing.h"
#include <ssplugin/log.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { INTERVAL_MS = 5000, /* as in shadowsocks-libev */ WHY_MAX = 512 };

struct ss_report {
    struct ss_instance *instance;
    struct ss_rendezvous to;
    int fd;
    int error; /* of the last one; 0: it was sent */
    uint16_t port;
    struct ssp__timer timer;
};

/* A manager that is away may come back: one line says so. */
static void note(struct ss_report *r, int error)
{
    if (error != 0 && error != EAGAIN && error != r->error)
        ssp_error("manager_address %s: cannot report traffic: %s; trying again every %d s",
                  r->instance->conf->manager_address, strerror(error), INTERVAL_MS / 1000);
    r->error = error;
}

static void report(void *arg)
{
    struct ss_report *r = arg;
    struct ssp__counters c = ss_traffic_of(r->instance);
    char text[SS_REPORT_MAX];
    size_t n = ss_listing_report(text, r->port, ss_traffic_bytes(r->instance));
    ssp_debug("update traffic stat: tx: %" PRIu64 " rx: %" PRIu64, c.bytes_down, c.bytes_up);
    ssize_t sent = sendto(r->fd, text, n, MSG_NOSIGNAL, &r->to.u.any, r->to.len);
    note(r, sent == -1 ? errno : 0);
    ssp__timer_start(r->instance->process->program.loop, &r->timer, INTERVAL_MS);
}

int ss_report_open(struct ss_instance *instance)
{
    const struct ss_conf *c = instance->conf;
    char why[WHY_MAX] = "out of memory";
    struct ss_report *r = calloc(1, sizeof *r);
    int rc = r != NULL ? ss_rendezvous_read(&r->to, c->manager_address, why, sizeof why) : -1;
    if (rc == 0) {
        r->instance = instance;
        r->port = c->server_port != 0 ? c->server_port : c->server[0].port;
        r->timer = (struct ssp__timer){.fire = report, .arg = r};
        r->fd = socket(r->to.u.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        rc = r->fd == -1 ? -1 : 0;
        (void)snprintf(why, sizeof why, "%s", strerror(errno));
    }
    if (rc == -1) {
        ssp_error("manager_address %s: %s", c->manager_address, why);
        free(r);
        return -1;
    }
    instance->report = r;
    ssp__timer_start(instance->process->program.loop, &r->timer, INTERVAL_MS);
    return 0;
}

void ss_report_close(struct ss_report *r)
{
    if (r == NULL)
        return;
    ssp__timer_stop(&r->timer);
    (void)close(r->fd);
    free(r);
}
