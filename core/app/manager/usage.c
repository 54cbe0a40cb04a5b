/* SPDX-License-Identifier: Apache-2.0 */
#include "app/manager/usage.h"

#include "app/manager/port.h"
#include "app/manager/state.h"
#include "manager/used.h"
#include "proto/users.h"
#include <ssplugin/log.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { KEEP_MS = 60000 };

static void note_user(void *arg, const char *name, uint64_t bytes)
{
    ss_used_add(arg, name, bytes);
}

static void keep(const struct ss_manager *m, const struct ss_instance *i, uint16_t number)
{
    const struct ssp__meter *meter = i->relay.meter;
    struct ss_used *used = ss_used_new();
    if (used == NULL)
        return;
    if (meter->allowance.bytes != 0)
        ss_used_add(used, NULL, ssp__allowance_used(&meter->allowance, &meter->counters));
    if (i->conf->users != NULL)
        ss_users_each_used(i->conf->users, note_user, used);
    const char *text = ss_used_text(used);
    if (text != NULL && ss_state_save_used(m->directory_fd, number, text) == -1)
        ssp_error("port %u: its bytes do not count over a restart: %s: %s", number, m->directory,
                  strerror(errno));
    ss_used_free(used);
}

void ss_usage_keep(const struct ss_manager *m)
{
    for (unsigned n = 1; n < SS_PORTS; n++) {
        const struct ss_instance *i = m->port[n] != NULL ? ss_port_instance(m->port[n]) : NULL;
        if (i != NULL)
            keep(m, i, (uint16_t)n);
    }
}

static void restore_one(void *arg, const char *user, uint64_t bytes)
{
    const struct ss_instance *i = arg;
    if (user == NULL)
        i->relay.meter->allowance.used = bytes;
    else if (i->conf->users != NULL)
        ss_users_use(i->conf->users, user, bytes);
}

/* The bytes of a port that is gone are of no use. */
static void restore(void *arg, uint16_t number, const char *text, size_t len)
{
    const struct ss_manager *m = arg;
    const struct ss_port *port = m->port[number];
    const struct ss_instance *i = port != NULL ? ss_port_instance(port) : NULL;
    if (port == NULL)
        ss_state_drop_used(m->directory_fd, number);
    else if (i != NULL && ss_used_read(text, len, restore_one, (void *)(uintptr_t)i) == -1)
        ssp_error("%s/.shadowsocks_%u.used is not read: the bytes of port %u count from zero",
                  m->directory, number, number);
}

static void keep_again(void *arg)
{
    struct ss_manager *m = arg;
    ss_usage_keep(m);
    ssp__timer_start(m->process.program.loop, &m->usage, KEEP_MS);
}

void ss_usage_begin(struct ss_manager *m)
{
    ss_state_load_used(m->directory_fd, restore, m);
    m->usage = (struct ssp__timer){.fire = keep_again, .arg = m};
    ssp__timer_start(m->process.program.loop, &m->usage, KEEP_MS);
}

void ss_usage_end(struct ss_manager *m)
{
    if (m->usage.fire == NULL)
        return;
    ssp__timer_stop(&m->usage);
    ss_usage_keep(m);
}
