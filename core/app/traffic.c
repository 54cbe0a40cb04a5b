/* SPDX-License-Identifier: Apache-2.0 */
#include "app/traffic.h"

#include <ssplugin/log.h>

#include <inttypes.h>
#include <stdio.h>

struct ssp__counters ss_traffic_of(const struct ss_instance *instance)
{
    return ssp__meter_sum(&instance->meter->traffic, instance->meter->others);
}

uint64_t ss_traffic_bytes(const struct ss_instance *instance)
{
    struct ssp__counters c = ss_traffic_of(instance);
    return c.bytes_up + c.bytes_down;
}

void ss_traffic_each_user(const struct ss_instance *instance, ss_user_visit_fn *visit, void *arg)
{
    if (instance->conf != NULL && instance->conf->users != NULL)
        ss_users_each(instance->conf->users, visit, arg);
}

static void log_line(const char *whose, const struct ssp__counters *c)
{
    ssp_info("traffic of %s: connections %" PRIu64 ", failed %" PRIu64 ", foreign %" PRIu64
             ", bytes up %" PRIu64 ", down %" PRIu64 ", packets up %" PRIu64 ", down %" PRIu64,
             whose, c->accepted, c->failed, c->foreign, c->bytes_up, c->bytes_down, c->packets_up,
             c->packets_down);
}

static void log_user(void *arg, const char *name, const struct ssp__counters *c)
{
    char whose[SS_USER_NAME_MAX + 32];
    (void)snprintf(whose, sizeof whose, "port %u, user %.*s", *(const unsigned *)arg,
                   SS_USER_NAME_MAX, name);
    log_line(whose, c);
}

unsigned ss_traffic_port(const struct ss_instance *instance)
{
    const struct ss_conf *c = instance->conf;
    bool client = ss_programs[instance->program].role == SSP_CLIENT;
    return client ? c->local_port : c->server_port != 0 ? c->server_port : c->server[0].port;
}

void ss_traffic_add(struct ss_traffic_sum *sum, const struct ss_instance *instance)
{
    struct ssp__counters c = ss_traffic_of(instance);
    sum->ports++;
    sum->live += ssp__instance_live(&instance->relay);
    sum->counters.accepted += c.accepted;
    sum->counters.bytes_up += c.bytes_up;
    sum->counters.bytes_down += c.bytes_down;
}

void ss_traffic_describe(const struct ss_traffic_sum *sum, char text[SS_STATUS_MAX])
{
    const double mib = 1024.0 * 1024.0;
    const struct ssp__counters *c = &sum->counters;
    (void)snprintf(text, SS_STATUS_MAX,
                   "%u port%s, %u connection%s, %" PRIu64
                   " since the start, %.1f MiB up, %.1f MiB down",
                   sum->ports, sum->ports == 1 ? "" : "s", sum->live, sum->live == 1 ? "" : "s",
                   c->accepted, (double)c->bytes_up / mib, (double)c->bytes_down / mib);
}

void ss_traffic_log(const struct ss_instance *instance)
{
    char whose[16];
    if (instance->process == NULL)
        return;
    unsigned port = ss_traffic_port(instance);
    struct ssp__counters c = ss_traffic_of(instance);
    (void)snprintf(whose, sizeof whose, "port %u", port);
    log_line(whose, &c);
    ss_traffic_each_user(instance, log_user, &port);
}
